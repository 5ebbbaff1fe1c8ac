/*
 * What happens when there is no memory. Each operation runs again and again, each time with another
 * of its allocations (or of its fault sites, which stand for a failure inside) failing, until it
 * gets through: before that it must say so in the documented way and give everything back.
 *
 * The linker replaces host_alloc() and the like by the functions here (see CMakeLists.txt).
 */
#include "ke_test.h"

#include <netioddk.h>

#include "nt/iop.h"
#include "nt/kip.h"
#include "nt/ob.h"

void *__real_host_alloc(size_t size, size_t align);
void *__real_host_zalloc(size_t size);
void __real_host_free(void *p);
int __real_host_thread_create(struct host_thread **out, void (*fn)(void *), void *arg,
                              const char *name);
void *__wrap_host_alloc(size_t size, size_t align);
void *__wrap_host_zalloc(size_t size);
void __wrap_host_free(void *p);
uint32_t __wrap_host_choose(uint32_t n, enum host_choice kind, const char *site);
int __wrap_host_thread_create(struct host_thread **out, void (*fn)(void *), void *arg,
                              const char *name);

/* Of the thread that runs the test: what the kernel's own threads do neither fails nor counts. */
static _Thread_local struct {
    BOOLEAN on;
    LONG countdown; /* 1: the next one fails */
    LONG live;      /* blocks allocated less blocks freed */
} faults;

static BOOLEAN fails(void)
{
    return faults.on && faults.countdown > 0 && --faults.countdown == 0;
}

static void *count(void *p)
{
    if (p && faults.on)
        faults.live++;
    return p;
}

void *__wrap_host_alloc(size_t size, size_t align)
{
    return fails() ? NULL : count(__real_host_alloc(size, align));
}

void *__wrap_host_zalloc(size_t size)
{
    return fails() ? NULL : count(__real_host_zalloc(size));
}

void __wrap_host_free(void *p)
{
    if (p && faults.on)
        faults.live--;
    __real_host_free(p);
}

uint32_t __wrap_host_choose(uint32_t n, enum host_choice kind, const char *site)
{
    (void)site;
    return kind == HOST_CHOOSE_FAULT && fails() ? n - 1 : 0;
}

int __wrap_host_thread_create(struct host_thread **out, void (*fn)(void *), void *arg,
                              const char *name)
{
    return fails() ? -11 : __real_host_thread_create(out, fn, arg, name);
}

static void watch(LONG countdown)
{
    faults.countdown = countdown;
    faults.live = 0;
    faults.on = TRUE;
}

static BOOLEAN unwatch(void)
{
    faults.on = FALSE;
    return faults.countdown == 0; /* it did fail */
}

/* Runs op() with every one of its allocations failing; undo() after the time it gets through. */
static void exhaust(NTSTATUS (*op)(void), void (*undo)(void))
{
    LONG failures = 0;

    for (LONG n = 1;; n++) {
        watch(n);
        NTSTATUS status = op();
        if (!unwatch()) {
            assert_int_equal(status, STATUS_SUCCESS);
            break;
        }
        assert_int_equal(status, STATUS_INSUFFICIENT_RESOURCES);
        assert_int_equal(faults.live, 0);
        assert_int_equal(vf_sweep(0, UINTPTR_MAX, "test"), 0);
        failures++;
    }
    assert_true(failures > 0);
    undo();
    assert_int_equal(vf_sweep(0, UINTPTR_MAX, "test"), 0);
}

static NTSTATUS answer(const void *p)
{
    return p ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static UNICODE_STRING string(PCWSTR text)
{
    UNICODE_STRING s;

    RtlInitUnicodeString(&s, text);
    return s;
}

/* ---- IRPs and MDLs --------------------------------------------------------------------------- */

static DEVICE_OBJECT device = { .StackSize = 1 };
static UCHAR memory[64];
static IO_STATUS_BLOCK iosb;
static PIRP irp;
static PMDL mdl;
static PVOID block;

static NTSTATUS allocate_irp(void)
{
    irp = IoAllocateIrpEx(NULL, 1, FALSE);
    return answer(irp);
}

static void free_irp(void)
{
    IoFreeIrp(irp);
}

static NTSTATUS make_associated(void)
{
    IRP master = { 0 };

    irp = IoMakeAssociatedIrp(&master, 1);
    return answer(irp);
}

static ULONG control_method;

static NTSTATUS build_control(void)
{
    ULONG code = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, control_method, FILE_ANY_ACCESS);

    irp =
        IoBuildDeviceIoControlRequest(code, &device, memory, 8, memory + 8, 16, TRUE, NULL, &iosb);
    return answer(irp);
}

/* As a driver does that had stopped the completion: what was never sent goes up from its top. */
static void finish_irp(void)
{
    irp->IoStatus.Status = STATUS_CANCELLED;
    IopFinishIrp(irp);
}

static NTSTATUS build_write(void)
{
    LARGE_INTEGER at = { .QuadPart = 7 };

    irp = IoBuildSynchronousFsdRequest(IRP_MJ_WRITE, &device, memory, 16, &at, NULL, &iosb);
    return answer(irp);
}

static NTSTATUS build_asynchronous(void)
{
    irp = IoBuildAsynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, &device, NULL, 0, NULL, &iosb);
    return answer(irp);
}

static NTSTATUS allocate_mdl(void)
{
    mdl = IoAllocateMdl(memory, 16, FALSE, FALSE, NULL);
    return answer(mdl);
}

static void free_mdl(void)
{
    IoFreeMdl(mdl);
}

static NTSTATUS allocate_pages(void)
{
    PHYSICAL_ADDRESS none = { .QuadPart = 0 }, all = { .QuadPart = -1 };

    mdl = MmAllocatePagesForMdlEx(none, all, none, 5000, MmCached, 0);
    return answer(mdl);
}

static void free_pages(void)
{
    MmFreePagesFromMdl(mdl);
    ExFreePool(mdl);
}

static void irps_and_mdls(void **state)
{
    (void)state;
    exhaust(allocate_irp, free_irp);
    exhaust(make_associated, free_irp);
    for (control_method = METHOD_BUFFERED; control_method <= METHOD_NEITHER; control_method++) {
        if (control_method == METHOD_IN_DIRECT || control_method == METHOD_OUT_DIRECT)
            continue; /* below: their pages may fail to lock, which raises */
        exhaust(build_control, finish_irp);
    }
    device.Flags = DO_BUFFERED_IO;
    exhaust(build_write, finish_irp);
    device.Flags = 0;
    exhaust(build_write, finish_irp);
    exhaust(build_asynchronous, free_irp);
    exhaust(allocate_mdl, free_mdl);
    exhaust(allocate_pages, free_pages);
}

static NTSTATUS lock_or_status(NTSTATUS (*op)(void))
{
    volatile NTSTATUS status = STATUS_UNSUCCESSFUL;

    __try {
        status = op();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode() == STATUS_WORKING_SET_QUOTA ? STATUS_INSUFFICIENT_RESOURCES
                                                                : GetExceptionCode();
    }
    return status;
}

static NTSTATUS build_direct_control(void)
{
    return lock_or_status(build_control);
}

static NTSTATUS build_direct_write(void)
{
    return lock_or_status(build_write);
}

/* Pages that cannot be locked raise an exception; nothing of the IRP is left behind. */
static void pages_of_an_irp(void **state)
{
    (void)state;
    control_method = METHOD_IN_DIRECT;
    exhaust(build_direct_control, finish_irp);
    control_method = METHOD_OUT_DIRECT;
    exhaust(build_direct_control, finish_irp);
    device.Flags = DO_DIRECT_IO;
    exhaust(build_direct_write, finish_irp);
    device.Flags = 0;
}

static NTSTATUS map_pages(void)
{
    return answer(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority));
}

static void mapping(void **state)
{
    (void)state;
    assert_int_equal(allocate_mdl(), STATUS_SUCCESS);
    MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
    watch(1);
    assert_int_equal(map_pages(), STATUS_INSUFFICIENT_RESOURCES);
    assert_true(unwatch());
    assert_int_equal(map_pages(), STATUS_SUCCESS);
    MmUnlockPages(mdl);
    IoFreeMdl(mdl);
}

/* ---- pool and what comes from it ------------------------------------------------------------- */

static NTSTATUS allocate_pool(void)
{
    block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 5000, 'tseT');
    return answer(block);
}

static void free_pool(void)
{
    ExFreePool(block);
}

static NTSTATUS allocate_rundown(void)
{
    block = ExAllocateCacheAwareRundownProtection(NonPagedPoolNx, 'tseT');
    return answer(block);
}

static void free_rundown(void)
{
    ExFreeCacheAwareRundownProtection(block);
}

static NTSTATUS allocate_work_item(void)
{
    block = IoAllocateWorkItem(&device);
    return answer(block);
}

static void free_work_item(void)
{
    IoFreeWorkItem(block);
}

static ERESOURCE resource;

static NTSTATUS initialize_resource(void)
{
    return ExInitializeResourceLite(&resource);
}

static void delete_resource(void)
{
    ExDeleteResourceLite(&resource);
}

static void pool(void **state)
{
    (void)state;
    exhaust(allocate_pool, free_pool);
    exhaust(allocate_rundown, free_rundown);
    exhaust(allocate_work_item, free_work_item);
    exhaust(initialize_resource, delete_resource);
}

static NTSTATUS raised(PVOID (*allocate)(void))
{
    volatile NTSTATUS status = STATUS_SUCCESS;

    watch(1);
    __try {
        block = allocate();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    assert_true(unwatch());
    return status;
}

static PVOID quota(void)
{
    return ExAllocatePoolWithQuotaTag(NonPagedPoolNx, 8, 'tseT');
}

static PVOID quota_quietly(void)
{
    POOL_TYPE type = (POOL_TYPE)(NonPagedPoolNx | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE);

    return ExAllocatePoolWithQuotaTag(type, 8, 'tseT');
}

static PVOID by_flags(void)
{
    return ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_RAISE_ON_FAILURE, 8, 'tseT');
}

static LOOKASIDE_LIST_EX list;

static PVOID from_list(void)
{
    return ExAllocateFromLookasideListEx(&list);
}

static void who_raises(void **state)
{
    (void)state;
    assert_int_equal(raised(quota), STATUS_INSUFFICIENT_RESOURCES);
    assert_int_equal(raised(by_flags), STATUS_INSUFFICIENT_RESOURCES);
    block = &block;
    assert_int_equal(raised(quota_quietly), STATUS_SUCCESS);
    assert_null(block);
    for (ULONG flags = 0; flags < 3; flags++) {
        assert_int_equal(
            ExInitializeLookasideListEx(&list, NULL, NULL, NonPagedPoolNx, flags, 32, 'tseT', 0),
            STATUS_SUCCESS);
        block = NULL;
        assert_int_equal(raised(from_list), flags == EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL
                                                ? STATUS_INSUFFICIENT_RESOURCES
                                                : STATUS_SUCCESS);
        assert_null(block);
        ExDeleteLookasideListEx(&list);
    }
}

/* ---- objects --------------------------------------------------------------------------------- */

static HANDLE handle;

static NTSTATUS create_event(void)
{
    UNICODE_STRING name = string(L"\\BaseNamedObjects\\OwNoMemory");
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwCreateEvent(&handle, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE);
}

static void close_handle(void)
{
    assert_int_equal(ZwClose(handle), STATUS_SUCCESS);
}

/* What failed after it was made has no handle. */
static void close_if_open(void)
{
    if (handle)
        fail();
}

static void NTAPI nothing(PVOID context)
{
    (void)context;
}

static NTSTATUS create_thread(void)
{
    return PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, nothing, NULL);
}

static void end_thread(void)
{
    assert_int_equal(ZwWaitForSingleObject(handle, FALSE, NULL), STATUS_SUCCESS);
    close_handle();
    KipReapThreads();
}

static NTSTATUS create_link(void)
{
    UNICODE_STRING name = string(L"\\DosDevices\\OwNoMemory"), target = string(L"\\Device\\Ow");

    return IoCreateSymbolicLink(&name, &target);
}

static void delete_link(void)
{
    UNICODE_STRING name = string(L"\\DosDevices\\OwNoMemory");

    assert_int_equal(IoDeleteSymbolicLink(&name), STATUS_SUCCESS);
}

/* The first handle of all makes the table; so it fails only in this test. */
static void objects(void **state)
{
    (void)state;
    exhaust(create_event, close_handle);
    exhaust(create_thread, end_thread);
    exhaust(create_link, delete_link);
}

/* When the table of handles is full and cannot grow, the next handle fails, and those that are
 * open stay. */
static void full_handle_table(void **state)
{
    static HANDLE handles[4096];
    ULONG count = 0;
    NTSTATUS status;

    (void)state;
    do {
        assert_true(count < ARRAYSIZE(handles));
        watch(4); /* fault site, body and then the table */
        faults.countdown = 3;
        status = ZwCreateEvent(&handles[count], EVENT_ALL_ACCESS, NULL, NotificationEvent, TRUE);
        unwatch();
        count += NT_SUCCESS(status);
    } while (NT_SUCCESS(status));
    assert_int_equal(status, STATUS_INSUFFICIENT_RESOURCES);
    assert_int_equal(ZwCreateEvent(&handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, TRUE),
                     STATUS_SUCCESS);
    close_handle();
    while (count-- > 0) {
        assert_int_equal(ZwWaitForSingleObject(handles[count], FALSE, NULL), STATUS_SUCCESS);
        assert_int_equal(ZwClose(handles[count]), STATUS_SUCCESS);
    }
}

/* ---- registry -------------------------------------------------------------------------------- */

#define SERVICES L"\\Registry\\Machine\\System\\CurrentControlSet\\Services"

static NTSTATUS open_services(void)
{
    UNICODE_STRING name = string(SERVICES);
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwOpenKey(&handle, KEY_ALL_ACCESS, &attributes);
}

static NTSTATUS set_value(void)
{
    return RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, NULL, L"Value", REG_SZ, L"text", 10);
}

static void delete_value(void)
{
    assert_int_equal(RtlDeleteRegistryValue(RTL_REGISTRY_SERVICES, NULL, L"Value"), STATUS_SUCCESS);
}

static UNICODE_STRING value;

static NTSTATUS query_value(void)
{
    RTL_QUERY_REGISTRY_TABLE table[] = {
        { .Flags = RTL_QUERY_REGISTRY_DIRECT, .Name = L"Value", .EntryContext = &value },
        { 0 },
    };

    return RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, NULL, table, NULL, NULL);
}

static void free_value(void)
{
    RtlFreeUnicodeString(&value);
}

/* A subkey that cannot be opened is not one that is not there. */
static NTSTATUS query_below(void)
{
    ULONG number = 0;
    RTL_QUERY_REGISTRY_TABLE table[] = {
        { .Flags = RTL_QUERY_REGISTRY_SUBKEY, .Name = L"OwBelow" },
        { .Flags = RTL_QUERY_REGISTRY_DIRECT, .Name = L"Number", .EntryContext = &number },
        { 0 },
    };
    NTSTATUS status = RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, NULL, table, NULL, NULL);

    assert_int_equal(number, NT_SUCCESS(status) ? 5 : 0);
    return status;
}

static void delete_below(void)
{
    assert_int_equal(RtlDeleteRegistryValue(RTL_REGISTRY_SERVICES, L"OwBelow", L"Number"),
                     STATUS_SUCCESS);
}

static void querying_below(void)
{
    ULONG five = 5;

    assert_int_equal(RtlCreateRegistryKey(RTL_REGISTRY_SERVICES, L"OwBelow"), STATUS_SUCCESS);
    assert_int_equal(RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"OwBelow", L"Number", REG_DWORD,
                                           &five, sizeof five),
                     STATUS_SUCCESS);
    exhaust(query_below, delete_below);
}

/* A key that was made stays, whatever becomes of its handle. */
static void creating_keys(void)
{
    LONG failures = 0;
    NTSTATUS status;

    for (LONG n = 1;; n++) {
        watch(n);
        status = RtlCreateRegistryKey(RTL_REGISTRY_SERVICES, L"OwNoMemory");
        if (!unwatch())
            break;
        assert_int_equal(status, STATUS_INSUFFICIENT_RESOURCES);
        failures++;
    }
    assert_int_equal(status, STATUS_SUCCESS);
    assert_true(failures > 1);
}

/* The first call makes the tree: half of one must not stay. */
static void registry(void **state)
{
    BOOLEAN failed;

    (void)state;
    IopShutdown();
    for (LONG n = 1;; n++) {
        watch(n);
        NTSTATUS status = open_services();
        failed = unwatch();
        if (!failed) {
            assert_int_equal(status, STATUS_SUCCESS);
            break;
        }
        assert_int_equal(status, STATUS_INSUFFICIENT_RESOURCES);
        close_if_open();
        assert_int_equal(open_services(), STATUS_SUCCESS);
        close_handle();
        IopShutdown();
    }
    close_handle();
    exhaust(open_services, close_handle);
    exhaust(set_value, delete_value);
    assert_int_equal(set_value(), STATUS_SUCCESS);
    exhaust(query_value, free_value);
    delete_value();
    querying_below();
    creating_keys();
    IopShutdown();
}

/* ---- strings, descriptors, modules ----------------------------------------------------------- */

static UNICODE_STRING wide;
static STRING narrow;
static UTF8_STRING utf8;

static NTSTATUS converted(NTSTATUS status)
{
    return status == STATUS_NO_MEMORY ? STATUS_INSUFFICIENT_RESOURCES : status;
}

static NTSTATUS to_wide(void)
{
    STRING text = RTL_CONSTANT_STRING("text");

    return converted(RtlAnsiStringToUnicodeString(&wide, &text, TRUE));
}

static NTSTATUS utf8_to_wide(void)
{
    UTF8_STRING text = RTL_CONSTANT_STRING("text");

    return converted(RtlUTF8StringToUnicodeString(&wide, &text, TRUE));
}

static NTSTATUS upcase(void)
{
    UNICODE_STRING text = string(L"text");

    return converted(RtlUpcaseUnicodeString(&wide, &text, TRUE));
}

static NTSTATUS duplicate(void)
{
    UNICODE_STRING text = string(L"text");

    return converted(
        RtlDuplicateUnicodeString(RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE, &text, &wide));
}

static NTSTATUS guid_to_wide(void)
{
    static const GUID guid = { 1, 2, 3, { 4, 5, 6, 7, 8, 9, 10, 11 } };

    return converted(RtlStringFromGUID(&guid, &wide));
}

static void free_wide(void)
{
    RtlFreeUnicodeString(&wide);
}

static NTSTATUS to_narrow(void)
{
    UNICODE_STRING text = string(L"text");

    return converted(RtlUnicodeStringToAnsiString(&narrow, &text, TRUE));
}

static void free_narrow(void)
{
    RtlFreeAnsiString(&narrow);
}

static NTSTATUS to_utf8(void)
{
    UNICODE_STRING text = string(L"text");

    return converted(RtlUnicodeStringToUTF8String(&utf8, &text, TRUE));
}

static void free_utf8(void)
{
    RtlFreeUTF8String(&utf8);
}

static void strings(void **state)
{
    (void)state;
    exhaust(to_wide, free_wide);
    exhaust(utf8_to_wide, free_wide);
    exhaust(upcase, free_wide);
    exhaust(duplicate, free_wide);
    exhaust(guid_to_wide, free_wide);
    exhaust(to_narrow, free_narrow);
    exhaust(to_utf8, free_utf8);
}

static PSECURITY_DESCRIPTOR descriptor;

static NTSTATUS assign_security(void)
{
    SECURITY_SUBJECT_CONTEXT subject;
    GENERIC_MAPPING mapping = { 0 };

    SeCaptureSubjectContext(&subject);
    return SeAssignSecurity(NULL, NULL, &descriptor, FALSE, &subject, &mapping, PagedPool);
}

static void deassign_security(void)
{
    SeDeassignSecurity(&descriptor);
}

static NTSTATUS allocate_log_entry(void)
{
    block = IoAllocateErrorLogEntry(&device, sizeof(IO_ERROR_LOG_PACKET));
    return answer(block);
}

static void free_log_entry(void)
{
    IoFreeErrorLogEntry(block);
}

static NTSTATUS NTAPI attach_client(HANDLE h, PVOID c, PNPI_REGISTRATION_INSTANCE p)
{
    PVOID binding, dispatch;

    (void)p;
    return NmrClientAttachProvider(h, c, c, &binding, (const VOID **)&dispatch);
}

static NTSTATUS NTAPI attach_provider(HANDLE h, PVOID c, PNPI_REGISTRATION_INSTANCE i, PVOID b,
                                      const VOID *d, PVOID *binding, const VOID **dispatch)
{
    (void)h;
    (void)i;
    (void)b;
    (void)d;
    *binding = c;
    *dispatch = c;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI detach(PVOID binding)
{
    (void)binding;
    return STATUS_SUCCESS;
}

static const NPIID npi = { 1, 2, 3, { 4, 5, 6, 7, 8, 9, 10, 11 } };
static const NPI_MODULEID module = { sizeof module, MIT_GUID, { { 0 } } };
static const NPI_CLIENT_CHARACTERISTICS client = {
    .Length = sizeof client,
    .ClientAttachProvider = attach_client,
    .ClientDetachProvider = detach,
    .ClientRegistrationInstance = { 0, sizeof(NPI_REGISTRATION_INSTANCE), &npi, &module, 0, NULL }
};
static const NPI_PROVIDER_CHARACTERISTICS provider = {
    .Length = sizeof provider,
    .ProviderAttachClient = attach_provider,
    .ProviderDetachClient = detach,
    .ProviderRegistrationInstance = { 0, sizeof(NPI_REGISTRATION_INSTANCE), &npi, &module, 0, NULL }
};
static HANDLE client_handle, provider_handle;

static NTSTATUS register_client(void)
{
    return NmrRegisterClient(&client, &device, &client_handle);
}

static void deregister_client(void)
{
    if (NmrDeregisterClient(client_handle) == STATUS_PENDING)
        NmrWaitForClientDeregisterComplete(client_handle);
}

static NTSTATUS register_provider(void)
{
    return NmrRegisterProvider(&provider, &device, &provider_handle);
}

static void deregister_provider(void)
{
    if (NmrDeregisterProvider(provider_handle) == STATUS_PENDING)
        NmrWaitForProviderDeregisterComplete(provider_handle);
}

static void others(void **state)
{
    (void)state;
    exhaust(assign_security, deassign_security);
    exhaust(allocate_log_entry, free_log_entry);
    exhaust(register_client, deregister_client);
    exhaust(register_provider, deregister_provider);
}

/* ---- drivers, devices, files ----------------------------------------------------------------- */

static PDRIVER_OBJECT driver;
static PFILE_OBJECT file;
static PDEVICE_OBJECT opened;

static NTSTATUS NTAPI succeed(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject;
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI entry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    (void)RegistryPath;
    for (int i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = succeed;
    return STATUS_SUCCESS;
}

static NTSTATUS load(void)
{
    UNICODE_STRING name = string(L"ownomemory");

    return IopLoadDriver(&name, (PVOID)0x10000, 0x1000, entry, &driver);
}

static void unload(void)
{
    IopUnloadDriver(driver);
    KipReapThreads();
}

static NTSTATUS create_device(void)
{
    UNICODE_STRING name = string(L"\\Device\\OwNoMemory");

    return IoCreateDevice(driver, 16, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &opened);
}

static void delete_device(void)
{
    IoDeleteDevice(opened);
}

static NTSTATUS add_extension(void)
{
    PVOID extension;

    return IoAllocateDriverObjectExtension(driver, &driver, 16, &extension);
}

static void nothing_to_undo(void)
{
}

static NTSTATUS open_device(void)
{
    UNICODE_STRING name = string(L"\\Device\\OwNoMemory");
    PDEVICE_OBJECT top;

    return IoGetDeviceObjectPointer(&name, FILE_ALL_ACCESS, &file, &top);
}

static void close_device(void)
{
    ObDereferenceObject(file);
}

static NTSTATUS open_handle(void)
{
    UNICODE_STRING name = string(L"\\Device\\OwNoMemory");
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwOpenFile(&handle, FILE_GENERIC_READ, &attributes, &iosb, 0, 0);
}

static NTSTATUS read_handle(void)
{
    LARGE_INTEGER at = { .QuadPart = 0 };

    return ZwReadFile(handle, NULL, NULL, NULL, &iosb, memory, 8, &at, NULL);
}

static NTSTATUS control_handle(void)
{
    return ZwFsControlFile(handle, NULL, NULL, NULL, &iosb, 0, memory, 8, NULL, 0);
}

static void requests(void)
{
    LONG failures = 0;
    NTSTATUS status;

    for (int i = 0; i < 2; i++) {
        for (LONG n = 1;; n++) {
            watch(n);
            status = i ? control_handle() : read_handle();
            if (!unwatch())
                break;
            assert_int_equal(status, STATUS_INSUFFICIENT_RESOURCES);
            assert_int_equal(iosb.Status, STATUS_INSUFFICIENT_RESOURCES);
            assert_int_equal(faults.live, 0);
            failures++;
        }
        assert_int_equal(status, STATUS_SUCCESS);
    }
    assert_true(failures > 2);
}

static void drivers_and_devices(void **state)
{
    (void)state;
    exhaust(load, unload);
    assert_int_equal(load(), STATUS_SUCCESS);
    exhaust(create_device, delete_device);
    exhaust(add_extension, nothing_to_undo);
    unload();
}

/* An open file whose IRP_MJ_CLOSE cannot be sent would be no failure of the caller: it is open. */
static void files(void **state)
{
    (void)state;
    assert_int_equal(load(), STATUS_SUCCESS);
    assert_int_equal(create_device(), STATUS_SUCCESS);
    opened->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    opened->Flags |= DO_BUFFERED_IO;
    assert_int_equal(open_device(), STATUS_SUCCESS);
    close_device();
    assert_int_equal(open_handle(), STATUS_SUCCESS);
    requests();
    close_handle();
    assert_int_equal(opened->ReferenceCount, 0);
    delete_device();
    unload();
}

/* ---- the runtime itself ---------------------------------------------------------------------- */

static NTSTATUS boot(void)
{
    return KiBoot(2);
}

static void starting(void **state)
{
    (void)state;
    KiShutdown();
    exhaust(boot, nothing_to_undo);
}

/* The verifier's tables and the stack of __try blocks grow now: they would live on without memory,
 * or not at all, which is no business of the operations. */
static int set_up(void **state)
{
    for (ULONG_PTR i = 1; i <= 20000; i++)
        vf_born(VF_POOL, (void *)(i * 64), 0, 0, NULL);
    for (ULONG_PTR i = 1; i <= 20000; i++)
        vf_died(VF_POOL, (void *)(i * 64));
    __try {
        block = NULL;
    } __finally {
        mdl = NULL;
    }
    return ke_boot_two(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects),       cmocka_unit_test(full_handle_table),
        cmocka_unit_test(irps_and_mdls), cmocka_unit_test(pages_of_an_irp),
        cmocka_unit_test(mapping),       cmocka_unit_test(pool),
        cmocka_unit_test(who_raises),    cmocka_unit_test(drivers_and_devices),
        cmocka_unit_test(files),         cmocka_unit_test(registry),
        cmocka_unit_test(strings),       cmocka_unit_test(others),
        cmocka_unit_test(starting),
    };
    return cmocka_run_group_tests(tests, set_up, ke_shutdown);
}
