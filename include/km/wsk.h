/*
 * wsk.h: Winsock Kernel. What a driver includes to use sockets.
 *
 * A client registers (WskRegister), captures the provider (WskCaptureProviderNPI) and creates
 * sockets with WskSocket of the table that it gets. The Dispatch member of a socket points to the
 * table of its category. Every function that takes an IRP either completes it before it returns or
 * answers STATUS_PENDING and completes it later (clauses IRP-*). The order of members is ABI.
 *
 * Names in brackets are topics of the behavioural contract (docs/).
 */
#ifndef OPENWSK_WSK_H
#define OPENWSK_WSK_H
#define _WSK_

#include "wdm.h"
#include "netioddk.h"
#include "ws2def.h"
#include "ws2ipdef.h"
#include "mstcpip.h"
#include "nspapi.h"

OW_BEGIN_C

#define WSKAPI NTAPI

/* ---- versions -----------------------------------------------------------------------------------
 */

#define MAKE_WSK_VERSION(major, minor) ((USHORT)((major) << 8) | (USHORT)((minor)&0xff))
#define WSK_MAJOR_VERSION(version)     ((UCHAR)((version) >> 8))
#define WSK_MINOR_VERSION(version)     ((UCHAR)(version))

/* ---- constants ----------------------------------------------------------------------------------
 */

/* WskCaptureProviderNPI: milliseconds, or one of these. */
#define WSK_NO_WAIT       0
#define WSK_INFINITE_WAIT 0xFFFFFFFF

/* WskSocket: the category. */
#define WSK_FLAG_BASIC_SOCKET      0x00000000
#define WSK_FLAG_LISTEN_SOCKET     0x00000001
#define WSK_FLAG_CONNECTION_SOCKET 0x00000002
#define WSK_FLAG_DATAGRAM_SOCKET   0x00000004
#if NTDDI_VERSION >= NTDDI_WIN10_RS2
#define WSK_FLAG_STREAM_SOCKET 0x00000008
#endif
#define WSK_FLAG_INVALID_SOCKET 0x000000FF

/* WskDisconnect, WskDisconnectEvent. */
#define WSK_FLAG_ABORTIVE 0x00000001
/* WskSend. */
#define WSK_FLAG_NODELAY 0x00000002
/* WskReceive. */
#define WSK_FLAG_WAITALL 0x00000002
#define WSK_FLAG_DRAIN   0x00000004
/* WskReceiveEvent. */
#define WSK_FLAG_RELEASE_ASAP   0x00000002
#define WSK_FLAG_ENTIRE_MESSAGE 0x00000004
/* Every event: the callback runs at DISPATCH_LEVEL. */
#define WSK_FLAG_AT_DISPATCH_LEVEL 0x00000008

/* WskControlClient. */
#define WSK_TRANSPORT_LIST_QUERY       2
#define WSK_TRANSPORT_LIST_CHANGE      3
#define WSK_CACHE_SD                   4
#define WSK_RELEASE_SD                 5
#define WSK_TDI_DEVICENAME_MAPPING     6
#define WSK_SET_STATIC_EVENT_CALLBACKS 7
#define WSK_TDI_BEHAVIOR               8
#define WSK_TDI_BEHAVIOR_BYPASS_TDI    0x00000001

/* WSK_EVENT_CALLBACK_CONTROL.EventMask. */
#define WSK_EVENT_SEND_BACKLOG 0x00000010
#define WSK_EVENT_RECEIVE      0x00000040
#define WSK_EVENT_DISCONNECT   0x00000080
#define WSK_EVENT_RECEIVE_FROM 0x00000100
#define WSK_EVENT_ACCEPT       0x00000200
#define WSK_EVENT_DISABLE      0x80000000

/* Options of SOL_SOCKET that only WSK has. */
#define SO_WSK_SECURITY       (WSK_SO_BASE + 1)
#define SO_WSK_EVENT_CALLBACK (WSK_SO_BASE + 2)

#define SIO_WSK_SET_REMOTE_ADDRESS       _WSAIOW(IOC_WSK, 1)
#define SIO_WSK_REGISTER_EXTENSION       _WSAIORW(IOC_WSK, 2)
#define SIO_WSK_QUERY_IDEAL_SEND_BACKLOG _WSAIOR(IOC_WSK, 3)
#define SIO_WSK_QUERY_RECEIVE_BACKLOG    _WSAIOR(IOC_WSK, 4)
#define SIO_WSK_QUERY_INSPECT_ID         _WSAIOR(IOC_WSK, 5)
#define SIO_WSK_SET_SENDTO_ADDRESS       _WSAIOW(IOC_WSK, 6)
#define SIO_WSK_SET_TCP_SILENT_MODE      _WSAIO(IOC_WSK, 7)

typedef enum {
    WskSetOption = 0, /* set a socket option */
    WskGetOption,     /* get a socket option */
    WskIoctl,         /* a socket ioctl */
    WskControlMax
} WSK_CONTROL_SOCKET_TYPE,
    *PWSK_CONTROL_SOCKET_TYPE;

typedef enum {
    WskInspectReject = 0, /* refuse the connection */
    WskInspectAccept,     /* accept it */
    WskInspectPend,       /* decide later, with WskInspectComplete */
    WskInspectMax
} WSK_INSPECT_ACTION,
    *PWSK_INSPECT_ACTION;

/* ---- structures ---------------------------------------------------------------------------------
 */

typedef PVOID PWSK_CLIENT;

/* What a client sees of a socket; the subsystem's own part follows. */
typedef struct _WSK_SOCKET {
    const VOID *Dispatch; /* WSK_PROVIDER_*_DISPATCH of the category */
} WSK_SOCKET, *PWSK_SOCKET;

/* Length bytes, Offset bytes into the first MDL of a chain [BUF]. */
typedef struct _WSK_BUF {
    PMDL Mdl;
    ULONG Offset;
    SIZE_T Length;
} WSK_BUF, *PWSK_BUF;

#if NTDDI_VERSION >= NTDDI_WIN8
typedef struct _WSK_BUF_LIST {
    struct _WSK_BUF_LIST *Next;
    WSK_BUF Buffer;
} WSK_BUF_LIST, *PWSK_BUF_LIST;
#endif

typedef struct _WSK_DATA_INDICATION {
    struct _WSK_DATA_INDICATION *Next;
    WSK_BUF Buffer;
} WSK_DATA_INDICATION, *PWSK_DATA_INDICATION;

typedef struct _WSK_DATAGRAM_INDICATION {
    struct _WSK_DATAGRAM_INDICATION *Next;
    WSK_BUF Buffer;
    PCMSGHDR ControlInfo;
    ULONG ControlInfoLength;
    PSOCKADDR RemoteAddress;
} WSK_DATAGRAM_INDICATION, *PWSK_DATAGRAM_INDICATION;

/* Compare the members: there is padding at the end. */
typedef struct _WSK_INSPECT_ID {
    ULONG_PTR Key;
    ULONG SerialNumber;
} WSK_INSPECT_ID, *PWSK_INSPECT_ID;

typedef struct _WSK_EVENT_CALLBACK_CONTROL {
    PNPIID NpiId;
    ULONG EventMask;
} WSK_EVENT_CALLBACK_CONTROL, *PWSK_EVENT_CALLBACK_CONTROL;

typedef struct _WSK_EXTENSION_CONTROL_IN {
    PNPIID NpiId;
    PVOID ClientContext;
    const VOID *ClientDispatch;
} WSK_EXTENSION_CONTROL_IN, *PWSK_EXTENSION_CONTROL_IN;

typedef struct _WSK_EXTENSION_CONTROL_OUT {
    PVOID ProviderContext;
    const VOID *ProviderDispatch;
} WSK_EXTENSION_CONTROL_OUT, *PWSK_EXTENSION_CONTROL_OUT;

typedef struct _WSK_TRANSPORT {
    USHORT Version;
    USHORT SocketType;
    ULONG Protocol;
    ADDRESS_FAMILY AddressFamily;
    GUID ProviderId;
} WSK_TRANSPORT, *PWSK_TRANSPORT;

typedef struct _WSK_TDI_MAP {
    USHORT SocketType;
    ADDRESS_FAMILY AddressFamily;
    ULONG Protocol;
    PCWSTR TdiDeviceName;
} WSK_TDI_MAP, *PWSK_TDI_MAP;

typedef struct _WSK_TDI_MAP_INFO {
    const ULONG ElementCount;
    const WSK_TDI_MAP *Map;
} WSK_TDI_MAP_INFO, *PWSK_TDI_MAP_INFO;

/* ---- the client's tables -------------------------------------------------------------------- */

struct _WSK_CLIENT_CONNECTION_DISPATCH;

/* Events of the client object [CTL]. Information depends on EventType; none is defined so far. */
typedef NTSTATUS(WSKAPI *PFN_WSK_CLIENT_EVENT)(PVOID ClientContext, ULONG EventType,
                                               PVOID Information, SIZE_T InformationLength);
typedef struct _WSK_CLIENT_DISPATCH {
    USHORT Version; /* MAKE_WSK_VERSION(1, 0) */
    USHORT Reserved;
    PFN_WSK_CLIENT_EVENT WskClientEvent;
} WSK_CLIENT_DISPATCH, *PWSK_CLIENT_DISPATCH;

/*
 * A connection was accepted [ACC]. STATUS_SUCCESS takes it, with a context and table for its own
 * events; STATUS_REQUEST_NOT_ACCEPTED drops it. AcceptSocket NULL: the listening socket failed.
 */
typedef NTSTATUS(WSKAPI *PFN_WSK_ACCEPT_EVENT)(
    PVOID SocketContext, ULONG Flags, PSOCKADDR LocalAddress, PSOCKADDR RemoteAddress,
    PWSK_SOCKET AcceptSocket, PVOID *AcceptSocketContext,
    const struct _WSK_CLIENT_CONNECTION_DISPATCH **AcceptSocketDispatch);
/* A connection request came in, with SO_CONDITIONAL_ACCEPT [INSP]. */
typedef WSK_INSPECT_ACTION(WSKAPI *PFN_WSK_INSPECT_EVENT)(PVOID SocketContext,
                                                          PSOCKADDR LocalAddress,
                                                          PSOCKADDR RemoteAddress,
                                                          PWSK_INSPECT_ID InspectID);
/* A connection request that was pended is gone [INSP]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_ABORT_EVENT)(PVOID SocketContext, PWSK_INSPECT_ID InspectID);
typedef struct _WSK_CLIENT_LISTEN_DISPATCH {
    PFN_WSK_ACCEPT_EVENT WskAcceptEvent;
    PFN_WSK_INSPECT_EVENT WskInspectEvent;
    PFN_WSK_ABORT_EVENT WskAbortEvent;
} WSK_CLIENT_LISTEN_DISPATCH, *PWSK_CLIENT_LISTEN_DISPATCH;

/*
 * Datagrams came in [RFEV]. STATUS_SUCCESS: done with them; STATUS_PENDING: the list is retained
 * until WskRelease; STATUS_DATA_NOT_ACCEPTED: again later. NULL: the socket failed.
 */
typedef NTSTATUS(WSKAPI *PFN_WSK_RECEIVE_FROM_EVENT)(PVOID SocketContext, ULONG Flags,
                                                     PWSK_DATAGRAM_INDICATION DataIndication);
typedef struct _WSK_CLIENT_DATAGRAM_DISPATCH {
    PFN_WSK_RECEIVE_FROM_EVENT WskReceiveFromEvent;
} WSK_CLIENT_DATAGRAM_DISPATCH, *PWSK_CLIENT_DATAGRAM_DISPATCH;

/*
 * Bytes came in [RCVE]. STATUS_SUCCESS, with *BytesAccepted set when fewer than BytesIndicated
 * were taken; STATUS_PENDING: retained until WskRelease; STATUS_DATA_NOT_ACCEPTED: indicate again
 * after a WskReceive. NULL: the socket failed.
 */
typedef NTSTATUS(WSKAPI *PFN_WSK_RECEIVE_EVENT)(PVOID SocketContext, ULONG Flags,
                                                PWSK_DATA_INDICATION DataIndication,
                                                SIZE_T BytesIndicated, SIZE_T *BytesAccepted);
/* The peer has disconnected; WSK_FLAG_ABORTIVE: by a reset [DEVT]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_DISCONNECT_EVENT)(PVOID SocketContext, ULONG Flags);
/* The ideal number of bytes to keep in flight has changed [BKLG]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_SEND_BACKLOG_EVENT)(PVOID SocketContext, SIZE_T IdealBacklogSize);
typedef struct _WSK_CLIENT_CONNECTION_DISPATCH {
    PFN_WSK_RECEIVE_EVENT WskReceiveEvent;
    PFN_WSK_DISCONNECT_EVENT WskDisconnectEvent;
    PFN_WSK_SEND_BACKLOG_EVENT WskSendBacklogEvent;
} WSK_CLIENT_CONNECTION_DISPATCH, *PWSK_CLIENT_CONNECTION_DISPATCH;

#if NTDDI_VERSION >= NTDDI_WIN10_RS2
/* Two pointers: Listen is used while the socket listens, Connect otherwise. */
typedef struct _WSK_CLIENT_STREAM_DISPATCH {
    const WSK_CLIENT_LISTEN_DISPATCH *Listen;
    const WSK_CLIENT_CONNECTION_DISPATCH *Connect;
} WSK_CLIENT_STREAM_DISPATCH, *PWSK_CLIENT_STREAM_DISPATCH;
#endif

/* ---- functions of sockets ------------------------------------------------------------------- */

/* Sets or gets an option, or performs an ioctl [OPT, IOCTL]. Sizes in bytes. */
typedef NTSTATUS(WSKAPI *PFN_WSK_CONTROL_SOCKET)(PWSK_SOCKET Socket,
                                                 WSK_CONTROL_SOCKET_TYPE RequestType,
                                                 ULONG ControlCode, ULONG Level, SIZE_T InputSize,
                                                 PVOID InputBuffer, SIZE_T OutputSize,
                                                 PVOID OutputBuffer, SIZE_T *OutputSizeReturned,
                                                 PIRP Irp);
/* Closes; completes when everything pending was completed and no callback runs [CLOSE]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_CLOSE_SOCKET)(PWSK_SOCKET Socket, PIRP Irp);
/* Binds to a local address; port 0: any [BIND]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_BIND)(PWSK_SOCKET Socket, PSOCKADDR LocalAddress, ULONG Flags,
                                       PIRP Irp);
/* Takes the next connection: the new socket is IoStatus.Information [ACC]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_ACCEPT)(PWSK_SOCKET ListenSocket, ULONG Flags,
                                         PVOID AcceptSocketContext,
                                         const WSK_CLIENT_CONNECTION_DISPATCH *AcceptSocketDispatch,
                                         PSOCKADDR LocalAddress, PSOCKADDR RemoteAddress, PIRP Irp);
/* Ends an inspection that was pended [INSP]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_INSPECT_COMPLETE)(PWSK_SOCKET ListenSocket,
                                                   PWSK_INSPECT_ID InspectID,
                                                   WSK_INSPECT_ACTION Action, PIRP Irp);
/* The local address, as large as the family's structure [ADDR]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_GET_LOCAL_ADDRESS)(PWSK_SOCKET Socket, PSOCKADDR LocalAddress,
                                                    PIRP Irp);
typedef NTSTATUS(WSKAPI *PFN_WSK_GET_REMOTE_ADDRESS)(PWSK_SOCKET Socket, PSOCKADDR RemoteAddress,
                                                     PIRP Irp);
/* Sends one datagram; ControlInfo in bytes [STO]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_SEND_TO)(PWSK_SOCKET Socket, PWSK_BUF Buffer, ULONG Flags,
                                          PSOCKADDR RemoteAddress, ULONG ControlInfoLength,
                                          PCMSGHDR ControlInfo, PIRP Irp);
#if NTDDI_VERSION >= NTDDI_WIN8
/* Sends several datagrams to one address [SMSG]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_SEND_MESSAGES)(PWSK_SOCKET Socket, PWSK_BUF_LIST BufferList,
                                                ULONG Flags, PSOCKADDR RemoteAddress,
                                                ULONG ControlInfoLength, PCMSGHDR ControlInfo,
                                                PIRP Irp);
#endif
/* Receives one datagram; *ControlFlags gets MSG_TRUNC and others [RFROM]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_RECEIVE_FROM)(PWSK_SOCKET Socket, PWSK_BUF Buffer, ULONG Flags,
                                               PSOCKADDR RemoteAddress, PULONG ControlLength,
                                               PCMSGHDR ControlInfo, PULONG ControlFlags, PIRP Irp);
/* Gives retained indications back; no IRP [RET]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_RELEASE_DATAGRAM_INDICATION_LIST)(
    PWSK_SOCKET Socket, PWSK_DATAGRAM_INDICATION DatagramIndication);
typedef NTSTATUS(WSKAPI *PFN_WSK_RELEASE_DATA_INDICATION_LIST)(PWSK_SOCKET Socket,
                                                               PWSK_DATA_INDICATION DataIndication);
/* Connects; the socket must be bound [CONN]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_CONNECT)(PWSK_SOCKET Socket, PSOCKADDR RemoteAddress, ULONG Flags,
                                          PIRP Irp);
/* Sends bytes; completes when the buffer is no longer needed [SEND]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_SEND)(PWSK_SOCKET Socket, PWSK_BUF Buffer, ULONG Flags, PIRP Irp);
/* Receives bytes; IoStatus.Information 0: the peer has disconnected gracefully [RECV]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_RECEIVE)(PWSK_SOCKET Socket, PWSK_BUF Buffer, ULONG Flags,
                                          PIRP Irp);
/* Ends the sending direction, after Buffer; WSK_FLAG_ABORTIVE: resets [DISC]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_DISCONNECT)(PWSK_SOCKET Socket, PWSK_BUF Buffer, ULONG Flags,
                                             PIRP Irp);
#if NTDDI_VERSION >= NTDDI_WIN10_RS2
/* Connects and sends first data [CONX]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_CONNECT_EX)(PWSK_SOCKET Socket, PSOCKADDR RemoteAddress,
                                             PWSK_BUF Buffer, ULONG Flags, PIRP Irp);
typedef NTSTATUS(WSKAPI *PFN_WSK_SEND_EX)(PWSK_SOCKET Socket, PWSK_BUF Buffer, ULONG Flags,
                                          ULONG ControlInfoLength, PCMSGHDR ControlInfo, PIRP Irp);
typedef NTSTATUS(WSKAPI *PFN_WSK_RECEIVE_EX)(PWSK_SOCKET Socket, PWSK_BUF Buffer, ULONG Flags,
                                             PULONG ControlInfoLength, PCMSGHDR ControlInfo,
                                             PULONG ControlFlags, PIRP Irp);
/* Makes a bound stream socket listen [LSN]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_LISTEN)(PWSK_SOCKET Socket, PIRP Irp);
#endif

/* ---- the provider's tables of sockets ------------------------------------------------------- */

typedef struct _WSK_PROVIDER_BASIC_DISPATCH {
    PFN_WSK_CONTROL_SOCKET WskControlSocket;
    PFN_WSK_CLOSE_SOCKET WskCloseSocket;
} WSK_PROVIDER_BASIC_DISPATCH, *PWSK_PROVIDER_BASIC_DISPATCH;

/* Every other table begins with the basic one: unnamed in C, called Basic in C++. */
#ifdef __cplusplus
#define OW_WSK_BASIC WSK_PROVIDER_BASIC_DISPATCH Basic
#else
#define OW_WSK_BASIC struct _WSK_PROVIDER_BASIC_DISPATCH
#endif

typedef struct _WSK_PROVIDER_LISTEN_DISPATCH {
    OW_WSK_BASIC;
    PFN_WSK_BIND WskBind;
    PFN_WSK_ACCEPT WskAccept;
    PFN_WSK_INSPECT_COMPLETE WskInspectComplete;
    PFN_WSK_GET_LOCAL_ADDRESS WskGetLocalAddress;
} WSK_PROVIDER_LISTEN_DISPATCH, *PWSK_PROVIDER_LISTEN_DISPATCH;

typedef struct _WSK_PROVIDER_DATAGRAM_DISPATCH {
    OW_WSK_BASIC;
    PFN_WSK_BIND WskBind;
    PFN_WSK_SEND_TO WskSendTo;
    PFN_WSK_RECEIVE_FROM WskReceiveFrom;
    PFN_WSK_RELEASE_DATAGRAM_INDICATION_LIST WskRelease;
    PFN_WSK_GET_LOCAL_ADDRESS WskGetLocalAddress;
#if NTDDI_VERSION >= NTDDI_WIN8
    PFN_WSK_SEND_MESSAGES WskSendMessages;
#endif
} WSK_PROVIDER_DATAGRAM_DISPATCH, *PWSK_PROVIDER_DATAGRAM_DISPATCH;

typedef struct _WSK_PROVIDER_CONNECTION_DISPATCH {
    OW_WSK_BASIC;
    PFN_WSK_BIND WskBind;
    PFN_WSK_CONNECT WskConnect;
    PFN_WSK_GET_LOCAL_ADDRESS WskGetLocalAddress;
    PFN_WSK_GET_REMOTE_ADDRESS WskGetRemoteAddress;
    PFN_WSK_SEND WskSend;
    PFN_WSK_RECEIVE WskReceive;
    PFN_WSK_DISCONNECT WskDisconnect;
    PFN_WSK_RELEASE_DATA_INDICATION_LIST WskRelease;
#if NTDDI_VERSION >= NTDDI_WIN10_RS2
    PFN_WSK_CONNECT_EX WskConnectEx;
    PFN_WSK_SEND_EX WskSendEx;
    PFN_WSK_RECEIVE_EX WskReceiveEx;
#endif
} WSK_PROVIDER_CONNECTION_DISPATCH, *PWSK_PROVIDER_CONNECTION_DISPATCH;

#if NTDDI_VERSION >= NTDDI_WIN10_RS2
typedef struct _WSK_PROVIDER_STREAM_DISPATCH {
    OW_WSK_BASIC;
    PFN_WSK_BIND WskBind;
    PFN_WSK_ACCEPT WskAccept;
    PFN_WSK_CONNECT WskConnect;
    PFN_WSK_LISTEN WskListen;
    PFN_WSK_SEND WskSend;
    PFN_WSK_RECEIVE WskReceive;
    PFN_WSK_DISCONNECT WskDisconnect;
    PFN_WSK_RELEASE_DATA_INDICATION_LIST WskRelease;
    PFN_WSK_GET_LOCAL_ADDRESS WskGetLocalAddress;
    PFN_WSK_GET_REMOTE_ADDRESS WskGetRemoteAddress;
    PFN_WSK_CONNECT_EX WskConnectEx;
    PFN_WSK_SEND_EX WskSendEx;
    PFN_WSK_RECEIVE_EX WskReceiveEx;
} WSK_PROVIDER_STREAM_DISPATCH, *PWSK_PROVIDER_STREAM_DISPATCH;
#endif

/* ---- the provider --------------------------------------------------------------------------- */

/* Creates a socket: IoStatus.Information is the PWSK_SOCKET [SOCK, CAT]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_SOCKET)(PWSK_CLIENT Client, ADDRESS_FAMILY AddressFamily,
                                         USHORT SocketType, ULONG Protocol, ULONG Flags,
                                         PVOID SocketContext, const VOID *Dispatch,
                                         PEPROCESS OwningProcess, PETHREAD OwningThread,
                                         PSECURITY_DESCRIPTOR SecurityDescriptor, PIRP Irp);
/* Creates, binds and connects in one step [SCON]. */
typedef NTSTATUS(WSKAPI *PFN_WSK_SOCKET_CONNECT)(PWSK_CLIENT Client, USHORT SocketType,
                                                 ULONG Protocol, PSOCKADDR LocalAddress,
                                                 PSOCKADDR RemoteAddress, ULONG Flags,
                                                 PVOID SocketContext,
                                                 const WSK_CLIENT_CONNECTION_DISPATCH *Dispatch,
                                                 PEPROCESS OwningProcess, PETHREAD OwningThread,
                                                 PSECURITY_DESCRIPTOR SecurityDescriptor, PIRP Irp);
/* An operation on the client object [CTL]. Sizes in bytes. */
typedef NTSTATUS(WSKAPI *PFN_WSK_CONTROL_CLIENT)(PWSK_CLIENT Client, ULONG ControlCode,
                                                 SIZE_T InputSize, PVOID InputBuffer,
                                                 SIZE_T OutputSize, PVOID OutputBuffer,
                                                 SIZE_T *OutputSizeReturned, PIRP Irp);
#if NTDDI_VERSION >= NTDDI_WIN7
/* Resolves a name; *Result is freed with WskFreeAddressInfo [NAME]. PASSIVE_LEVEL. */
typedef NTSTATUS(WSKAPI *PFN_WSK_GET_ADDRESS_INFO)(PWSK_CLIENT Client, PUNICODE_STRING NodeName,
                                                   PUNICODE_STRING ServiceName, ULONG NameSpace,
                                                   GUID *Provider, PADDRINFOEXW Hints,
                                                   PADDRINFOEXW *Result, PEPROCESS OwningProcess,
                                                   PETHREAD OwningThread, PIRP Irp);
typedef VOID(WSKAPI *PFN_WSK_FREE_ADDRESS_INFO)(PWSK_CLIENT Client, PADDRINFOEXW AddrInfo);
/* The name of an address, in buffers of the caller [NAME]. PASSIVE_LEVEL. */
typedef NTSTATUS(WSKAPI *PFN_WSK_GET_NAME_INFO)(PWSK_CLIENT Client, PSOCKADDR SockAddr,
                                                ULONG SockAddrLength, PUNICODE_STRING NodeName,
                                                PUNICODE_STRING ServiceName, ULONG Flags,
                                                PEPROCESS OwningProcess, PETHREAD OwningThread,
                                                PIRP Irp);
#endif

typedef struct _WSK_PROVIDER_DISPATCH {
    USHORT Version;
    USHORT Reserved;
    PFN_WSK_SOCKET WskSocket;
    PFN_WSK_SOCKET_CONNECT WskSocketConnect;
    PFN_WSK_CONTROL_CLIENT WskControlClient;
#if NTDDI_VERSION >= NTDDI_WIN7
    PFN_WSK_GET_ADDRESS_INFO WskGetAddressInfo;
    PFN_WSK_FREE_ADDRESS_INFO WskFreeAddressInfo;
    PFN_WSK_GET_NAME_INFO WskGetNameInfo;
#endif
} WSK_PROVIDER_DISPATCH, *PWSK_PROVIDER_DISPATCH;

typedef struct _WSK_PROVIDER_CHARACTERISTICS {
    USHORT HighestVersion;
    USHORT LowestVersion;
} WSK_PROVIDER_CHARACTERISTICS, *PWSK_PROVIDER_CHARACTERISTICS;

typedef struct _WSK_PROVIDER_NPI {
    PWSK_CLIENT Client;
    const WSK_PROVIDER_DISPATCH *Dispatch;
} WSK_PROVIDER_NPI, *PWSK_PROVIDER_NPI;

typedef struct _WSK_CLIENT_NPI {
    PVOID ClientContext;
    const WSK_CLIENT_DISPATCH *Dispatch;
} WSK_CLIENT_NPI, *PWSK_CLIENT_NPI;

/* Memory of a registration; the subsystem's from WskRegister to the end of WskDeregister. */
typedef struct _WSK_REGISTRATION {
    ULONGLONG ReservedRegistrationState;
    PVOID ReservedRegistrationContext;
    KSPIN_LOCK ReservedRegistrationLock;
} WSK_REGISTRATION, *PWSK_REGISTRATION;

/* ---- registration --------------------------------------------------------------------------- */

/* The interface id of WSK, for the NMR and for WSK_EVENT_CALLBACK_CONTROL. */
extern NTKERNELAPI const NPIID NPI_WSK_INTERFACE_ID;

/* Registers a client [REG]. PASSIVE_LEVEL. */
NTKERNELAPI NTSTATUS WSKAPI WskRegister(PWSK_CLIENT_NPI WskClientNpi,
                                        PWSK_REGISTRATION WskRegistration);
/* Undoes WskRegister; waits for captures, sockets and calls to end [REG, UNLD]. PASSIVE_LEVEL. */
NTKERNELAPI VOID WSKAPI WskDeregister(PWSK_REGISTRATION WskRegistration);
/*
 * Captures the provider [NPI]. WaitTimeout in milliseconds, WSK_NO_WAIT or WSK_INFINITE_WAIT.
 * STATUS_DEVICE_NOT_READY: not within the time; STATUS_NOINTERFACE: not this version.
 * PASSIVE_LEVEL; <= DISPATCH_LEVEL with WSK_NO_WAIT.
 */
NTKERNELAPI NTSTATUS WSKAPI WskCaptureProviderNPI(PWSK_REGISTRATION WskRegistration,
                                                  ULONG WaitTimeout,
                                                  PWSK_PROVIDER_NPI WskProviderNpi);
/* Once for each capture [NPI]. <= DISPATCH_LEVEL. */
NTKERNELAPI VOID WSKAPI WskReleaseProviderNPI(PWSK_REGISTRATION WskRegistration);
/* The versions that the provider supports [NPI]. <= DISPATCH_LEVEL. */
NTKERNELAPI NTSTATUS WSKAPI WskQueryProviderCharacteristics(
    PWSK_REGISTRATION WskRegistration, PWSK_PROVIDER_CHARACTERISTICS WskProviderCharacteristics);

OW_END_C

#endif
