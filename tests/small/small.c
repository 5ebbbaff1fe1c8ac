/* small.c: the helpers of small.h. */
#include "small.h"

/* Both sides have come so far. */
static LONG Left;
static KEVENT AllDone;

static void Meet(void)
{
    if (InterlockedDecrement(&Left) == 0)
        KeSetEvent(&AllDone, IO_NO_INCREMENT, FALSE);
    if (!WaitFor(&AllDone))
        TestFail(__FILE__, __LINE__, "one side does not come to its end");
}

typedef struct _SIDE {
    void (*Run)(PVOID);
    PVOID Context;
} SIDE;

static void RunSide(PVOID Context)
{
    const SIDE *side = Context;

    side->Run(side->Context);
    Meet();
}

void Race(void (*First)(PVOID), PVOID FirstContext, void (*Second)(PVOID), PVOID SecondContext)
{
    THREAD thread;
    SIDE side = { Second, SecondContext };

    Left = 2;
    KeInitializeEvent(&AllDone, NotificationEvent, FALSE);
    ThreadStart(&thread, RunSide, &side);
    First(FirstContext);
    Meet();
    ThreadJoin(&thread);
}

/* ---- a client whose events are counted ------------------------------------------------------ */

void ClientInit(CLIENT *Client)
{
    RtlZeroMemory(Client, sizeof(*Client));
    CounterInit(&Client->Receives);
    CounterInit(&Client->Bytes);
    CounterInit(&Client->Disconnects);
    CounterInit(&Client->Accepts);
}

void ClientSilence(CLIENT *Client)
{
    if (ReadAcquire(&Client->Running))
        InterlockedIncrement(&Client->TooLate);
    InterlockedExchange(&Client->Silent, 1);
}

static void Enter(CLIENT *Client)
{
    InterlockedIncrement(&Client->Running);
    if (ReadAcquire(&Client->Silent))
        InterlockedIncrement(&Client->TooLate);
}

static void Leave(CLIENT *Client)
{
    if (ReadAcquire(&Client->Silent))
        InterlockedIncrement(&Client->TooLate);
    InterlockedDecrement(&Client->Running);
}

static NTSTATUS NTAPI OnReceive(PVOID Context, ULONG Flags, PWSK_DATA_INDICATION Data, SIZE_T Bytes,
                                SIZE_T *Accepted)
{
    CLIENT *client = Context;
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Accepted);

    Enter(client);
    NTSTATUS answer = client->Answer;
    if (answer == STATUS_PENDING)
        client->Kept = Data;
    CounterAddMany(&client->Bytes, (LONG)Bytes);
    CounterAdd(&client->Receives);
    Leave(client);
    return answer;
}

static NTSTATUS NTAPI OnDisconnect(PVOID Context, ULONG Flags)
{
    CLIENT *client = Context;
    UNREFERENCED_PARAMETER(Flags);

    Enter(client);
    CounterAdd(&client->Disconnects);
    Leave(client);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnReceiveFrom(PVOID Context, ULONG Flags, PWSK_DATAGRAM_INDICATION Data)
{
    CLIENT *client = Context;
    UNREFERENCED_PARAMETER(Flags);

    Enter(client);
    for (; Data; Data = Data->Next) {
        CounterAddMany(&client->Bytes, (LONG)Data->Buffer.Length);
        CounterAdd(&client->Receives);
    }
    Leave(client);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnAccept(PVOID Context, ULONG Flags, PSOCKADDR Local, PSOCKADDR Remote,
                               PWSK_SOCKET Socket, PVOID *SocketContext,
                               const WSK_CLIENT_CONNECTION_DISPATCH **Dispatch)
{
    CLIENT *client = Context;
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Local);
    UNREFERENCED_PARAMETER(Remote);

    Enter(client);
    *SocketContext = client;
    *Dispatch = NULL;
    client->Accepted = Socket;
    if (Socket)
        Adopt(Socket);
    CounterAdd(&client->Accepts);
    Leave(client);
    return STATUS_SUCCESS;
}

const WSK_CLIENT_CONNECTION_DISPATCH ConnectionTable = { OnReceive, OnDisconnect, NULL };
const WSK_CLIENT_DATAGRAM_DISPATCH DatagramTable = { OnReceiveFrom };
const WSK_CLIENT_LISTEN_DISPATCH ListenTable = { OnAccept, NULL, NULL };

/* ---- receives in the order of their completions --------------------------------------------- */

static LONG Completions;

static NTSTATUS NTAPI Completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    RECEIVE *receive = Context;
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);

    receive->Place = InterlockedIncrement(&Completions);
    KeSetEvent(&receive->Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

BOOLEAN ReceiveInit(RECEIVE *Receive, SIZE_T Size)
{
    Receive->To = MakeBuffer(Size);
    Receive->Irp = MakeIrp(1);
    if (!Receive->To || !Receive->Irp)
        return FALSE;
    KeInitializeEvent(&Receive->Done, NotificationEvent, FALSE);
    IoSetCompletionRoutine(Receive->Irp, Completed, Receive, TRUE, TRUE, TRUE);
    return TRUE;
}
