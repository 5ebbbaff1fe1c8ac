/*
 * objects.h: control objects of datagrams, for the files that send and receive them.
 */
#ifndef CONFORMANCE_OBJECTS_H
#define CONFORMANCE_OBJECTS_H

#include "conformance.h"

#include <mstcpip.h>
#include <ws2ipdef.h>

/* A control buffer on its way in or out. */
typedef struct _OBJECTS {
    DECLSPEC_ALIGN(8) UCHAR Bytes[512];
    ULONG Used;
} OBJECTS;

static inline void Put(OBJECTS *Objects, INT Level, INT Type, const VOID *Data, SIZE_T Length)
{
    CMSGHDR header = { .cmsg_len = sizeof(header) + Length,
                       .cmsg_level = Level,
                       .cmsg_type = Type };

    RtlCopyMemory(Objects->Bytes + Objects->Used, &header, sizeof(header));
    RtlCopyMemory(Objects->Bytes + Objects->Used + sizeof(header), Data, Length);
    Objects->Used += (ULONG)((sizeof(header) + Length + 7) & ~(SIZE_T)7);
}

static inline void PutInt(OBJECTS *Objects, INT Level, INT Type, INT Value)
{
    Put(Objects, Level, Type, &Value, sizeof(Value));
}

static inline const CMSGHDR *FindIn(const VOID *Control, SIZE_T Length, INT Level, INT Type)
{
    SIZE_T at = 0;

    while (at + sizeof(CMSGHDR) <= Length) {
        const CMSGHDR *h = (const CMSGHDR *)((const UCHAR *)Control + at);
        if (h->cmsg_level == Level && h->cmsg_type == Type)
            return h;
        at += (h->cmsg_len + 7) & ~(SIZE_T)7;
    }
    return NULL;
}

/* The data of an object, NULL if there is none of that kind. */
static inline const VOID *Find(const OBJECTS *Objects, INT Level, INT Type)
{
    const CMSGHDR *h = FindIn(Objects->Bytes, Objects->Used, Level, Type);

    return h ? h + 1 : NULL;
}

static inline NTSTATUS StartSendTo(CALL *Call, PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length,
                                   const SOCKADDR_INET *To, const OBJECTS *Control)
{
    PIRP irp = CallBegin(Call);
    WSK_BUF buf = { Length ? Buffer->Buf.Mdl : NULL, 0, Length };
    ULONG length = Control ? Control->Used : 0;

    CallStarted(Call,
                DATAGRAM_OF(Socket)->WskSendTo(Socket, &buf, 0, (PSOCKADDR)To, length,
                                               length ? (PCMSGHDR)Control->Bytes : NULL, irp));
    return Call->Returned;
}

/* WskSendTo with control objects; Sent may be NULL. */
static inline NTSTATUS SendWith(PWSK_SOCKET Socket, BUFFER *Buffer, SIZE_T Length,
                                const SOCKADDR_INET *To, const OBJECTS *Control, SIZE_T *Sent)
{
    CALL call;

    (void)StartSendTo(&call, Socket, Buffer, Length, To, Control);
    NTSTATUS status = CallFinish(&call);
    if (Sent)
        *Sent = call.Information;
    return status;
}

/* What a receive brought. Static where it is used: a test that fails leaves its requests behind. */
typedef struct _ARRIVAL {
    CALL Call;
    SOCKADDR_INET From;
    OBJECTS Control;
    ULONG Flags;
    SIZE_T Bytes;
} ARRIVAL;

#define FLAGS_UNTOUCHED 0x77777777u

static inline NTSTATUS StartReceiveFrom(ARRIVAL *Arrival, PWSK_SOCKET Socket, BUFFER *Buffer,
                                        SIZE_T Length)
{
    WSK_BUF buf = { Length ? Buffer->Buf.Mdl : NULL, 0, Length };

    RtlZeroMemory(Arrival, sizeof(*Arrival));
    Arrival->Control.Used = sizeof(Arrival->Control.Bytes);
    Arrival->Flags = FLAGS_UNTOUCHED;
    PIRP irp = CallBegin(&Arrival->Call);
    CallStarted(&Arrival->Call,
                DATAGRAM_OF(Socket)->WskReceiveFrom(
                    Socket, &buf, 0, (PSOCKADDR)&Arrival->From, &Arrival->Control.Used,
                    (PCMSGHDR)Arrival->Control.Bytes, &Arrival->Flags, irp));
    return Arrival->Call.Returned;
}

static inline NTSTATUS FinishReceiveFrom(ARRIVAL *Arrival)
{
    NTSTATUS status = CallFinish(&Arrival->Call);

    Arrival->Bytes = Arrival->Call.Information;
    return status;
}

static inline NTSTATUS ReceiveWith(ARRIVAL *Arrival, PWSK_SOCKET Socket, BUFFER *Buffer,
                                   SIZE_T Length)
{
    (void)StartReceiveFrom(Arrival, Socket, Buffer, Length);
    return FinishReceiveFrom(Arrival);
}

/* A datagram socket on loopback. */
static inline NTSTATUS OpenBound(ADDRESS_FAMILY Family, PVOID Context,
                                 const WSK_CLIENT_DATAGRAM_DISPATCH *Dispatch, PWSK_SOCKET *Socket,
                                 SOCKADDR_INET *Bound)
{
    NTSTATUS status = OpenDatagram(Family, Context, Dispatch, Socket);

    return NT_SUCCESS(status) ? BindLoopback(*Socket, Family, Bound) : status;
}

static inline NTSTATUS TurnOn(PWSK_SOCKET Socket, ULONG Level, ULONG Option)
{
    ULONG one = 1;

    return SetOption(Socket, Level, Option, &one, sizeof(one));
}

static inline NTSTATUS TurnOff(PWSK_SOCKET Socket, ULONG Level, ULONG Option)
{
    ULONG zero = 0;

    return SetOption(Socket, Level, Option, &zero, sizeof(zero));
}

/* Host byte order in, an AF_INET address out. */
static inline const SOCKADDR_INET *Address4(ULONG Ip, USHORT Port, SOCKADDR_INET *Storage)
{
    ULONG ip = RtlUlongByteSwap(Ip);

    (void)Wildcard(AF_INET, Port, Storage);
    RtlCopyMemory(&Storage->Ipv4.sin_addr, &ip, sizeof(ip));
    return Storage;
}

static inline ULONG IpOf(const SOCKADDR_INET *Address)
{
    ULONG ip;

    RtlCopyMemory(&ip, &Address->Ipv4.sin_addr, sizeof(ip));
    return RtlUlongByteSwap(ip);
}

/* The IPv6 form of an IPv4 address and back again. */
static inline const SOCKADDR_INET *Mapped(ULONG Ip, USHORT Port, SOCKADDR_INET *Storage)
{
    ULONG ip = RtlUlongByteSwap(Ip);
    PUCHAR bytes = (PUCHAR)&Storage->Ipv6.sin6_addr;

    (void)Wildcard(AF_INET6, Port, Storage);
    bytes[10] = bytes[11] = 0xff;
    RtlCopyMemory(bytes + 12, &ip, sizeof(ip));
    return Storage;
}

#define LOOPBACK4 0x7f000001u

#endif
