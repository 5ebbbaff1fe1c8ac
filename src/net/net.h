/*
 * net.h: what the WSK subsystem asks of a network.
 *
 * A transport is ten function pointers. Operations are structs that the caller owns: no allocation
 * on the I/O path, cancel by address. Nothing here knows NT; addresses, options and packet
 * information have neutral forms, because the system's own headers and the driver's headers define
 * the same names with different values. Results are byte counts, or -errno.
 *
 * The contract (tests/unit/net_contract runs it against every transport):
 *  1. Exactly once. After NET_PENDING, done() runs once as the last call (an operation with
 *     NET_F_MULTI may have done() run earlier with op->more set); after NET_DONE, never.
 *  2. Never inside. done() runs from poll() only, with no lock of the transport held.
 *  3. Ownership. op, iov and the memory behind iov belong to the transport from submit() to the
 * last done() (or to the return, after NET_DONE).
 *  4. Order. Sends on a stream take effect in submit order; an inline send is tried only if none is
 *     queued. Sends also end in that order, datagrams' too: NET_DONE is no answer while done() of
 *     an earlier one has not returned. done() of receives comes in the order of what they received.
 *     Bytes that arrived before FIN or RST come before the end.
 *  5. Cancel is asynchronous and idempotent; it never loses bytes that already moved: an operation
 *     that moved bytes finishes with their count, not with -ECANCELED.
 *  6. Backpressure in. Bytes held in net_bufs plus bytes queued stay within the endpoint's
 *     rx_limit_bytes plus one batch; reading stops there and resumes at half.
 *  7. Backpressure out. submit() never blocks and never refuses because of fullness.
 *  8. Close ends every pending operation first (-ECANCELED); its own done() comes last, also when
 *     nothing was pending. After it the endpoint is gone. net_bufs outlive it.
 *  9. Threads. One net per virtual processor; poll() on its own thread, everything else from any.
 * 10. Determinism. Under fibers every decision comes from host_choose(), time only from host_now().
 */
#ifndef OPENWSK_NET_H
#define OPENWSK_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- addresses --------------------------------------------------------------------------- */

enum net_family { NET_UNSPEC = 0, NET_IP4 = 4, NET_IP6 = 6 };

struct net_addr {
    uint16_t family;    /* enum net_family */
    uint16_t port;      /* host byte order */
    uint8_t ip[16];     /* network byte order; IPv4 uses the first four */
    uint32_t flow_info; /* network byte order, IPv6 only */
    uint32_t scope_id;  /* interface index, IPv6 only */
};

/* ---- received buffers -------------------------------------------------------------------- */

/*
 * Received bytes. The transport owns the memory; a holder of a reference may read [data,
 * data+length). The bytes are charged to the endpoint that received them until the last reference
 * is put. Small messages must not pin large blocks: buffers are slices of a shared block. Any
 * thread may get and put; a buffer outlives its endpoint and its net (net_buf_put() then only frees
 * memory).
 */
struct net_buf {
    uint8_t *data;
    uint32_t length;
    uint32_t refs; /* atomic */
};
void net_buf_get(struct net_buf *b);
void net_buf_put(struct net_buf *b);

/* ---- packet information (datagrams) ------------------------------------------------------ */

enum net_info {
    NET_INFO_DST = 1 << 0,     /* local address: on receive where it arrived, on send the source */
    NET_INFO_IFINDEX = 1 << 1, /* interface index, with NET_INFO_DST or alone */
    NET_INFO_TTL = 1 << 2,     /* TTL or hop limit */
    NET_INFO_TOS = 1 << 3,     /* TOS or traffic class, whole byte with the ECN bits */
    NET_INFO_SEGMENT = 1 << 4, /* send: GSO segment size; receive: GRO segment size, bytes */
    NET_INFO_ERROR = 1 << 5,   /* receive only: an ICMP error, not data */
    NET_INFO_BROADCAST = 1 << 6, /* receive only: destination was a broadcast address */
    NET_INFO_MULTICAST = 1 << 7, /* receive only */
    NET_INFO_TRUNCATED = 1 << 8  /* receive only: the datagram was longer than the buffer */
};

struct net_packet_info {
    uint32_t present; /* enum net_info bits */
    struct net_addr dst;
    uint32_t ifindex;
    int ttl;
    int tos;
    uint32_t segment_bytes;
    struct {
        int code_errno; /* positive errno */
        uint8_t icmp_type, icmp_code;
        uint32_t info;            /* e.g. the path MTU, bytes */
        struct net_addr offender; /* who sent the ICMP message; NET_UNSPEC if unknown */
    } error;
};

/* ---- operations -------------------------------------------------------------------------- */

struct net;
struct net_ep;
struct net_op;

enum net_opcode {
    NET_OP_CONNECT, /* in: addr. stream; result 0 */
    NET_OP_ACCEPT,  /* listening stream. out: accepted, local, addr (remote). NET_F_MULTI allowed */
    NET_OP_RECV,    /* stream. iovcnt > 0: into iov, result bytes, 0 = end of stream.
                       iovcnt == 0: out buf (a reference the callee of done() must put).
                       NET_F_MULTI allowed with iovcnt == 0; end of stream ends it with result 0.
                       A receive submitted behind a repeating one is served before it */
    NET_OP_SEND, /* stream. all of iov; result = total bytes, or error (then `moved` bytes went) */
    NET_OP_RECVMSG,  /* datagram. as RECV, plus out: addr (sender), info. result may be 0 (empty
                        datagram,  buf with length 0). NET_F_MULTI allowed with iovcnt == 0 */
    NET_OP_SENDMSG,  /* datagram. in: addr (family NET_UNSPEC: error -EDESTADDRREQ), info. iov is
                        one datagram; with `messages`, each of these is one, sent in their order and
                        with nothing else of the endpoint between what waits of them. result bytes
                        in all; the first refusal is the result and ends the list */
    NET_OP_SHUTDOWN, /* stream. NET_F_ABORT: RST at once, ends pending sends with -ECANCELED and
                        receives with -ECONNABORTED, result 0. else: after all queued sends, FIN;
                        done when the peer acknowledged it, result 0 */
    NET_OP_WATCH,    /* connected stream. done as soon as the peer's FIN arrived (result 0; bytes
                        before it may still wait unread) or the connection broke (-errno). Reads
                        nothing. NET_F_ABORT: the peer's FIN does not end it */
    NET_OP_CLOSE, /* always NET_PENDING. NET_F_ABORT: streams send RST. Without it streams close in
                     the way of close(2): what is queued in the kernel is still sent */
    NET_OP_RESOLVE,  /* NET_EP_RESOLVER. in: resolve; out: resolve->results. see struct net_resolve
                      */
    NET_OP_NAMEINFO, /* NET_EP_RESOLVER. in: resolve->address; out: resolve->host, ->service */
    NET_OP_ADDRESS_CHANGE /* NET_EP_ROUTE. pends until a local address of the family appears or goes
                           */
};

enum net_op_flags {
    NET_F_MULTI = 1 << 0, /* repeat: done() with more = true each time, until the last one */
    NET_F_ABORT = 1 << 1,
    NET_F_NODELAY = 1 << 2, /* SEND: push this and everything queued before it */
    NET_F_MORE = 1 << 3,    /* SEND: more follows at once (may be held back to fill a segment) */
    NET_F_PEEK = 1 << 4,    /* RECV: leave the bytes */
    NET_F_ACKED = 1 << 6,   /* SEND: done when the peer has acknowledged the bytes */
    NET_F_ASYNC = 1 << 5    /* never answer NET_DONE (test modes) */
};

enum net_disposition { NET_DONE, NET_PENDING };

/* One datagram of a list. */
struct net_message {
    const struct iovec *iov;
    unsigned iovcnt;
};

struct net_op {
    enum net_opcode code;
    uint32_t flags;
    const struct iovec *iov;
    unsigned iovcnt;
    void (*done)(struct net_op *op);
    /* in/out, by opcode */
    struct net_addr addr;
    struct net_addr local;              /* ACCEPT out */
    struct net_packet_info *info;       /* in SENDMSG, out RECVMSG; may be NULL */
    const struct net_message *messages; /* SENDMSG in; NULL: iov */
    unsigned message_count;
    struct net_resolve *resolve;
    /* ACCEPT in: picks the net on which the accepted endpoint will live; NULL: the listener's */
    struct net *(*place)(struct net_op *op);
    /* out */
    int64_t result; /* >= 0 as the opcode says, or -errno */
    uint64_t moved; /* SEND: bytes taken by the network so far */
    struct net_buf *buf;
    struct net_ep *accepted; /* ACCEPT: open it belongs to the callee of done() */
    bool more;               /* this done() is not the last */
    bool drained;            /* buffer mode: nothing more to read now. false promises another done()
                                of this operation, with bytes or as its last one */
    /* the transport's own; zero them before the first submit, then leave them alone */
    struct net_op *next, **pprev;
    uintptr_t priv[4];
};

#define NET_HOST_MAX        1025
#define NET_SERVICE_MAX     64
#define NET_RESOLVE_RESULTS 64

struct net_resolve {
    /* RESOLVE in: UTF-8; "" = none. Numeric hosts and decimal services never cause a look-up. */
    char host[NET_HOST_MAX];
    char service[NET_SERVICE_MAX];
    uint16_t family;  /* enum net_family; NET_UNSPEC: both */
    uint8_t datagram; /* service look-up: 0 any/TCP, 1 UDP */
    bool numeric_host, numeric_service, passive, canonical, v4mapped, all, addrconfig;
    bool no_fqdn, name_required; /* NAMEINFO */
    struct net_addr address;     /* NAMEINFO in */
    /* out. result: count of addresses, or -ENOENT (no such name), -EAGAIN (temporary), -EINVAL */
    unsigned count;
    struct net_addr results[NET_RESOLVE_RESULTS];
    char canonical_name[NET_HOST_MAX];
};

/* ---- endpoints --------------------------------------------------------------------------- */

enum net_ep_kind {
    NET_EP_STREAM,
    NET_EP_DATAGRAM,
    NET_EP_RAW,
    NET_EP_RESOLVER, /* names; bind, listen do not apply */
    NET_EP_ROUTE     /* local addresses and their changes */
};

struct net_open {
    enum net_ep_kind kind;
    enum net_family family;
    int protocol;          /* NET_EP_RAW: IP protocol number */
    size_t rx_limit_bytes; /* 0: the transport's default */
    void *user;            /* the caller's, see net_ep_user() */
};

/* Socket options with a neutral name; see opt.def for the value's type and what it maps to. */
enum net_opt {
#define NET_OPT(name, level, option, type) NET_OPT_##name,
#include "net/opt.def"
#undef NET_OPT
    NET_OPT_COUNT
};

/* The neutral form of multicast memberships. */
struct net_mreq {
    struct net_addr group;
    struct net_addr interface; /* IPv4: address of the interface, or NET_UNSPEC */
    struct net_addr source;    /* source-specific options only */
    uint32_t ifindex;          /* 0: not given */
};

enum net_ctl {
    NET_CTL_SET,        /* opt, data, length */
    NET_CTL_GET,        /* opt, data, length (in: room, out: bytes) */
    NET_CTL_LOCAL,      /* out addr */
    NET_CTL_REMOTE,     /* out addr; -ENOTCONN */
    NET_CTL_QUEUED_IN,  /* out value: bytes received and not yet read (net_bufs not counted) */
    NET_CTL_QUEUED_OUT, /* out value: bytes sent and not yet acknowledged */
    NET_CTL_TCP_INFO,   /* out tcp */
    NET_CTL_ERROR,      /* out value: pending error as positive errno, cleared (SO_ERROR) */
    NET_CTL_LOSE,       /* as if the system took the socket away (for tests of its user): what is
                           pending ends with -EBADF, and so does all that comes but the close.
                           Streams send RST */
    NET_CTL_ADDRESSES,  /* NET_EP_ROUTE: out addrs (in: room), length = count needed */
    NET_CTL_ROUTE       /* NET_EP_ROUTE: in addr (a destination), out addr: the local address that
                           packets to it would have */
};

struct net_ctl_arg {
    enum net_opt opt;
    void *data;
    size_t length;
    struct net_addr addr;
    int64_t value;
    struct net_addr *addrs;
    enum net_family family;
    struct {
        uint32_t cwnd_segments, mss_bytes, rtt_us;
        bool fin_acked; /* our FIN was sent and acknowledged */
        bool fin_received;
    } tcp;
};

/* ---- transports -------------------------------------------------------------------------- */

struct net_config {
    unsigned index; /* of the virtual processor */
    const struct net_host
        *hosts;      /* name overrides (--host), first match wins; ends with name NULL */
    int64_t spin_ns; /* how long poll() looks for work before it sleeps; 0: not at all */
};
struct net_host {
    const char *name;
    struct net_addr addr;
};

enum net_caps { NET_CAP_REAL = 1 << 0, NET_CAP_RAW = 1 << 1 };

struct net_transport {
    const char *name;
    uint32_t caps;
    int (*create)(struct net **out, const struct net_config *config);
    void (*destroy)(struct net *); /* after the last endpoint's close was done */
    /* Opens an unbound endpoint that lives on this net. 0 or -errno (-EMFILE, -EACCES,
     * -EAFNOSUPPORT). */
    int (*open)(struct net *, const struct net_open *, struct net_ep **out);
    int (*bind)(struct net_ep *, const struct net_addr *);
    int (*listen)(struct net_ep *, int backlog);
    int (*ctl)(struct net_ep *, enum net_ctl, struct net_ctl_arg *);
    enum net_disposition (*submit)(struct net_ep *, struct net_op *);
    void (*cancel)(struct net_ep *, struct net_op *);
    /* Waits until something is ready, wake() was called or host_now() >= deadline_ns, then runs the
       done() calls that are due. The number of done() calls. */
    int (*poll)(struct net *, int64_t deadline_ns);
    void (*wake)(struct net *); /* any thread; sticky: a poll() that starts later returns at once */
};

/* The net on which an endpoint lives. */
struct net *net_ep_net(const struct net_ep *);
void *net_ep_user(const struct net_ep *);
void net_ep_set_user(struct net_ep *, void *user); /* accepted endpoints start with NULL */

extern const struct net_transport net_epoll;

#ifdef __cplusplus
}
#endif
#endif
