/*
 * What: a thread sends on a socket that another one closes
 * Workload: own --calm --for 0 --seeds 1..300
 */
#include "conformance.h"

static struct {
    PWSK_SOCKET Socket;
    EX_RUNDOWN_REF Users;
    LONG Stop;
    BUFFER *Out;
} D;

static void SendSome(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < 10; i++) {
#ifdef FIXED
        if (!ExAcquireRundownProtection(&D.Users))
            return;
        (void)Send(D.Socket, D.Out, 10, 0, NULL);
        ExReleaseRundownProtection(&D.Users);
#else
        if (D.Stop)
            return;
        (void)Send(D.Socket, D.Out, 10, 0, NULL);
#endif
    }
}

TEST(close, "")
{
    for (ULONG i = 0; i < 4; i++) {
        PAIR pair;
        THREAD sends;
        CHECK_STATUS(MakePair(AF_INET, NULL, NULL, NULL, NULL, &pair), STATUS_SUCCESS);
        D.Socket = pair.Client;
        D.Out = MakePattern(100, 1);
        D.Stop = 0;
        ExInitializeRundownProtection(&D.Users);
        ThreadStart(&sends, SendSome, NULL);
#ifdef FIXED
        ExWaitForRundownProtectionRelease(&D.Users);
#else
        D.Stop = 1;
#endif
        CHECK_STATUS(Close(pair.Client), STATUS_SUCCESS);
        ThreadJoin(&sends);
    }
}

TESTS(ROW(close))
