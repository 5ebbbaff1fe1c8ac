/*
 * requests.c: WSK's functions of sockets, one call each, which is waited for or only started.
 */
#include "harness.h"

/* WskBind and WskGetLocalAddress lie at different places in the tables; the category is told by
 * them. */
static PFN_WSK_BIND BindOf(PWSK_SOCKET Socket)
{
    return LISTEN_OF(Socket)->WskBind; /* the third member of every table that has it */
}

NTSTATUS BindTo(PWSK_SOCKET Socket, PSOCKADDR Address)
{
    CALL call;
    PIRP irp = CallBegin(&call);

    return CallEnd(&call, BindOf(Socket)(Socket, Address, 0, irp));
}

typedef struct _KIND {
    const VOID *Dispatch;
    ULONG Flags;
} KIND;
static KIND Kinds[5];

ULONG KindOf(PWSK_SOCKET Socket)
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(Kinds); i++)
        if (Kinds[i].Dispatch == Socket->Dispatch)
            return Kinds[i].Flags;
    return WSK_FLAG_CONNECTION_SOCKET;
}

BOOLEAN LearnKinds(void)
{
    static const ULONG flags[] = { WSK_FLAG_BASIC_SOCKET, WSK_FLAG_LISTEN_SOCKET,
                                   WSK_FLAG_CONNECTION_SOCKET, WSK_FLAG_DATAGRAM_SOCKET,
                                   WSK_FLAG_STREAM_SOCKET };

    for (ULONG i = 0; i < RTL_NUMBER_OF(flags); i++) {
        BOOLEAN datagram = flags[i] == WSK_FLAG_DATAGRAM_SOCKET;
        PWSK_SOCKET s = NULL;
        for (ULONG n = 0; n < TRIES && !s; n++)
            (void)Open(AF_INET, datagram ? SOCK_DGRAM : SOCK_STREAM,
                       datagram ? IPPROTO_UDP : IPPROTO_TCP, flags[i], NULL, NULL, &s);
        if (!s)
            return FALSE; /* the tables would be taken for those of another kind */
        Kinds[i].Dispatch = s->Dispatch;
        Kinds[i].Flags = flags[i];
        (void)Close(s);
    }
    return TRUE;
}

static PFN_WSK_GET_LOCAL_ADDRESS LocalAddressFunction(PWSK_SOCKET Socket)
{
    switch (KindOf(Socket)) {
    case WSK_FLAG_LISTEN_SOCKET:
        return LISTEN_OF(Socket)->WskGetLocalAddress;
    case WSK_FLAG_DATAGRAM_SOCKET:
        return DATAGRAM_OF(Socket)->WskGetLocalAddress;
    case WSK_FLAG_STREAM_SOCKET:
        return STREAM_OF(Socket)->WskGetLocalAddress;
    default:
        return CONNECTION_OF(Socket)->WskGetLocalAddress;
    }
}

NTSTATUS LocalAddressOf(PWSK_SOCKET Socket, SOCKADDR_INET *Address)
{
    CALL call;
    PIRP irp = CallBegin(&call);

    RtlZeroMemory(Address, sizeof(*Address));
    return CallEnd(&call, LocalAddressFunction(Socket)(Socket, (PSOCKADDR)Address, irp));
}

NTSTATUS BindLoopback(PWSK_SOCKET Socket, ADDRESS_FAMILY Family, SOCKADDR_INET *Bound)
{
    SOCKADDR_INET address;
    NTSTATUS status = BindTo(Socket, Loopback(Family, 0, &address));

    if (NT_SUCCESS(status) && Bound)
        status = LocalAddressOf(Socket, Bound);
    return status;
}

static BOOLEAN IsStream(PWSK_SOCKET Socket)
{
    return KindOf(Socket) == WSK_FLAG_STREAM_SOCKET;
}

NTSTATUS Connect(PWSK_SOCKET Socket, const SOCKADDR_INET *Remote)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    PFN_WSK_CONNECT connect =
        IsStream(Socket) ? STREAM_OF(Socket)->WskConnect : CONNECTION_OF(Socket)->WskConnect;

    return CallEnd(&call, connect(Socket, (PSOCKADDR)Remote, 0, irp));
}

NTSTATUS Accept(PWSK_SOCKET Listener, PVOID Context, const WSK_CLIENT_CONNECTION_DISPATCH *Dispatch,
                PWSK_SOCKET *Accepted)
{
    CALL call;
    PIRP irp = CallBeginSocket(&call);
    PFN_WSK_ACCEPT accept =
        IsStream(Listener) ? STREAM_OF(Listener)->WskAccept : LISTEN_OF(Listener)->WskAccept;

    *Accepted = NULL;
    NTSTATUS status = CallEnd(&call, accept(Listener, 0, Context, Dispatch, NULL, NULL, irp));
    if (NT_SUCCESS(status))
        *Accepted = (PWSK_SOCKET)call.Information;
    return status;
}

NTSTATUS Disconnect(PWSK_SOCKET Socket, ULONG Flags)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    PFN_WSK_DISCONNECT disconnect =
        IsStream(Socket) ? STREAM_OF(Socket)->WskDisconnect : CONNECTION_OF(Socket)->WskDisconnect;

    return CallEnd(&call, disconnect(Socket, NULL, Flags, irp));
}

NTSTATUS StartAccept(CALL *Call, PWSK_SOCKET Listener, PVOID Context,
                     const WSK_CLIENT_CONNECTION_DISPATCH *Dispatch)
{
    PIRP irp = CallBeginSocket(Call);
    PFN_WSK_ACCEPT accept =
        IsStream(Listener) ? STREAM_OF(Listener)->WskAccept : LISTEN_OF(Listener)->WskAccept;

    CallStarted(Call, accept(Listener, 0, Context, Dispatch, NULL, NULL, irp));
    return Call->Returned;
}

NTSTATUS StartConnect(CALL *Call, PWSK_SOCKET Socket, const SOCKADDR_INET *Remote)
{
    PIRP irp = CallBegin(Call);
    PFN_WSK_CONNECT connect =
        IsStream(Socket) ? STREAM_OF(Socket)->WskConnect : CONNECTION_OF(Socket)->WskConnect;

    CallStarted(Call, connect(Socket, (PSOCKADDR)Remote, 0, irp));
    return Call->Returned;
}

NTSTATUS StartDisconnect(CALL *Call, PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, ULONG Flags)
{
    PIRP irp = CallBegin(Call);
    WSK_BUF buf = { Buffer ? Buffer->Buf.Mdl : NULL, 0, Length };
    PFN_WSK_DISCONNECT disconnect =
        IsStream(Socket) ? STREAM_OF(Socket)->WskDisconnect : CONNECTION_OF(Socket)->WskDisconnect;

    CallStarted(Call, disconnect(Socket, Buffer ? &buf : NULL, Flags, irp));
    return Call->Returned;
}

NTSTATUS StartClose(CALL *Call, PWSK_SOCKET Socket)
{
    PIRP irp = CallBegin(Call);

    (void)Disown(Socket);
    CallStarted(Call, BASIC_OF(Socket)->WskCloseSocket(Socket, irp));
    return Call->Returned;
}

static NTSTATUS Control(PWSK_SOCKET Socket, WSK_CONTROL_SOCKET_TYPE Type, ULONG Code, ULONG Level,
                        PVOID In, SIZE_T InSize, PVOID Out, SIZE_T OutSize, SIZE_T *Returned)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    NTSTATUS status =
        CallEnd(&call, BASIC_OF(Socket)->WskControlSocket(Socket, Type, Code, Level, InSize, In,
                                                          OutSize, Out, NULL, irp));
    if (Returned)
        *Returned = call.Information;
    return status;
}

NTSTATUS SetOption(PWSK_SOCKET Socket, ULONG Level, ULONG Option, PVOID Value, SIZE_T Size)
{
    return Control(Socket, WskSetOption, Option, Level, Value, Size, NULL, 0, NULL);
}

NTSTATUS GetOption(PWSK_SOCKET Socket, ULONG Level, ULONG Option, PVOID Value, SIZE_T Size,
                   SIZE_T *Returned)
{
    return Control(Socket, WskGetOption, Option, Level, NULL, 0, Value, Size, Returned);
}

NTSTATUS Ioctl(PWSK_SOCKET Socket, ULONG Code, PVOID In, SIZE_T InSize, PVOID Out, SIZE_T OutSize,
               SIZE_T *Returned)
{
    return Control(Socket, WskIoctl, Code, 0, In, InSize, Out, OutSize, Returned);
}

NTSTATUS Events(PWSK_SOCKET Socket, ULONG Mask)
{
    WSK_EVENT_CALLBACK_CONTROL control;

    control.NpiId = &NPI_WSK_INTERFACE_ID;
    control.EventMask = Mask;
    return BASIC_OF(Socket)->WskControlSocket(Socket, WskSetOption, SO_WSK_EVENT_CALLBACK,
                                              SOL_SOCKET, sizeof(control), &control, 0, NULL, NULL,
                                              NULL);
}

NTSTATUS StartEvents(CALL *Call, PWSK_SOCKET Socket, ULONG Mask)
{
    WSK_EVENT_CALLBACK_CONTROL control = { &NPI_WSK_INTERFACE_ID, Mask };
    PIRP irp = CallBegin(Call);

    CallStarted(Call, BASIC_OF(Socket)->WskControlSocket(
                          Socket, WskSetOption, SO_WSK_EVENT_CALLBACK, SOL_SOCKET, sizeof(control),
                          &control, 0, NULL, NULL, irp));
    return Call->Returned;
}

NTSTATUS EventOff(PWSK_SOCKET Socket, ULONG Event)
{
    CALL call;

    (void)StartEvents(&call, Socket, Event | WSK_EVENT_DISABLE);
    return CallFinish(&call);
}

NTSTATUS LoseSocket(PWSK_SOCKET Socket)
{
    return BASIC_OF(Socket)->WskControlSocket(Socket, WskIoctl, SIO_OPENWSK_LOSE_SOCKET, 0, 0, NULL,
                                              0, NULL, NULL, NULL);
}

NTSTATUS Send(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, ULONG Flags, SIZE_T *Sent)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    WSK_BUF buf = { Buffer->Buf.Mdl, 0, Length };
    PFN_WSK_SEND send =
        IsStream(Socket) ? STREAM_OF(Socket)->WskSend : CONNECTION_OF(Socket)->WskSend;
    NTSTATUS status = CallEnd(&call, send(Socket, &buf, Flags, irp));

    if (Sent)
        *Sent = call.Information;
    return status;
}

NTSTATUS Receive(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, ULONG Flags, SIZE_T *Received)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    WSK_BUF buf = { Buffer->Buf.Mdl, 0, Length };
    PFN_WSK_RECEIVE receive =
        IsStream(Socket) ? STREAM_OF(Socket)->WskReceive : CONNECTION_OF(Socket)->WskReceive;
    NTSTATUS status = CallEnd(&call, receive(Socket, &buf, Flags, irp));

    if (Received)
        *Received = call.Information;
    return status;
}

NTSTATUS StartSend(CALL *Call, PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, ULONG Flags)
{
    PIRP irp = CallBegin(Call);
    WSK_BUF buf = { Buffer->Buf.Mdl, 0, Length };
    PFN_WSK_SEND send =
        IsStream(Socket) ? STREAM_OF(Socket)->WskSend : CONNECTION_OF(Socket)->WskSend;

    CallStarted(Call, send(Socket, &buf, Flags, irp));
    return Call->Returned;
}

NTSTATUS StartReceive(CALL *Call, PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, ULONG Flags)
{
    PIRP irp = CallBegin(Call);
    WSK_BUF buf = { Buffer->Buf.Mdl, 0, Length };
    PFN_WSK_RECEIVE receive =
        IsStream(Socket) ? STREAM_OF(Socket)->WskReceive : CONNECTION_OF(Socket)->WskReceive;

    CallStarted(Call, receive(Socket, &buf, Flags, irp));
    return Call->Returned;
}

NTSTATUS ReceiveAll(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length)
{
    for (SIZE_T have = 0; have < Length;) {
        CALL call;
        PIRP irp = CallBegin(&call);
        WSK_BUF buf = { Buffer->Buf.Mdl, (ULONG)have, Length - have };
        PFN_WSK_RECEIVE receive =
            IsStream(Socket) ? STREAM_OF(Socket)->WskReceive : CONNECTION_OF(Socket)->WskReceive;
        NTSTATUS status = CallEnd(&call, receive(Socket, &buf, 0, irp));
        if (!NT_SUCCESS(status))
            return status;
        if (call.Information == 0)
            return STATUS_CONNECTION_DISCONNECTED;
        have += call.Information;
    }
    return STATUS_SUCCESS;
}

NTSTATUS SendTo(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, const SOCKADDR_INET *Remote,
                SIZE_T *Sent)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    WSK_BUF buf = { Buffer->Buf.Mdl, 0, Length };
    NTSTATUS status = CallEnd(
        &call, DATAGRAM_OF(Socket)->WskSendTo(Socket, &buf, 0, (PSOCKADDR)Remote, 0, NULL, irp));

    if (Sent)
        *Sent = call.Information;
    return status;
}

NTSTATUS ReceiveFrom(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length, SOCKADDR_INET *Remote,
                     SIZE_T *Received)
{
    CALL call;
    PIRP irp = CallBegin(&call);
    WSK_BUF buf = { Buffer->Buf.Mdl, 0, Length };
    NTSTATUS status =
        CallEnd(&call, DATAGRAM_OF(Socket)->WskReceiveFrom(Socket, &buf, 0, (PSOCKADDR)Remote, NULL,
                                                           NULL, NULL, irp));

    if (Received)
        *Received = call.Information;
    return status;
}
