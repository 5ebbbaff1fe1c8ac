/*
 * run.c: DriverEntry of every conformance driver. It runs the tests one after the other, says how
 * each has ended, and sees to what one that fails leaves undone.
 */
#include "harness.h"

#include <ntstrsafe.h>

extern const char *const TestFile;
extern void (*const TestFill)(TEST_ENTRY *, ULONG *);
extern const BOOLEAN TestCaptures;

PDRIVER_OBJECT TestDriver;
PWSK_CLIENT Client;
const WSK_PROVIDER_DISPATCH *Wsk;

static WSK_REGISTRATION Registration;
static const WSK_CLIENT_DISPATCH ClientDispatch = { MAKE_WSK_VERSION(1, 0), 0, NULL };

static BOOLEAN Failed;
static const char *SkipReason;
static char FailText[512];

/* ---- results ----------------------------------------------------------------------------- */

static const char *BaseName(const char *Path)
{
    const char *base = Path;
    for (; *Path; Path++)
        if (*Path == '/' || *Path == '\\')
            base = Path + 1;
    return base;
}

void TestFail(const char *File, int Line, const char *Format, ...)
{
    char text[384];
    va_list args;

    if (Failed)
        return;
    Failed = TRUE;
    va_start(args, Format);
    (void)RtlStringCbVPrintfA(text, sizeof(text), Format, args);
    va_end(args);
    (void)RtlStringCbPrintfA(FailText, sizeof(FailText), "%s:%d: %s", BaseName(File), Line, text);
}

BOOLEAN TestFailed(void)
{
    return Failed;
}

void TestSkip(const char *Reason)
{
    SkipReason = Reason;
}

/* ---- what a failed test owes ------------------------------------------------------------- */

typedef struct _DEBT {
    void (*Undo)(PVOID Context);
    PVOID Context;
} DEBT;

static DEBT Debts[128];
static ULONG DebtCount; /* with Debts the test's thread's own */

void Owe(void (*Undo)(PVOID Context), PVOID Context)
{
    if (DebtCount == RTL_NUMBER_OF(Debts)) {
        TestFail(__FILE__, __LINE__, "too much to be undone");
        return;
    }
    Debts[DebtCount].Undo = Undo;
    Debts[DebtCount++].Context = Context;
}

void Paid(PVOID Context)
{
    for (ULONG i = DebtCount; i > 0; i--) {
        if (Debts[i - 1].Context != Context)
            continue;
        RtlMoveMemory(&Debts[i - 1], &Debts[i], (DebtCount - i) * sizeof(DEBT));
        DebtCount--;
        return;
    }
}

static void PayDebts(void)
{
    while (DebtCount > 0) {
        DEBT debt = Debts[--DebtCount];
        debt.Undo(debt.Context);
    }
}

/* ---- the run ----------------------------------------------------------------------------- */

static WSK_REGISTRATION OtherRegistration;
static PWSK_CLIENT OwnClient;

NTSTATUS UseOtherClient(void)
{
    WSK_CLIENT_NPI npi = { NULL, &ClientDispatch };
    WSK_PROVIDER_NPI provider;

    NTSTATUS status = WskRegister(&npi, &OtherRegistration);
    if (!NT_SUCCESS(status))
        return status;
    status = WskCaptureProviderNPI(&OtherRegistration, WSK_INFINITE_WAIT, &provider);
    if (!NT_SUCCESS(status)) {
        WskDeregister(&OtherRegistration);
        return status;
    }
    OwnClient = Client;
    Client = provider.Client;
    return status;
}

static void DropOtherClient(void)
{
    if (!OwnClient)
        return;
    WskReleaseProviderNPI(&OtherRegistration);
    WskDeregister(&OtherRegistration);
    Client = OwnClient;
    OwnClient = NULL;
}

static void CleanUp(void)
{
    EndUse();
    CloseOpened();
    PayDebts();
    LeaveCalls();
    FreeBuffers();
}

static BOOLEAN RunOne(const TEST_ENTRY *Test)
{
    Failed = FALSE;
    SkipReason = NULL;
    BeginUse();
    Test->Run();
    CleanUp();
    DropOtherClient();
    if (Failed)
        DbgPrint("FAIL %s %s: %s\n", Test->Name, Test->Clauses, FailText);
    else if (SkipReason)
        DbgPrint("SKIP %s %s: %s\n", Test->Name, Test->Clauses, SkipReason);
    else
        DbgPrint("PASS %s %s\n", Test->Name, Test->Clauses);
    return !Failed;
}

static ULONG RunAll(void)
{
    ULONG count = 0, failures = 0;

    TestFill(NULL, &count);
    TEST_ENTRY *tests = ExAllocatePoolWithTag(NonPagedPoolNx, count * sizeof(*tests), TAG);
    if (!tests)
        return 1;
    TestFill(tests, &count);
    for (ULONG i = 0; i < count; i++)
        if (!RunOne(&tests[i]))
            failures++;
    ExFreePoolWithTag(tests, TAG);
    DbgPrint("DONE %s: %u tests, %u failed\n", BaseName(TestFile), count, failures);
    return failures;
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

DRIVER_INITIALIZE DriverEntry;

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WSK_CLIENT_NPI npi = { NULL, &ClientDispatch };
    WSK_PROVIDER_NPI provider;
    UNREFERENCED_PARAMETER(RegistryPath);

    TestDriver = DriverObject;
    DriverObject->DriverUnload = Unload;
    if (!TestCaptures)
        return RunAll() ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
    NTSTATUS status = WskRegister(&npi, &Registration);
    if (!NT_SUCCESS(status))
        return status;
    status = WskCaptureProviderNPI(&Registration, WSK_INFINITE_WAIT, &provider);
    if (NT_SUCCESS(status)) {
        Client = provider.Client;
        Wsk = provider.Dispatch;
        ULONG failures = 1;
        if (LearnKinds()) {
            LearnChoices();
            failures = RunAll();
        }
        WskReleaseProviderNPI(&Registration);
        if (failures)
            status = STATUS_UNSUCCESSFUL;
    }
    WskDeregister(&Registration);
    return status;
}
