/*
 * object.c: objects with reference counts.
 *
 * Called by drivers (Ob*) and by the files of nt/ that have objects of their own. A count changes
 * by atomic operations only; who takes it to zero deletes the body. The process object is static
 * and has no header: it is never counted.
 */
#include "nt/ob.h"

#include <string.h>

OBJECT_TYPE ObpThreadType = { "Thread", NULL, NULL, FALSE };
OBJECT_TYPE ObpProcessType = { "Process", NULL, NULL, FALSE };
OBJECT_TYPE ObpEventType = { "Event", NULL, NULL, FALSE };

static POBJECT_TYPE ThreadType = &ObpThreadType;
static POBJECT_TYPE ProcessType = &ObpProcessType;
static POBJECT_TYPE EventType = &ObpEventType;
static POBJECT_TYPE FileType = &ObpFileType;
static POBJECT_TYPE DriverType = &ObpDriverType;
static POBJECT_TYPE DeviceType = &ObpDeviceType;

POBJECT_TYPE *PsThreadType = &ThreadType;
POBJECT_TYPE *PsProcessType = &ProcessType;
POBJECT_TYPE *ExEventObjectType = &EventType;
POBJECT_TYPE *IoFileObjectType = &FileType;
POBJECT_TYPE *IoDriverObjectType = &DriverType;
POBJECT_TYPE *IoDeviceObjectType = &DeviceType;

PVOID ObpAllocateBody(POBJECT_TYPE type, SIZE_T size)
{
    OBP_HEADER *header = host_alloc(sizeof *header + size, 64);

    if (!header)
        return NULL;
    memset(header, 0, sizeof *header + size);
    header->Magic = OBP_MAGIC;
    header->Type = type;
    header->References = 1;
    return header + 1;
}

void ObpFreeBody(PVOID body)
{
    OBP_HEADER *header = ObpHeader(body);

    header->Magic = 0;
    host_free(header);
}

/*
 * What lies in front of an address that is no body may belong to anybody, hence no instrumentation;
 * one word is read, in the same page or the one before.
 */
__attribute__((no_sanitize("address"), no_sanitize("thread"))) static ULONG64 ReadMagic(PVOID body)
{
    return *(volatile ULONG64 *)&ObpHeader(body)->Magic;
}

POBJECT_TYPE ObpTypeOf(PVOID body)
{
    if (body == (PVOID)PsInitialSystemProcess)
        return &ObpProcessType;
    if (!body || ((ULONG_PTR)body & 63) || ReadMagic(body) != OBP_MAGIC)
        return NULL;
    return ObpHeader(body)->Type;
}

BOOLEAN ObpReferenceSafe(PVOID body)
{
    OBP_HEADER *header = ObpHeader(body);
    LONG64 count = __atomic_load_n(&header->References, __ATOMIC_RELAXED);

    while (count > 0) {
        if (__atomic_compare_exchange_n(&header->References, &count, count + 1, TRUE,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return TRUE;
    }
    return FALSE;
}

static LONG_PTR Reference(PVOID body, const void *caller)
{
    POBJECT_TYPE type = ObpTypeOf(body);

    if (type == &ObpProcessType)
        return 2;
    if (!type) {
        vf_report(VF_STOP, "VF-OBJ-01", NULL, caller, "reference to %p, which is no object", body);
        return 0;
    }
    LONG64 count = __atomic_fetch_add(&ObpHeader(body)->References, 1, __ATOMIC_RELAXED);
    if (count <= 0)
        vf_report(VF_STOP, "VF-OBJ-01", NULL, caller,
                  "reference to the %s object %p, whose last reference is gone", type->Name, body);
    return (LONG_PTR)count + 1;
}

static VOID NTAPI Delete(PVOID body)
{
    POBJECT_TYPE type = ObpHeader(body)->Type;

    if (type->Delete)
        type->Delete(body);
    ObpRemoveName(body);
    ObpFreeBody(body);
}

static LONG_PTR Dereference(PVOID body, const void *caller)
{
    POBJECT_TYPE type = ObpTypeOf(body);

    if (type == &ObpProcessType)
        return 1;
    if (!type) {
        vf_report(VF_STOP, "VF-OBJ-01", NULL, caller, "dereference of %p, which is no object",
                  body);
        return 0;
    }
    LONG64 left = __atomic_sub_fetch(&ObpHeader(body)->References, 1, __ATOMIC_ACQ_REL);
    if (left > 0)
        return (LONG_PTR)left;
    if (left < 0) {
        vf_report(VF_STOP, "VF-OBJ-01", NULL, caller,
                  "dereference of the %s object %p, whose last reference is gone", type->Name,
                  body);
        return 0;
    }
    if (type->PassiveDelete && KiThread()->Irql > PASSIVE_LEVEL) {
        ExInitializeWorkItem(&ObpHeader(body)->Deletion, Delete, body);
        ExQueueWorkItem(&ObpHeader(body)->Deletion, DelayedWorkQueue);
    } else {
        Delete(body);
    }
    return 0;
}

/* ---- what drivers call ----------------------------------------------------------------------- */

LONG_PTR NTAPI ObfReferenceObject(PVOID Object)
{
    DDI_ENTER(ObfReferenceObject);
    return Reference(Object, __builtin_return_address(0));
}

LONG_PTR NTAPI ObfReferenceObjectWithTag(PVOID Object, ULONG Tag)
{
    DDI_ENTER(ObfReferenceObjectWithTag);
    UNREFERENCED_PARAMETER(Tag);
    return Reference(Object, __builtin_return_address(0));
}

LONG_PTR NTAPI ObfDereferenceObject(PVOID Object)
{
    DDI_ENTER(ObfDereferenceObject);
    return Dereference(Object, __builtin_return_address(0));
}

LONG_PTR NTAPI ObfDereferenceObjectWithTag(PVOID Object, ULONG Tag)
{
    DDI_ENTER(ObfDereferenceObjectWithTag);
    UNREFERENCED_PARAMETER(Tag);
    return Dereference(Object, __builtin_return_address(0));
}

/* A deletion that cannot run at the caller's IRQL is deferred anyway. */
VOID NTAPI ObDereferenceObjectDeferDelete(PVOID Object)
{
    DDI_ENTER(ObDereferenceObjectDeferDelete);
    Dereference(Object, __builtin_return_address(0));
}

VOID NTAPI ObDereferenceObjectDeferDeleteWithTag(PVOID Object, ULONG Tag)
{
    DDI_ENTER(ObDereferenceObjectDeferDeleteWithTag);
    UNREFERENCED_PARAMETER(Tag);
    Dereference(Object, __builtin_return_address(0));
}

NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess,
                                          POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode)
{
    DDI_ENTER(ObReferenceObjectByPointer);
    UNREFERENCED_PARAMETER(DesiredAccess);
    UNREFERENCED_PARAMETER(AccessMode);

    if (ObjectType && ObpTypeOf(Object) != ObjectType)
        return STATUS_OBJECT_TYPE_MISMATCH;
    Reference(Object, __builtin_return_address(0));
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION ObjectNameInfo,
                                 ULONG Length, PULONG ReturnLength)
{
    DDI_ENTER(ObQueryNameString);
    PCUNICODE_STRING name;

    if (!ObpTypeOf(Object))
        return STATUS_INVALID_PARAMETER;
    name = ObpNameOf(Object);
    *ReturnLength = sizeof(UNICODE_STRING) + (name->Length ? name->Length + sizeof(WCHAR) : 0);
    if (Length < *ReturnLength)
        return STATUS_INFO_LENGTH_MISMATCH;
    RtlZeroMemory(&ObjectNameInfo->Name, sizeof ObjectNameInfo->Name);
    if (name->Length == 0)
        return STATUS_SUCCESS;
    ObjectNameInfo->Name.Buffer = (PWCH)((PUNICODE_STRING)ObjectNameInfo + 1);
    ObjectNameInfo->Name.Length = name->Length;
    ObjectNameInfo->Name.MaximumLength = name->Length + sizeof(WCHAR);
    memcpy(ObjectNameInfo->Name.Buffer, name->Buffer, name->Length);
    ObjectNameInfo->Name.Buffer[name->Length / sizeof(WCHAR)] = 0;
    return STATUS_SUCCESS;
}
