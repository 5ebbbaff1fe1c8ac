/* The Network Module Registrar: arguments, and modules that leave while they arrive. */
#include "ke_test.h"

#include <netioddk.h>

#define ROUNDS 200

static const NPIID npi = { 1, 2, 3, { 4, 5, 6, 7, 8, 9, 10, 11 } };
static const NPI_MODULEID module_id = { sizeof module_id, MIT_GUID, { { 0 } } };

#define INSTANCE                                                                                   \
    {                                                                                              \
        0, sizeof(NPI_REGISTRATION_INSTANCE), &npi, &module_id, 0, NULL                            \
    }

static HANDLE client_handle, provider_handle;
static BOOLEAN leaves;     /* the client, as soon as it has attached */
static PVOID null_binding; /* what NmrClientAttachProvider gets wrongly */
static HANDLE goes_away;   /* a provider, while the second one is attached */
static LONG attached, detached;
static KEVENT leaving;

static void remove_provider(HANDLE handle)
{
    assert_int_equal(NmrDeregisterProvider(handle), STATUS_PENDING);
    assert_int_equal(NmrWaitForProviderDeregisterComplete(handle), STATUS_SUCCESS);
}

static NTSTATUS NTAPI attach_provider(HANDLE NmrBindingHandle, PVOID ClientContext,
                                      PNPI_REGISTRATION_INSTANCE Instance)
{
    PVOID binding;
    const VOID *dispatch;
    NTSTATUS status;

    (void)Instance;
    if (null_binding) {
        assert_int_equal(
            NmrClientAttachProvider(NmrBindingHandle, ClientContext, &npi, NULL, &dispatch),
            STATUS_INVALID_PARAMETER);
        assert_int_equal(
            NmrClientAttachProvider(NmrBindingHandle, ClientContext, &npi, &binding, NULL),
            STATUS_INVALID_PARAMETER);
    }
    status = NmrClientAttachProvider(NmrBindingHandle, ClientContext, &npi, &binding, &dispatch);
    assert_int_equal(status, STATUS_SUCCESS);
    assert_ptr_equal(binding, &provider_handle);
    if (++attached == 2 && goes_away)
        remove_provider(goes_away);
    if (leaves) {
        assert_int_equal(NmrDeregisterClient(client_handle), STATUS_PENDING);
        KeSetEvent(&leaving, 0, FALSE);
    }
    return status;
}

static NTSTATUS NTAPI attach_client(HANDLE NmrBindingHandle, PVOID ProviderContext,
                                    PNPI_REGISTRATION_INSTANCE Instance, PVOID ClientBinding,
                                    const VOID *ClientDispatch, PVOID *ProviderBinding,
                                    const VOID **ProviderDispatch)
{
    (void)NmrBindingHandle;
    (void)Instance;
    (void)ClientBinding;
    (void)ClientDispatch;
    *ProviderBinding = ProviderContext;
    *ProviderDispatch = ProviderContext;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI detach(PVOID Binding)
{
    (void)Binding;
    __atomic_add_fetch(&detached, 1, __ATOMIC_RELAXED);
    return STATUS_SUCCESS;
}

static NPI_CLIENT_CHARACTERISTICS client = { .Length = sizeof client,
                                             .ClientAttachProvider = attach_provider,
                                             .ClientDetachProvider = detach,
                                             .ClientRegistrationInstance = INSTANCE };
static const NPI_PROVIDER_CHARACTERISTICS provider = { .Length = sizeof provider,
                                                       .ProviderAttachClient = attach_client,
                                                       .ProviderDetachClient = detach,
                                                       .ProviderRegistrationInstance = INSTANCE };

static int reset(void **state)
{
    (void)state;
    leaves = FALSE;
    goes_away = NULL;
    null_binding = NULL;
    attached = detached = 0;
    ke_findings = 0;
    KeInitializeEvent(&leaving, SynchronizationEvent, FALSE);
    return 0;
}

static void add_provider(void)
{
    assert_int_equal(NmrRegisterProvider(&provider, &provider_handle, &provider_handle),
                     STATUS_SUCCESS);
}

/* What a registration must not lack. */
static void arguments(void **state)
{
    NPI_CLIENT_CHARACTERISTICS c = client;
    NPI_PROVIDER_CHARACTERISTICS p = provider;
    HANDLE handle;

    (void)state;
    assert_int_equal(NmrRegisterClient(NULL, NULL, &handle), STATUS_INVALID_PARAMETER);
    assert_int_equal(NmrRegisterClient(&c, NULL, NULL), STATUS_INVALID_PARAMETER);
    c.ClientAttachProvider = NULL;
    assert_int_equal(NmrRegisterClient(&c, NULL, &handle), STATUS_INVALID_PARAMETER);
    c = client;
    c.ClientDetachProvider = NULL;
    assert_int_equal(NmrRegisterClient(&c, NULL, &handle), STATUS_INVALID_PARAMETER);
    assert_int_equal(NmrRegisterProvider(NULL, NULL, &handle), STATUS_INVALID_PARAMETER);
    assert_int_equal(NmrRegisterProvider(&p, NULL, NULL), STATUS_INVALID_PARAMETER);
    p.ProviderAttachClient = NULL;
    assert_int_equal(NmrRegisterProvider(&p, NULL, &handle), STATUS_INVALID_PARAMETER);
    p = provider;
    p.ProviderDetachClient = NULL;
    assert_int_equal(NmrRegisterProvider(&p, NULL, &handle), STATUS_INVALID_PARAMETER);
    assert_int_equal(ke_findings, 0);
    p = provider;
    p.Version = 1;
    KE_EXPECT("VF-NMR-02",
              assert_int_equal(NmrRegisterProvider(&p, NULL, &handle), STATUS_INVALID_PARAMETER));
    assert_int_equal(NmrDeregisterClient(&c), STATUS_INVALID_PARAMETER);
    assert_int_equal(NmrWaitForProviderDeregisterComplete(&p), STATUS_INVALID_PARAMETER);
    null_binding = &handle;
    add_provider();
    assert_int_equal(NmrRegisterClient(&client, &client, &client_handle), STATUS_SUCCESS);
    assert_int_equal(attached, 1);
    assert_int_equal(NmrWaitForClientDeregisterComplete(client_handle), STATUS_INVALID_PARAMETER);
    assert_int_equal(NmrDeregisterClient(client_handle), STATUS_PENDING);
    assert_int_equal(NmrDeregisterClient(client_handle), STATUS_INVALID_PARAMETER);
    assert_int_equal(NmrWaitForClientDeregisterComplete(client_handle), STATUS_SUCCESS);
    assert_int_equal(detached, 2);
    remove_provider(provider_handle);
}

static VOID NTAPI wait_for_the_end(PVOID context)
{
    (void)context;
    ke_wait(&leaving);
    assert_int_equal(NmrWaitForClientDeregisterComplete(client_handle), STATUS_SUCCESS);
}

/*
 * A client that deregisters while it attaches is detached at once, and is not offered to anybody
 * else; another thread may wait for its end meanwhile.
 */
static void leaving_on_arrival(void **state)
{
    (void)state;
    leaves = TRUE;
    add_provider();
    for (int i = 0; i < ROUNDS; i++) {
        HANDLE thread;

        attached = detached = 0;
        assert_int_equal(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL,
                                              wait_for_the_end, NULL),
                         STATUS_SUCCESS);
        assert_int_equal(NmrRegisterClient(&client, &client, &client_handle), STATUS_SUCCESS);
        assert_int_equal(ZwWaitForSingleObject(thread, FALSE, NULL), STATUS_SUCCESS);
        ZwClose(thread);
        assert_int_equal(attached, 1);
        assert_int_equal(detached, 2); /* both sides */
    }
    remove_provider(provider_handle);
}

/* Modules that go away meanwhile do not keep a new one from meeting the others (NMR-03). */
static void leaving_while_another_arrives(void **state)
{
    HANDLE others[2];

    (void)state;
    add_provider();
    others[0] = goes_away = provider_handle;
    add_provider();
    others[1] = provider_handle;
    add_provider();
    assert_int_equal(NmrRegisterClient(&client, &client, &client_handle), STATUS_SUCCESS);
    assert_int_equal(attached, 3);
    assert_int_equal(NmrDeregisterClient(client_handle), STATUS_PENDING);
    assert_int_equal(NmrWaitForClientDeregisterComplete(client_handle), STATUS_SUCCESS);
    remove_provider(others[1]);
    remove_provider(provider_handle);
}

static int nothing_left(void **state)
{
    (void)state;
    return ke_findings || vf_sweep(0, UINTPTR_MAX, "test") ? -1 : 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, reset, nothing_left)

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(arguments), TEST(leaving_on_arrival),
                                        TEST(leaving_while_another_arrives) };

    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
