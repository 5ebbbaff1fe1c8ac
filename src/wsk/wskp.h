/*
 * wskp.h: what the files of wsk/ share.
 *
 * Objects and who owns them:
 *   client   one per WskRegister (or NMR attachment). Pinned by captures, running calls, pending
 *            requests, sockets; WskDeregister waits until only its own pin is left.
 *   socket   lives from creation until its close was done by the transport. `Busy` counts running
 *            calls, running callbacks and deferred completions; the close of the endpoint starts
 *            when Busy has drained, so nobody else can see an endpoint that is gone.
 *   request  one IRP in progress; embeds the net_op, so accepting an IRP never fails half-way.
 *
 * Locks: the client's (rank WSK_CLIENT) protects its lists and counters; the socket's (WSK_SOCKET)
 * its state and queues; leaf locks caches. None is held across a call into the driver, a completion
 * or a submit().
 *
 * An IRP is completed by exactly one of: the function that received it (inline: never marked
 * pending), or later by the request's owner. WskpFinish() and WskpRequestComplete() are the only
 * two places that complete IRPs.
 */
#ifndef OPENWSK_WSKP_H
#define OPENWSK_WSKP_H

#include <ntddk.h>
#include <wsk.h>

#include <string.h>

#include "host/host.h"
#include "net/net.h"
#include "nt/ki.h"
#include "verify/vf.h"
#include "wsk/wsk_boot.h"

#define WSKP_INLINE_IOVECS       8
#define WSKP_MAX_IOVECS          1024
#define WSKP_CONTROL_BYTES       256          /* room for the control objects of one datagram */
#define WSKP_RELEASE_ASAP_BYTES  (128 * 1024) /* D63 */
#define WSKP_IDEAL_BACKLOG_BYTES (64 * 1024)  /* D64 */

typedef struct _WSKP_CLIENT WSKP_CLIENT;
typedef struct _WSKP_SOCKET WSKP_SOCKET;
typedef struct _WSKP_REQUEST WSKP_REQUEST;
typedef struct _WSKP_NODE WSKP_NODE;
typedef struct _WSKP_SD WSKP_SD;

/* ---- the subsystem ----------------------------------------------------------------------- */

typedef struct _WSKP_GLOBALS {
    struct wsk_config Config;
    const struct net_transport *Transport;
    ULONG Processors;
    struct net *Net[KI_MAX_PROCESSORS];
    struct net_ep *Resolver; /* on processor 0 */
    struct net_ep *Route;
    LONG NextProcessor;
    struct host_lock ClientsLock;
    LIST_ENTRY Clients;
    BOOLEAN Ready;
    KEVENT ReadyEvent;
    KTIMER ReadyTimer;
    KDPC ReadyDpc;
    WORK_QUEUE_ITEM Announce; /* tells the registrar of the provider */
    KEVENT Announced;
    BOOLEAN Stopping; /* atomic: it need not be told any more */
    LONG Resets; /* connections that nobody took and that are being closed; one more till the end */
    KEVENT NoResets; /* there is none, and the end has come */
} WSKP_GLOBALS;
extern WSKP_GLOBALS Wskp;

/* ---- work that runs soon (work.c) -------------------------------------------------------- */

typedef struct _WSKP_WORK {
    LIST_ENTRY Link;
    KDPC Dpc;
    void (*Run)(struct _WSKP_WORK *Work); /* at the IRQL of callbacks */
    ULONG Processor;
    BOOLEAN Queued;
} WSKP_WORK;
void WskpBootWork(void);
void WskpWorkInit(WSKP_WORK *Work, ULONG Processor, void (*Run)(WSKP_WORK *Work));
/* Any thread, any IRQL <= DISPATCH, lock held or not. */
void WskpWorkQueue(WSKP_WORK *Work);
/* On the processor's loop thread, at PASSIVE_LEVEL, before it polls. */
void WskpWorkRun(ULONG Processor);

/* ---- clients ----------------------------------------------------------------------------- */

#define WSKP_CLIENT_MAGIC 0x43b57a11u

struct _WSKP_CLIENT {
    ULONG Magic;
    LIST_ENTRY Link; /* Wskp.Clients */
    struct host_lock Lock;
    PVOID ClientContext;
    const WSK_CLIENT_DISPATCH *Dispatch;
    const void *Owner;
    HANDLE Binding; /* attached by NMR, not by WskRegister */
    LONG Pins;      /* one for the registration, plus all of the following */
    LONG Captures;  /* the counters below are for the report of what a deregistration waits for */
    LONG Calls;
    LONG Irps;
    LONG Sockets;
    LONG Retained;
    BOOLEAN SocketCreated; /* atomic */
    BOOLEAN Deregistering;
    ULONG StaticMask;
    LIST_ENTRY SocketList;
    LIST_ENTRY ListChangeIrps; /* WSK_TRANSPORT_LIST_CHANGE requests */
    LIST_ENTRY AddressInfos;
    KEVENT Drained;
    KEVENT Leaving; /* WskDeregister was called */
};

/* `Binding` is NULL for who calls WskRegister. NULL: no memory. */
WSKP_CLIENT *WskpClientCreate(PVOID ClientContext, const WSK_CLIENT_DISPATCH *Dispatch,
                              const void *Owner, HANDLE Binding);
/* Drops the registration's pin and waits until nothing of the client is left. PASSIVE_LEVEL. */
void WskpClientDrain(WSKP_CLIENT *Client);
/* The steps of the above, for a client that detaches by NMR (npi.c). */
void WskpClientLeaving(WSKP_CLIENT *Client);
void WskpClientDropPin(WSKP_CLIENT *Client);
void WskpClientFree(WSKP_CLIENT *Client);
NTSTATUS WskpNpiRegister(void);
void WskpNpiDeregister(void);
void WskpClientPin(WSKP_CLIENT *Client, LONG *Counter);
void WskpClientUnpin(WSKP_CLIENT *Client, LONG *Counter);
/* Checks and pins the client for the time of one provider call; NULL: not a captured client. */
WSKP_CLIENT *WskpClientEnter(PWSK_CLIENT Client, const char *Function, const void *Caller);
void WskpClientLeave(WSKP_CLIENT *Client);
/* Ends pending WSK_TRANSPORT_LIST_CHANGE requests (CTL-11). */
void WskpClientCancelListChanges(WSKP_CLIENT *Client);
/* Frees what WskGetAddressInfo returned and the driver never freed (reported as a leak). */
void WskpClientFreeAddressInfos(WSKP_CLIENT *Client);
extern const WSK_PROVIDER_DISPATCH WskpProviderDispatch;

/* ---- sockets ----------------------------------------------------------------------------- */

#define WSKP_SOCKET_MAGIC 0x50c4e7a1u
#define WSKP_SOCKET_FREED 0x0dead50cu

/* Categories are the flags of WskSocket, so that a set of them is a mask (basic has a bit of its
 * own). */
enum {
    WSKP_LISTEN = WSK_FLAG_LISTEN_SOCKET,
    WSKP_CONNECTION = WSK_FLAG_CONNECTION_SOCKET,
    WSKP_DATAGRAM = WSK_FLAG_DATAGRAM_SOCKET,
    WSKP_STREAM = WSK_FLAG_STREAM_SOCKET,
    WSKP_BASIC = 0x10
};

typedef enum _WSKP_EVENT_KIND {
    WskpAccept,
    WskpReceive,
    WskpDisconnect,
    WskpBacklog,
    WskpReceiveFrom,
    WskpInspect,
    WskpEventKinds
} WSKP_EVENT_KIND;

/* One kind of callback of one socket. Calls of one kind are serial: Running is 0 or 1; those of a
 * datagram socket may be as many as there are processors, if the configuration says so (D14). */
typedef struct _WSKP_EVENT {
    BOOLEAN Enabled;
    BOOLEAN Static;   /* enabled by WSK_SET_STATIC_EVENT_CALLBACKS: cannot be changed (EVT-15) */
    BOOLEAN Preset;   /* listen sockets: for sockets accepted through WskAcceptEvent */
    BOOLEAN DeadTold; /* the NULL indication was given (D62) */
    ULONG Running;
    PIRP DisableIrp; /* completed when Running is 0 (EVT-08); chained through DriverContext[1] */
} WSKP_EVENT;

/* A request queue served in order. */
typedef struct _WSKP_QUEUE {
    LIST_ENTRY Waiting; /* not yet given to the transport */
    ULONG Submitted;    /* given to the transport and not done */
} WSKP_QUEUE;

typedef enum _WSKP_STATE {
    WskpUnbound,
    WskpBinding, /* inside WskBind */
    WskpBound,
    WskpStarting, /* inside WskListen, or the part of WskBind that listens */
    WskpListening,
    WskpConnecting,
    WskpConnected
} WSKP_STATE;

/* An operation of ours that repeats: accept, receive for events, the watch for the peer's end. */
typedef enum _WSKP_ARM { WskpIdle, WskpArmed, WskpStopping } WSKP_ARM;

struct _WSKP_SOCKET {
    WSK_SOCKET Public; /* first: what the driver sees */
    ULONG Magic;
    ULONG Busy; /* atomic: count, plus WSKP_CLOSING */
    UCHAR Category;
    UCHAR Processor;
    USHORT Type;
    ADDRESS_FAMILY Family;
    ULONG Protocol;
    struct net_ep *Ep;
    WSKP_CLIENT *Client;
    LIST_ENTRY ClientLink;
    PVOID Context;
    const WSK_CLIENT_LISTEN_DISPATCH *ListenTable;
    const WSK_CLIENT_CONNECTION_DISPATCH *ConnectionTable;
    const WSK_CLIENT_DATAGRAM_DISPATCH *DatagramTable;
    PEPROCESS OwningProcess;
    PETHREAD OwningThread;
    WSKP_SD *Security;
    const void *Owner;

    struct host_lock Lock; /* everything below */
    WSKP_STATE State;
    NTSTATUS Dead;               /* not STATUS_SUCCESS: the host socket is lost (D62) */
    BOOLEAN HostBound;           /* inside WskpBinding: the host's socket is bound, */
    struct net_addr HostAddress; /* by the WskBind with this address */
    BOOLEAN CloseStarted;
    BOOLEAN SendShut;  /* a disconnect was requested */
    BOOLEAN Aborted;   /* abortive disconnect by us */
    BOOLEAN RxEnd;     /* the peer's FIN was reached by reading */
    BOOLEAN FinSeen;   /* the watch saw the peer's FIN, perhaps before bytes that wait */
    BOOLEAN Suspended; /* WskReceiveEvent waits for a WskReceive (RCVE-03, RCVE-06) */
    BOOLEAN Rearm;     /* a zero-length WskReceive came while WskReceiveEvent ran (RECV-09) */
    BOOLEAN Exclusive; /* a WAITALL or DRAIN receive is with the transport: nothing may follow it */
    BOOLEAN KickPending; /* atomic */
    BOOLEAN Pumping, PumpAgain;
    ULONG Completing;   /* receive requests whose completion is under way */
    PKTHREAD Completer; /* who is inside of the routines; NULL: several, or none yet */
    BOOLEAN TurnedAway; /* somebody left something to the pump because of them */
    BOOLEAN DisconnectTold;
    BOOLEAN AbortTold;
    BOOLEAN AcceptDelivering; /* inside WskAcceptEvent: own events stay off (D23) */
    struct net_addr Remote;   /* of a connected socket */
    NTSTATUS RxStatus;        /* the receive direction failed with this */
    WSKP_EVENT Event[WskpEventKinds];
    WSKP_QUEUE Receives; /* WskReceive, WskReceiveFrom, WskAccept */
    LIST_ENTRY Held;     /* nodes (received, not yet delivered) */
    SIZE_T HeldBytes;
    SIZE_T RetainedBytes;
    LONG RetainedNodes;
    BOOLEAN HeldDrained; /* the last buffer emptied the host's queue (D63) */
    struct net_op RxOp;  /* accept, buffer-mode receive */
    WSKP_ARM RxArm;
    struct net_packet_info RxInfo;
    struct net_op WatchOp;
    WSKP_ARM WatchArm;
    SIZE_T IdealBacklog;
    BOOLEAN BacklogDue; /* a send ended: the pump looks at the ideal backlog */
    struct net_op CloseOp;
    PIRP CloseIrp;
    NTSTATUS CloseStatus; /* of CloseIrp; a WskSocketConnect that failed closes with its failure */
    WSKP_WORK Kick;
    struct _WSKP_LISTENER *Listener; /* listening sockets */
    struct _WSKP_DATAGRAM_STATE *Datagram;
    struct _WSKP_SHARE *Share; /* entry in the bind registry */
    LIST_ENTRY AddressChanges; /* SIO_ADDRESS_LIST_CHANGE requests */
    struct _WSKP_OPTIONS {
        ULONG ReuseAddress : 1, Exclusive : 1, ConditionalAccept : 1, KeepAlive : 1, V6Only : 1,
            NoDelay : 1, ReceiveBufferSet : 1, SendBufferSet : 1;
        ULONG ReceiveBuffer, SendBuffer; /* as set (D58); 0: never set */
        ULONG LingerOn, LingerSeconds;
        INT TrafficClass;         /* atomic: the byte that IP_TOS or IPV6_TCLASS set */
        ULONG Remembered;         /* WSKP_REMEMBER_*: accepted options that change nothing here */
        ULONG MulticastInterface; /* IP_MULTICAST_IF as set */
    } Options;
    BOOLEAN HasInspectId;
    WSK_INSPECT_ID InspectId;
};

#define WSKP_CLOSING 0x80000000u

enum {
    WSKP_REMEMBER_RANDOMIZE_PORT = 1 << 0,
    WSKP_REMEMBER_PORT_SCALABILITY = 1 << 1,
    WSKP_REMEMBER_FAIL_ON_ICMP = 1 << 2
};

/* Creates a socket around an endpoint (or opens one when Ep is NULL). The caller completes the IRP.
 */
typedef struct _WSKP_CREATE {
    WSKP_CLIENT *Client;
    ADDRESS_FAMILY Family;
    USHORT Type;
    ULONG Protocol;
    UCHAR Category;
    PVOID Context;
    const VOID *Dispatch;
    PEPROCESS Process;
    PETHREAD Thread;
    PSECURITY_DESCRIPTOR Security;
    struct net_ep *Ep;
    ULONG Processor;
    const void *Owner;
} WSKP_CREATE;
NTSTATUS WskpSocketCreate(const WSKP_CREATE *Create, WSKP_SOCKET **Socket);

/*
 * Entry of every socket function: checks the pointer, the category (a mask of WSKP_*) and that the
 * socket is not closing, and takes a Busy count. On failure the IRP was completed.
 */
NTSTATUS WskpEnter(PWSK_SOCKET Public, ULONG Categories, PIRP Irp, const char *Function,
                   const void *Caller, WSKP_SOCKET **Socket);
void WskpLeave(WSKP_SOCKET *Socket);
/* For callbacks and deferred work: FALSE when the socket is closing. */
BOOLEAN WskpTryHold(WSKP_SOCKET *Socket);
/* Starts the close with this IRP; the socket must not be used by the caller afterwards. */
void WskpSocketClose(WSKP_SOCKET *Socket, PIRP Irp, NTSTATUS FinalStatus);
/* Frees the quarantined sockets; at shutdown. */
void WskpDrainQuarantine(void);
/* The host socket is lost: tells every enabled event (D62). */
void WskpSocketKill(WSKP_SOCKET *Socket, NTSTATUS Status);
/* An ioctl of our own, for tests of drivers: WskpSocketKill() on demand (D62). IOC_VOID |
 * IOC_VENDOR. */
#define WSKP_SIO_LOSE_SOCKET 0x38004f57u
/* Runs the socket's pump on its own processor soon. Any thread, any IRQL <= DISPATCH, lock held or
 * not. */
void WskpKick(WSKP_SOCKET *Socket);
/* Delivers what can be delivered. On the loop thread or in a kick; no lock held. */
void WskpPump(WSKP_SOCKET *Socket);
/* One thread pumps at a time. Enter: FALSE when another does (it will look again) or the socket
 * closes. */
BOOLEAN WskpPumpEnter(WSKP_SOCKET *Socket);
/* FALSE: look again. */
BOOLEAN WskpPumpLeave(WSKP_SOCKET *Socket);
void WskpPumpConnection(WSKP_SOCKET *Socket);
void WskpPumpListener(WSKP_SOCKET *Socket);
void WskpPumpDatagram(WSKP_SOCKET *Socket);
/* What a close must drop before the transport's close; called with no lock, once, Busy drained. */
void WskpListenerDrop(WSKP_SOCKET *Socket);
NTSTATUS WskpDatagramInit(WSKP_SOCKET *Socket);
void WskpDatagramFree(WSKP_SOCKET *Socket);

static inline BOOLEAN WskpIsConnection(const WSKP_SOCKET *s)
{
    return s->Category == WSKP_CONNECTION || s->Category == WSKP_STREAM;
}

/* ---- requests ---------------------------------------------------------------------------- */

typedef enum _WSKP_PHASE {
    WskpPhaseOnly,
    WskpPhaseConnect,
    WskpPhaseData,
    WskpPhaseShutdown
} WSKP_PHASE;

struct _WSKP_REQUEST {
    struct net_op Op;
    LIST_ENTRY Link; /* WSKP_QUEUE.Waiting */
    PIRP Irp;
    WSKP_SOCKET *Socket; /* NULL for resolver requests */
    WSKP_CLIENT *Client; /* pinned while the IRP is pending; only where Socket is NULL */
    LONG Refs;
    UCHAR Queued;      /* on Waiting; under the socket's lock */
    UCHAR Cancelled;   /* atomic: IoCancelIrp came */
    UCHAR CancelEnded; /* atomic: the cancel routine no longer uses the request */
    UCHAR Phase;
    UCHAR Begun;   /* WskpBeginInline() was called for a receive that may end in its call */
    ULONG Flags;   /* of the WSK call, or WSKP_REQUEST_* */
    SIZE_T Length; /* of the client's buffer, bytes; of its unfilled rest while receiving */
    SIZE_T Moved;  /* bytes placed by the last step */
    SIZE_T Done;   /* bytes placed in all */
    /* the client's buffer */
    struct iovec *Iov;
    ULONG IovCount;
    struct iovec InlineIov[WSKP_INLINE_IOVECS];
    /* what completion writes */
    PSOCKADDR LocalOut, RemoteOut;
    PULONG ControlLengthOut, ControlFlagsOut;
    PCMSGHDR ControlOut;
    ULONG ControlRoom;
    PVOID AcceptContext;
    const VOID *AcceptTable;
    struct net_packet_info Info;
    PVOID Extra; /* freed with the request; WskSendMessages: the list, copied (D27) */
    void (*Resubmit)(WSKP_REQUEST *Request);
};

/* WSKP_REQUEST.Flags of requests that go through phases. */
#define WSKP_REQUEST_OWNS_SOCKET 0x100
#define WSKP_REQUEST_DISCONNECT  0x200

WSKP_REQUEST *WskpRequestNew(WSKP_SOCKET *Socket, PIRP Irp, enum net_opcode Code,
                             void (*Done)(struct net_op *Op));
void WskpRequestFree(WSKP_REQUEST *Request); /* for a request that was never armed */
/* Describes the client's buffer in Iov. STATUS_INVALID_PARAMETER when it does not lie in the chain.
 */
NTSTATUS WskpRequestMap(WSKP_REQUEST *Request, const WSK_BUF *Buffer, const void *Caller);
NTSTATUS WskpMapBuffer(const WSK_BUF *Buffer, struct iovec *Iov, ULONG Room, ULONG *Count,
                       const void *Caller);
/* Number of iovecs that a buffer may need. */
ULONG WskpCountMdls(const WSK_BUF *Buffer);
/* Makes the IRP pending and cancellable. FALSE: it was cancelled already, complete it. */
BOOLEAN WskpRequestArm(WSKP_REQUEST *Request);
/* Undoes WskpRequestArm when the request turned out to finish inline. */
void WskpRequestDisarm(WSKP_REQUEST *Request, BOOLEAN Inline);
/*
 * Arms and submits. Returns STATUS_PENDING, or TRUE in *Inline with the operation done: then the
 * caller takes the result from Request->Op, frees the request and finishes the IRP.
 */
NTSTATUS WskpRequestSubmit(WSKP_REQUEST *Request, BOOLEAN *Inline);
/* The same for a request that was armed. */
NTSTATUS WskpRequestSubmitArmed(WSKP_REQUEST *Request, BOOLEAN *Inline);
/* Submits an armed request again (a next phase); runs Op.done itself if it finished inline. */
void WskpRequestGoOn(WSKP_REQUEST *Request);
/* Completes a pended request's IRP and frees the request. No lock held. */
void WskpRequestComplete(WSKP_REQUEST *Request, NTSTATUS Status, ULONG_PTR Information);
/* May a call complete its IRP itself? Else that is deferred: pend_all, or nested too deep. */
BOOLEAN WskpMayFinishInline(void);
/* Completes an IRP within the call that brought it: inline, or deferred (D03, D13). */
NTSTATUS WskpFinish(WSKP_SOCKET *Socket, PIRP Irp, NTSTATUS Status, ULONG_PTR Information);
/* The same for a request whose end keeps no order with others: neither data nor connections. In the
 * simulated world it is deferred by choice, too. */
NTSTATUS WskpFinishFreely(WSKP_SOCKET *Socket, PIRP Irp, NTSTATUS Status, ULONG_PTR Information);
/* The same for a function that takes no socket. */
NTSTATUS WskpFinishClient(WSKP_CLIENT *Client, PIRP Irp, NTSTATUS Status, ULONG_PTR Information);
/*
 * D30: the completions of received data keep its order. Between taking a request's bytes and
 * running its completion routine no lock is held; meanwhile another thread must neither complete
 * nor indicate what came later. It leaves that to the pump, which the completing thread runs when
 * it has ended. The completing thread itself may go on: then it is inside of the routine.
 * Completions of two threads at once are elsewhere for everybody, until none is left, which delays
 * but never reorders.
 *
 * A call that may end inside of itself begins before it asks the transport (BeginInline), for from
 * the answer on others could get what came later. Until it has noted the answer (ReachInline) it is
 * elsewhere for its own thread, too, which may run DPCs meanwhile, pumps among them; from there to
 * the routine it runs none.
 */
void WskpBeginCompletion(WSKP_SOCKET *Socket); /* lock held */
void WskpBeginInline(WSKP_SOCKET *Socket);     /* lock held */
void WskpReachInline(WSKP_SOCKET *Socket);     /* lock held */
/* Lock not held; pump afterwards. FALSE: nobody was turned away, there is nothing to pump for. */
BOOLEAN WskpEndCompletion(WSKP_SOCKET *Socket);
BOOLEAN WskpCompletesElsewhere(WSKP_SOCKET *Socket); /* lock held */
/* Completes an IRP from the loop, at the callback IRQL. */
void WskpCompleteIrp(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);
/* First thing with every IRP: makes the subsystem's stack location current (IRP-03). */
BOOLEAN WskpTakeIrp(PIRP Irp, const char *Function, const void *Caller);
void WskpBootRequests(void);
void WskpShutdownRequests(void);

/* Queue helpers; socket lock held. */
void WskpQueueInit(WSKP_QUEUE *Queue);
/* FALSE: the armed request was cancelled meanwhile; complete it with STATUS_CANCELLED. */
BOOLEAN WskpQueuePut(WSKP_QUEUE *Queue, WSKP_REQUEST *Request);
BOOLEAN WskpQueuePutFront(WSKP_QUEUE *Queue, WSKP_REQUEST *Request);
WSKP_REQUEST *WskpQueueTake(WSKP_QUEUE *Queue);

/* Calls into the driver: IRQL, depth and return checks (D11, IRQL-06). */
typedef struct _WSKP_UPCALL {
    KIRQL Old, Inside;
} WSKP_UPCALL;
void WskpUpcallBegin(WSKP_UPCALL *Upcall);
void WskpUpcallEnd(WSKP_UPCALL *Upcall, const char *Callback);
ULONG WskpUpcallFlags(void); /* WSK_FLAG_AT_DISPATCH_LEVEL or 0 */

/* ---- events ------------------------------------------------------------------------------ */

/* Lock held. TRUE: the callback may run now; Running was set. */
BOOLEAN WskpEventTryStart(WSKP_SOCKET *Socket, WSKP_EVENT_KIND Kind);
/* Lock held on entry and exit is not required; completes disable IRPs that waited. */
void WskpEventEnd(WSKP_SOCKET *Socket, WSKP_EVENT_KIND Kind);
void WskpEventInit(WSKP_SOCKET *Socket, ULONG StaticMask);
/* SO_WSK_EVENT_CALLBACK. *Pended: the IRP will be completed later. */
NTSTATUS WskpEventControl(WSKP_SOCKET *Socket, const WSK_EVENT_CALLBACK_CONTROL *Control, PIRP Irp,
                          BOOLEAN *Pended);
/* The presets of a listener become the enabled events of a socket that WskAcceptEvent took. */
void WskpEventPreset(const WSKP_SOCKET *Listener, WSKP_SOCKET *Accepted);
BOOLEAN WskpEventHasCallback(const WSKP_SOCKET *Socket, WSKP_EVENT_KIND Kind);

/* ---- indications ------------------------------------------------------------------------- */

/* One buffer on its way to the driver. The node is the unit of retention (D37). */
struct _WSKP_NODE {
    union {
        WSK_DATA_INDICATION Data;
        WSK_DATAGRAM_INDICATION Datagram;
    };
    ULONG Magic;
    ULONG State;     /* atomic: enum below */
    LONG Refs;       /* while indicated: the client's, and the running callback's */
    LIST_ENTRY Link; /* WSKP_SOCKET.Held, or a local list */
    WSKP_SOCKET *Socket;
    struct net_buf *Buf;
    ULONG Consumed;  /* bytes of Buf already taken from the front */
    ULONG Flags;     /* MSG_BCAST, MSG_MCAST */
    ULONG Arrival;   /* of a datagram: its number, modulo 2^32 */
    BOOLEAN IsError; /* an ICMP error, not data */
    BOOLEAN DatagramKind;
    ULONG ControlLength;
    SOCKADDR_INET Remote;
    struct net_addr From;
    struct net_packet_info Info;
    MDL Mdl;
    PFN_NUMBER Pages[18];
    __declspec(align(8)) UCHAR Control[WSKP_CONTROL_BYTES];
};
enum { WskpNodeHeld = 1, WskpNodeIndicated, WskpNodeReleased };

WSKP_NODE *WskpNodeNew(WSKP_SOCKET *Socket, struct net_buf *Buf);
void WskpNodeFree(WSKP_NODE *Node);
/* Prepares the MDL and buffer fields for an indication. */
void WskpNodeDescribe(WSKP_NODE *Node);
/* WskRelease of either kind: walks Next from the given node. */
NTSTATUS WskpReleaseNodes(WSKP_SOCKET *Socket, PVOID First, BOOLEAN Datagram, const void *Caller);
/* Frees held nodes that were never indicated. */
void WskpReclaimNodes(LIST_ENTRY *Nodes);
/* Hands nodes to the client and takes them back: see indicate.c. */
ULONG WskpNodesIndicate(WSKP_SOCKET *Socket, LIST_ENTRY *Nodes, WSKP_NODE **Array, ULONG Room,
                        SIZE_T *Bytes);
void WskpNodesTakeBack(WSKP_SOCKET *Socket, WSKP_NODE **Array, ULONG Count, SIZE_T Keep,
                       LIST_ENTRY *Back);
/* After STATUS_PENDING: leaves them to the client. */
void WskpNodesLeave(WSKP_NODE **Array, ULONG Count);
void WskpBootNodes(void);
void WskpShutdownNodes(void);

/* ---- addresses, status, options, control data -------------------------------------------- */

NTSTATUS WskpStatusFromErrno(int Error);
/* STATUS_INVALID_PARAMETER when the family does not fit. Reads 16 or 28 bytes. */
NTSTATUS WskpAddressIn(ADDRESS_FAMILY Family, const SOCKADDR *Address, struct net_addr *Out);
/* Writes exactly 16 or 28 bytes by the family of the socket (D76). */
void WskpAddressOut(ADDRESS_FAMILY Family, const struct net_addr *Address, PSOCKADDR Out);
SIZE_T WskpAddressSize(ADDRESS_FAMILY Family);
BOOLEAN WskpAddressEqual(const struct net_addr *A, const struct net_addr *B);
BOOLEAN WskpAddressIsAny(const struct net_addr *A);
/* The same host, whatever the ports; v4-mapped and IPv4 forms are equal. */
BOOLEAN WskpAddressSameIp(const struct net_addr *A, const struct net_addr *B);
BOOLEAN WskpAddressIsLoopback(const struct net_addr *A);
BOOLEAN WskpAddressIsMapped(const struct net_addr *Address);
void WskpAddressUnmap(struct net_addr *Address);

/* WskControlSocket for options and ioctls; each answers the status and the bytes written. */
typedef struct _WSKP_CONTROL {
    ULONG Code, Level;
    SIZE_T InputSize;
    PVOID Input;
    SIZE_T OutputSize;
    PVOID Output;
    SIZE_T Written; /* out */
    SIZE_T Needed;  /* out, with STATUS_BUFFER_OVERFLOW */
    BOOLEAN HasIrp;
    const void *Caller;
} WSKP_CONTROL;
NTSTATUS WskpSetOption(WSKP_SOCKET *Socket, WSKP_CONTROL *Control);
NTSTATUS WskpGetOption(WSKP_SOCKET *Socket, WSKP_CONTROL *Control);
NTSTATUS WskpIoctl(WSKP_SOCKET *Socket, WSKP_CONTROL *Control, PIRP Irp, BOOLEAN *Pended);
/* Ends pending SIO_ADDRESS_LIST_CHANGE requests; they hold the socket Busy. For WskCloseSocket. */
void WskpIoctlCancel(WSKP_SOCKET *Socket);
/* The machine's addresses of a family (AF_UNSPEC: all), to be freed with host_free(). */
NTSTATUS WskpLocalAddresses(ADDRESS_FAMILY Family, struct net_addr **List, SIZE_T *Count);

/* Options that an accepted socket takes over from its listener (ACC-16). */
void WskpInheritOptions(WSKP_SOCKET *Listener, WSKP_SOCKET *Accepted);

/* D14: a list of datagrams on its way to the callback on one of the processors. */
typedef struct _WSKP_LANE {
    WSKP_WORK Work;
    WSKP_SOCKET *Socket;
    LIST_ENTRY Nodes;
    ULONG Flags;
    BOOLEAN Taken; /* under the socket's lock */
} WSKP_LANE;

typedef struct _WSKP_DATAGRAM_STATE {
    ULONG Arrivals;   /* so many came */
    WSKP_LANE *Lanes; /* one for each processor; NULL: the pump calls back itself */
    ULONG InfoMask;   /* atomic, WSKP_INFO_*: what the client wants to see as control data */
    BOOLEAN HasRemote, HasSendTo;
    BOOLEAN SendToLast;      /* D51: which of the two was set last */
    BOOLEAN IgnoreBroadcast; /* IP_RECEIVE_BROADCAST was set to 0 */
    ULONG CoalescedSize;     /* UDP_RECV_MAX_COALESCED_SIZE; 0: off */
    ULONG SendMessageSize;   /* atomic: UDP_SEND_MSG_SIZE as socket option */
    struct net_addr Remote, SendTo;
} WSKP_DATAGRAM_STATE;

enum {
    WSKP_INFO_PKTINFO4 = 1 << 0,
    WSKP_INFO_PKTINFO6 = 1 << 1,
    WSKP_INFO_TTL4 = 1 << 2,
    WSKP_INFO_HOPS6 = 1 << 3,
    WSKP_INFO_TOS4 = 1 << 4,
    WSKP_INFO_TCLASS6 = 1 << 5,
    WSKP_INFO_ECN4 = 1 << 6,
    WSKP_INFO_ECN6 = 1 << 7,
    WSKP_INFO_ERR4 = 1 << 8,
    WSKP_INFO_ERR6 = 1 << 9,
    WSKP_INFO_COALESCED = 1 << 10,
    WSKP_INFO_IF4 = 1 << 11,
    WSKP_INFO_IF6 = 1 << 12,
    WSKP_INFO_DST4 = 1 << 13,
    WSKP_INFO_DST6 = 1 << 14
};

/* Control objects of a send into packet information (D49). */
NTSTATUS WskpControlIn(const WSKP_SOCKET *Socket, ULONG Length, const CMSGHDR *Control,
                       struct net_packet_info *Info);
/* Packet information into control objects. The bytes used; *Truncated when they did not fit. */
ULONG WskpControlOut(const WSKP_SOCKET *Socket, const struct net_packet_info *Info, PVOID Control,
                     ULONG Room, BOOLEAN *Truncated);

/* ---- bind registry and security ---------------------------------------------------------- */

/* Decides a bind by the sharing table (D43) and records it. The port must be known (not 0). */
NTSTATUS WskpShareBind(WSKP_SOCKET *Socket, const struct net_addr *Address);
void WskpShareBoot(void);
/* A port that the host chose: recorded without a decision. */
void WskpShareRecord(WSKP_SOCKET *Socket, const struct net_addr *Address);
void WskpShareRelease(WSKP_SOCKET *Socket);

NTSTATUS WskpSecurityCache(WSKP_CLIENT *Client, PSECURITY_DESCRIPTOR In, PSECURITY_DESCRIPTOR *Out,
                           const void *Owner);
NTSTATUS WskpSecurityRelease(WSKP_CLIENT *Client, PSECURITY_DESCRIPTOR Sd);
/* The cached descriptor behind a pointer, referenced; NULL when it is not one. */
WSKP_SD *WskpSecurityReference(PSECURITY_DESCRIPTOR Sd);
void WskpSecurityDereference(WSKP_SD *Sd);
/* NULL: the default descriptor, which permits no sharing. */
PSECURITY_DESCRIPTOR WskpSecurityPointer(WSKP_SD *Sd);
/* Forgets the descriptors that a client cached and never released. */
void WskpSecurityDropClient(WSKP_CLIENT *Client);
/* May `Socket` share an address that `Sd` protects? */
BOOLEAN WskpSecurityGrants(WSKP_SD *Sd, PEPROCESS Owner, const WSKP_SOCKET *Socket);

/* ---- listeners --------------------------------------------------------------------------- */

void WskpBootListeners(void);
/* Returns when the transport has closed every connection that nobody took: no listener is left that
 * would count them. For the shutdown, before the transport goes. */
void WskpShutdownListeners(void);

#define WSKP_REMEMBERED_ABORTS 64

typedef struct _WSKP_LISTENER {
    LIST_ENTRY Fresh;   /* WSKP_INCOMING: accepted by the host, to be inspected */
    LIST_ENTRY Pended;  /* waiting for WskInspectComplete */
    LIST_ENTRY Ready;   /* to be delivered */
    LIST_ENTRY Aborted; /* the peer went away; WskAbortEvent is due */
    ULONG NextSerial;
    ULONG AbortedSerials[WSKP_REMEMBERED_ABORTS]; /* D26; 0: free */
    ULONG AbortedNext;
} WSKP_LISTENER;

/* ---- the functions of the tables --------------------------------------------------------------
 */

NTSTATUS NTAPI WskpSocket(PWSK_CLIENT, ADDRESS_FAMILY, USHORT, ULONG, ULONG, PVOID, const VOID *,
                          PEPROCESS, PETHREAD, PSECURITY_DESCRIPTOR, PIRP);
NTSTATUS NTAPI WskpSocketConnect(PWSK_CLIENT, USHORT, ULONG, PSOCKADDR, PSOCKADDR, ULONG, PVOID,
                                 const WSK_CLIENT_CONNECTION_DISPATCH *, PEPROCESS, PETHREAD,
                                 PSECURITY_DESCRIPTOR, PIRP);
NTSTATUS NTAPI WskpControlClient(PWSK_CLIENT, ULONG, SIZE_T, PVOID, SIZE_T, PVOID, SIZE_T *, PIRP);
NTSTATUS NTAPI WskpGetAddressInfo(PWSK_CLIENT, PUNICODE_STRING, PUNICODE_STRING, ULONG, GUID *,
                                  PADDRINFOEXW, PADDRINFOEXW *, PEPROCESS, PETHREAD, PIRP);
VOID NTAPI WskpFreeAddressInfo(PWSK_CLIENT, PADDRINFOEXW);
NTSTATUS NTAPI WskpGetNameInfo(PWSK_CLIENT, PSOCKADDR, ULONG, PUNICODE_STRING, PUNICODE_STRING,
                               ULONG, PEPROCESS, PETHREAD, PIRP);
NTSTATUS NTAPI WskpControlSocket(PWSK_SOCKET, WSK_CONTROL_SOCKET_TYPE, ULONG, ULONG, SIZE_T, PVOID,
                                 SIZE_T, PVOID, SIZE_T *, PIRP);
NTSTATUS NTAPI WskpCloseSocket(PWSK_SOCKET, PIRP);
NTSTATUS NTAPI WskpBind(PWSK_SOCKET, PSOCKADDR, ULONG, PIRP);
NTSTATUS NTAPI WskpListen(PWSK_SOCKET, PIRP);
NTSTATUS NTAPI WskpAcceptRequest(PWSK_SOCKET, ULONG, PVOID, const WSK_CLIENT_CONNECTION_DISPATCH *,
                                 PSOCKADDR, PSOCKADDR, PIRP);
NTSTATUS NTAPI WskpInspectComplete(PWSK_SOCKET, PWSK_INSPECT_ID, WSK_INSPECT_ACTION, PIRP);
NTSTATUS NTAPI WskpGetLocalAddress(PWSK_SOCKET, PSOCKADDR, PIRP);
NTSTATUS NTAPI WskpGetRemoteAddress(PWSK_SOCKET, PSOCKADDR, PIRP);
NTSTATUS NTAPI WskpConnect(PWSK_SOCKET, PSOCKADDR, ULONG, PIRP);
NTSTATUS NTAPI WskpConnectEx(PWSK_SOCKET, PSOCKADDR, PWSK_BUF, ULONG, PIRP);
NTSTATUS NTAPI WskpSend(PWSK_SOCKET, PWSK_BUF, ULONG, PIRP);
NTSTATUS NTAPI WskpSendEx(PWSK_SOCKET, PWSK_BUF, ULONG, ULONG, PCMSGHDR, PIRP);
NTSTATUS NTAPI WskpReceiveRequest(PWSK_SOCKET, PWSK_BUF, ULONG, PIRP);
NTSTATUS NTAPI WskpReceiveExRequest(PWSK_SOCKET, PWSK_BUF, ULONG, PULONG, PCMSGHDR, PULONG, PIRP);
NTSTATUS NTAPI WskpDisconnectRequest(PWSK_SOCKET, PWSK_BUF, ULONG, PIRP);
NTSTATUS NTAPI WskpReleaseData(PWSK_SOCKET, PWSK_DATA_INDICATION);
NTSTATUS NTAPI WskpSendTo(PWSK_SOCKET, PWSK_BUF, ULONG, PSOCKADDR, ULONG, PCMSGHDR, PIRP);
NTSTATUS NTAPI WskpSendMessages(PWSK_SOCKET, PWSK_BUF_LIST, ULONG, PSOCKADDR, ULONG, PCMSGHDR,
                                PIRP);
NTSTATUS NTAPI WskpReceiveFromRequest(PWSK_SOCKET, PWSK_BUF, ULONG, PSOCKADDR, PULONG, PCMSGHDR,
                                      PULONG, PIRP);
NTSTATUS NTAPI WskpReleaseDatagrams(PWSK_SOCKET, PWSK_DATAGRAM_INDICATION);

extern const WSK_PROVIDER_BASIC_DISPATCH WskpBasicDispatch;
extern const WSK_PROVIDER_LISTEN_DISPATCH WskpListenDispatch;
extern const WSK_PROVIDER_CONNECTION_DISPATCH WskpConnectionDispatch;
extern const WSK_PROVIDER_DATAGRAM_DISPATCH WskpDatagramDispatch;
extern const WSK_PROVIDER_STREAM_DISPATCH WskpStreamDispatch;

/*
 * Starts a connect, with data to send if Buffer is given. OwnsSocket: for WskSocketConnect, the IRP
 * returns the socket, which closes on failure.
 */
NTSTATUS WskpConnectSocket(WSKP_SOCKET *Socket, const struct net_addr *Remote,
                           const WSK_BUF *Buffer, BOOLEAN OwnsSocket, PIRP Irp, const void *Caller);
/* Takes a pended request's IRP away from it and frees the request; the caller completes the IRP. */
PIRP WskpRequestDetach(WSKP_REQUEST *Request);
NTSTATUS WskpBindSocket(WSKP_SOCKET *Socket, const struct net_addr *Address);
NTSTATUS WskpStartListening(WSKP_SOCKET *Socket);
/* A stream socket's or accepted socket's connection half becomes usable. */
void WskpBecomeConnected(WSKP_SOCKET *Socket, const struct net_addr *Remote);
/* D64: looks at the congestion window and tells the driver of a change. For the pump. */
void WskpUpdateBacklog(WSKP_SOCKET *Socket);
/* Checks of the state that several functions share; lock not held. */
NTSTATUS WskpCheckDead(WSKP_SOCKET *Socket);
/* Bytes received and not delivered, held nodes included. */
SIZE_T WskpReceiveBacklog(WSKP_SOCKET *Socket);

#endif
