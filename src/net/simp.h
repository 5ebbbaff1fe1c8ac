/*
 * simp.h: the insides of the simulated network, shared by its files. Private to src/net.
 *
 * From below: the world (events, hosts, links, faults), sockets as a kernel has them (sim_tcp.c,
 * sim_udp.c), and what net.h adds to them (endpoints, operations). Model peers stand beside the
 * endpoints: both own sockets, whose ready() tells them to look again.
 *
 * One lock, world->lock, protects all of it. Events, ready() and the functions of sockets run under
 * it; done() and place() run without it. ep->gate is taken before it and protects only the flag
 * that the world may be gone.
 */
#ifndef OPENWSK_NET_SIMP_H
#define OPENWSK_NET_SIMP_H

#include "host/host.h"
#include "net/addr.h"
#include "net/base.h"
#include "net/buf.h"
#include "net/ops.h"
#include "net/sim.h"

#define SIM_MS ((int64_t)1000 * 1000)
#define SIM_S  (1000 * SIM_MS)

#define SIM_RTO_NS       (200 * SIM_MS) /* a lost segment is sent again after this */
#define SIM_SYN_RTO_NS   SIM_S          /* a lost SYN; doubles each time */
#define SIM_TIME_WAIT_NS (60 * SIM_S)
#define SIM_CORK_NS      (200 * SIM_MS) /* bytes sent with NET_F_MORE wait this long */
#define SIM_ARP_NS       (3 * SIM_S)    /* until a host that is not there is unreachable */
#define SIM_RETRY_NS     (50 * SIM_MS)  /* when memory was short */
#define SIM_SEGMENT_MAX  65536
#define SIM_AIR          32 /* segments of one direction on their way at once */
#define SIM_PORT_BUCKETS 64
#define SIM_MEMBERSHIPS  16
#define SIM_MTU          1500
#define SIM_LO_MTU       65536
#define SIM_LO_INDEX     1
#define SIM_ETH_INDEX    2

/* ---- events (sim_event.c) --------------------------------------------------------------- */

struct sim_event {
    int64_t at_ns;
    uint64_t number;
    void (*run)(struct sim_event *);
    bool queued;
    struct sim_event *child, *next, *prev; /* a pairing heap's */
};

void sim_event_at(struct sim_world *w, struct sim_event *e, int64_t at_ns,
                  void (*run)(struct sim_event *));
void sim_event_cancel(struct sim_world *w, struct sim_event *e);
struct sim_event *sim_event_pop(struct sim_world *w);
/* Runs what is due now, at most a bounded number. */
void sim_run_due(struct sim_world *w);

#define SIM_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* ---- the world (sim_world.c, sim_fault.c, sim_host.c) ----------------------------------- */

struct sim_link {
    struct sim_link *next;
    int from, to;
    bool own; /* has values of its own, not the world's */
    struct sim_link_values values;
    int64_t busy_until_ns, clogged_until_ns, cut_until_ns, last_at_ns;
};

struct sim_host {
    struct sim_host *next;
    int number;
    char name[32];
    struct net_addr *addrs; /* without loopback's */
    unsigned count, room;
    uint16_t next_port;
};

/* Somebody holds a port: a bound socket, or a connection whose socket is closed already. */
struct sim_port {
    struct sim_port *next, **pprev;
    struct sim_host *host;
    enum net_ep_kind kind;
    struct net_addr addr;   /* as bound; IPv4 form if it was v4-mapped */
    bool dual;              /* an IPv6 wildcard that takes IPv4, too */
    bool reuse, reuse_port; /* the options */
    bool listening;         /* and not about to close */
    struct sim_sock *sock;  /* NULL: a connection's */
};

struct sim_world {
    long endpoints; /* there were as many before */
    struct host_lock lock;
    struct sim_config config;
    struct sim_faults faults;
    uint64_t fired[SIM_FAULT_COUNT];
    struct sim_gap {
        uint32_t left; /* chances until the next question */
        bool fires;    /* the last of them is taken */
    } gaps[SIM_FAULT_COUNT];
    uint64_t next_number;
    struct sim_event *events;
    struct sim_host *hosts, *local;
    int host_count;
    struct sim_link *links;
    struct sim_port *ports[SIM_PORT_BUCKETS];
    struct sim_net *nets;
    unsigned net_count;
    struct sim_conn *conns;
    struct sim_packet *packets; /* on their way */
    struct sim_ep *routes;      /* open NET_EP_ROUTE endpoints */
    struct sim_peer *peers;
    struct sim_event address_event;
    struct net_addr address_gone;
};

struct sim_world *sim_current(void);
void sim_violation(struct sim_world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Does the fault happen here? The second one also counts it. */
bool sim_chance(struct sim_world *w, enum sim_fault kind, const char *site);
bool sim_fires(struct sim_world *w, enum sim_fault kind, const char *site);
/* Between 1 and n, the larger the more likely small; 1 for 0. */
size_t sim_choose_size(size_t n, const char *site);
/* Up to `max`, in 1024 steps; at least one step. */
int64_t sim_choose_time(int64_t max_ns, const char *site);

struct sim_host *sim_host(struct sim_world *w, int number);
bool sim_is_loopback(const struct net_addr *a);
bool sim_is_any(const struct net_addr *a);
bool sim_is_multicast(const struct net_addr *a);
bool sim_is_broadcast(const struct sim_host *h, const struct net_addr *a);
bool sim_host_has(const struct sim_host *h, const struct net_addr *a);
/* Who has the address, as seen from `from`; NULL: nobody. */
struct sim_host *sim_host_with(struct sim_world *w, struct sim_host *from,
                               const struct net_addr *a);
/* The source address of packets from `from` to `to`. 0 or -ENETUNREACH. */
int sim_source_for(struct sim_host *from, const struct net_addr *to, struct net_addr *source);
bool sim_same_subnet(const struct net_addr *a, const struct net_addr *b);
/* When a packet that leaves now arrives; -1: it is lost (never when `reliable`). */
int64_t sim_transit(struct sim_world *w, const struct sim_host *from, const struct sim_host *to,
                    size_t bytes, bool reliable);
void sim_addresses_changed(struct sim_world *w, unsigned family);
void sim_maybe_change_addresses(struct sim_world *w);

/* ---- sockets (sim_sock.c, sim_opt.c) ---------------------------------------------------- */

struct sim_member {
    struct net_addr group;
    struct net_addr source; /* NET_UNSPEC: any */
    bool block;
};

struct sim_sock {
    struct sim_world *world;
    struct sim_host *host;
    enum net_ep_kind kind;
    enum net_family family;
    /* Something changed: look again. */
    void (*ready)(struct sim_sock *sock);
    struct sim_port port;          /* linked while bound */
    bool bound, chosen_port;       /* chosen by us, */
    bool keep_port;                /* but asked for: a failed connect does not lose it */
    struct net_addr local, remote; /* IPv4 form where v4-mapped */
    int error;                     /* SO_ERROR */
    int opt[NET_OPT_COUNT];
    struct sim_blob {
        uint8_t bytes[64];
        uint8_t length;
    } ip_options, hop_options;
    char congestion[16];
    struct net_mreq multicast_if;
    /* streams */
    struct sim_conn *conn;
    int side;
    int backlog;
    struct sim_conn *accept_head, **accept_tail;
    int accept_count;
    /* datagrams */
    struct sim_packet *rx, **rx_tail;
    struct sim_packet *errors, **errors_tail;
    size_t rx_bytes;
    uint64_t id; /* an ICMP error finds its way back by it */
    struct sim_member members[SIM_MEMBERSHIPS];
    unsigned member_count;
};

void sim_sock_init(struct sim_sock *s, struct sim_world *w, struct sim_host *host,
                   enum net_ep_kind kind, enum net_family family);
int sim_sock_bind(struct sim_sock *s, const struct net_addr *addr);
/* Gives an unbound socket a port of its own. */
int sim_sock_autobind(struct sim_sock *s, const struct net_addr *addr);
int sim_sock_listen(struct sim_sock *s, int backlog);
void sim_sock_unbind(struct sim_sock *s);
/* Its address in the form of the socket's family. */
void sim_sock_out(const struct sim_sock *s, struct net_addr *a);
int sim_sock_set(struct sim_sock *s, enum net_opt opt, const void *data, size_t length);
int sim_sock_get(struct sim_sock *s, enum net_opt opt, void *data, size_t *length);
void sim_sock_defaults(struct sim_sock *s);

void sim_port_hold(struct sim_world *w, struct sim_port *p);
void sim_port_release(struct sim_port *p);
/* The socket that gets what arrives at `to` on the host; NULL: none. */
struct sim_sock *sim_port_find(struct sim_world *w, struct sim_host *host, enum net_ep_kind kind,
                               const struct net_addr *to);
struct sim_port *sim_port_bucket(struct sim_world *w, uint16_t port);

/* ---- streams (sim_tcp.c, sim_flow.c, sim_handshake.c) ----------------------------------- */

struct sim_segment {
    uint64_t end; /* position behind its last byte */
    int64_t at_ns;
    bool fin;
};

/* One direction of a connection. Positions count from the first byte:
 * read <= arrived <= sent <= written, acked <= arrived. */
struct sim_flow {
    int number; /* its place in conn->flow */
    uint8_t *ring;
    size_t ring_bytes;                /* a power of two */
    size_t send_bytes, receive_bytes; /* limits of the two buffers */
    uint64_t written, sent, arrived, read, acked;
    uint64_t window;   /* the sender may send up to here */
    uint64_t pushed;   /* up to here nothing is held back */
    uint64_t reset_at; /* fault: the connection is reset here */
    bool fin_written, fin_sent, fin_arrived, fin_acked;
    bool corked;
    struct sim_segment air[SIM_AIR];
    unsigned air_head, air_count;
    int64_t last_at_ns;
    struct sim_event arrive, ack, cork;
    uint64_t ack_position, ack_window; /* what the acknowledgement on its way says */
    bool ack_fin;
    uint64_t hash_in, hash_out; /* the conservation check */
    uint8_t small[512];
};

struct sim_end {
    struct sim_conn *conn;
    struct sim_sock *sock;
    struct sim_host *host;
    struct net_addr addr;
    struct sim_port port;
    struct sim_event rst; /* a reset on its way to this end */
    int error;            /* of an end without a socket: what accept will find */
    bool closed;          /* its socket was here and is gone */
    bool broken;          /* a reset arrived here, or was sent from here */
};

enum sim_phase { SIM_SYN, SIM_SYNACK, SIM_ACK, SIM_ESTABLISHED, SIM_TIME_WAIT };
enum sim_fate { SIM_NORMAL, SIM_FATE_REFUSED, SIM_FATE_TIMEOUT, SIM_FATE_UNREACHABLE };

struct sim_conn {
    struct sim_world *world;
    struct sim_conn *next, **pprev;
    struct sim_conn *accept_next;
    struct sim_sock *listener; /* while the handshake goes on, or it waits to be accepted */
    bool queued;               /* waits to be accepted */
    bool held;                 /* accept has taken it and gives it a socket soon */
    enum sim_phase phase;
    enum sim_fate fate;
    unsigned tries;
    int64_t started_ns;
    int first_closer; /* the end that closed first, or -1 */
    struct sim_event step;
    struct sim_end end[2];   /* 0: who connected */
    struct sim_flow flow[2]; /* flow[i]: from end[i] to the other */
};

/* 0: connected. -EINPROGRESS: ready() tells. Else the error. */
int sim_tcp_connect(struct sim_sock *s, const struct net_addr *to);
bool sim_tcp_connected(const struct sim_sock *s);
/* Gives a connect up, or dissolves the connection with a reset; the socket may connect again. */
void sim_tcp_unconnect(struct sim_sock *s);
/* Bytes of iov (from `skip` on) that were taken, -EAGAIN, or the error. */
int64_t sim_tcp_write(struct sim_sock *s, const struct iovec *iov, unsigned n, uint64_t skip,
                      uint32_t flags);
/* Copies n of the readable bytes, from `offset` on; without `peek` they are gone (offset is 0). */
void sim_tcp_get(struct sim_sock *s, void *data, size_t n, size_t offset, bool peek);
/* When nothing is readable: 0 at the end, -EAGAIN, or the error, which is told once. */
int sim_tcp_end(struct sim_sock *s);
size_t sim_tcp_readable(const struct sim_sock *s);
int sim_tcp_fin(struct sim_sock *s);
bool sim_tcp_fin_acked(const struct sim_sock *s);
bool sim_tcp_fin_received(const struct sim_sock *s);
bool sim_tcp_broken(const struct sim_sock *s);
uint64_t sim_tcp_written(const struct sim_sock *s);
uint64_t sim_tcp_acked(const struct sim_sock *s);
/* Takes the next connection from a listener's queue; NULL: none. */
struct sim_conn *sim_tcp_take(struct sim_sock *listener);
void sim_tcp_adopt(struct sim_conn *c, struct sim_sock *s);
/* Nobody wants it: resets it. */
void sim_tcp_refuse(struct sim_conn *c);
void sim_tcp_close(struct sim_sock *s, bool abort);
void sim_tcp_stop_listening(struct sim_sock *s);

struct sim_conn *sim_conn_new(struct sim_sock *s, struct sim_host *to_host,
                              const struct net_addr *to);
void sim_conn_free(struct sim_conn *c);
/* Frees it, or begins its TIME_WAIT, when nobody needs it any more. */
void sim_conn_check(struct sim_conn *c);
void sim_conn_start(struct sim_conn *c);
/* Sends a reset to one end. */
void sim_conn_reset(struct sim_conn *c, int to);
void sim_end_ready(struct sim_conn *c, int side);

void sim_flow_init(struct sim_flow *f, int number, size_t send_bytes, size_t receive_bytes);
void sim_flow_free(struct sim_conn *c, struct sim_flow *f);
size_t sim_flow_put(struct sim_flow *f, const struct iovec *iov, unsigned n, uint64_t skip,
                    size_t limit);
void sim_flow_get(struct sim_conn *c, int from, void *data, size_t n, size_t offset, bool peek);
/* Sends what may be sent. */
void sim_flow_push(struct sim_conn *c, int from);
/* The receiver has read, or bytes have arrived: tells the sender. */
void sim_flow_acknowledge(struct sim_conn *c, int from, bool window_only);

/* ---- datagrams (sim_udp.c) -------------------------------------------------------------- */

struct sim_packet {
    struct sim_event event;
    struct sim_world *world;
    struct sim_packet *next, **pprev; /* on its way */
    struct sim_packet *queue_next;    /* received */
    struct sim_host *to_host, *from_host;
    struct net_addr from, to;
    uint64_t sender; /* id of the socket */
    int ttl, tos;
    uint32_t segment_bytes;
    bool is_error, cut, blank, broadcast;
    int error;
    uint8_t icmp_type, icmp_code;
    size_t length;
    uint8_t data[];
};

int64_t sim_udp_send(struct sim_sock *s, const struct net_addr *to, const struct iovec *iov,
                     unsigned n, const struct net_packet_info *info);
/* The packet that the next receive gets, or NULL. */
struct sim_packet *sim_udp_next(struct sim_sock *s);
/* Removes it. */
void sim_udp_drop(struct sim_sock *s, struct sim_packet *p);
void sim_udp_describe(const struct sim_sock *s, const struct sim_packet *p,
                      struct net_packet_info *info);
void sim_udp_close(struct sim_sock *s);
void sim_packet_free(struct sim_packet *p);

/* ---- nets and endpoints (sim_net.c, sim_ep.c, sim_stream.c, ...) ------------------------ */

struct sim_net {
    struct net base;
    struct sim_world *world;
    struct sim_net *next;
    unsigned number;
    const struct net_host *hosts;
    struct net_queue finished;              /* operations whose done() is due */
    struct sim_ep *service, **service_tail; /* endpoints that the loop must look at */
    bool woken;
    struct host_thread *poller; /* parked in poll() */
    int64_t wait_until_ns;
    int done_count;
    struct net_pool *pool;
};

/*
 * Takes the world's lock for something that belongs to this net. On a machine the nets have nothing
 * in common, and this net's endpoints are locked: that is what is ordered, see host_order_before().
 */
static inline void sim_lock(struct sim_net *net)
{
    host_lock(&net->world->lock);
    host_order_after(net);
}

static inline void sim_unlock(struct sim_net *net)
{
    host_order_before(net);
    host_unlock(&net->world->lock);
}

struct sim_ep {
    struct net_ep base;
    struct net_rx rx_account;
    struct sim_world *world;
    struct sim_net *net;
    struct host_lock gate;
    bool shut; /* under gate: the world may be gone */
    enum net_ep_kind kind;
    enum net_family family;
    struct sim_sock sock;
    bool listening, connected, closed, aborted;
    bool lost;              /* NET_CTL_LOSE */
    unsigned sends_pending; /* whose done() has not returned: later ones end behind them */
    int error;              /* stream: the first fatal error, which the socket tells only once */
    struct net_ops ops;
    struct sim_ep *spare;
    struct sim_job *jobs; /* resolver */
    struct sim_ep *route_next;
    struct sim_event retry;
    bool in_service;
    struct sim_ep *service_next;
};

static inline struct sim_ep *sim_ep_of(struct net_ep *ep)
{
    return (struct sim_ep *)ep;
}

/* All with the lock held; run_* and deliver may drop it in between. */
void sim_kick(struct sim_net *net);
/* Somebody waits for the next event, or is made to. */
void sim_guard(struct sim_world *w);
void sim_finish(struct sim_ep *ep, struct net_op *op, int64_t result);
enum net_disposition sim_answer(struct sim_ep *ep, struct net_op *op, int64_t result);
/* The same for a send; and one that does not end yet. */
enum net_disposition sim_answer_send(struct sim_ep *ep, struct net_op *op, int64_t result);
void sim_count_send(struct sim_ep *ep);
/* May the operation be tried inline? Else the loop must look at it. */
bool sim_inline(struct sim_ep *ep, const char *site);
void sim_service(struct sim_ep *ep);
void sim_service_later(struct sim_ep *ep);
void sim_deliver(struct sim_ep *ep, struct net_op *op);
void sim_end_delivery(struct sim_ep *ep, struct net_op *op);
void sim_busy_begin(struct sim_ep *ep, struct net_op *op);
void sim_busy_end(struct sim_ep *ep);
void sim_run_finished(struct sim_net *net, bool all);
struct sim_ep *sim_ep_alloc(void);
long sim_ep_count(void); /* whose memory is there: not closed, or buffers of theirs are kept */
void sim_ep_init(struct sim_ep *ep, struct sim_net *net, enum net_ep_kind kind,
                 enum net_family family, size_t rx_limit_bytes);
void sim_ep_look(struct sim_ep *ep);
void sim_ep_end(struct sim_ep *ep);

int sim_ep_open(struct net *base, const struct net_open *o, struct net_ep **out);
int sim_ep_bind(struct net_ep *base, const struct net_addr *addr);
int sim_ep_listen(struct net_ep *base, int backlog);
int sim_ep_ctl(struct net_ep *base, enum net_ctl what, struct net_ctl_arg *arg);
enum net_disposition sim_ep_submit(struct net_ep *base, struct net_op *op);
void sim_ep_cancel(struct net_ep *base, struct net_op *op);

enum net_disposition sim_submit_connect(struct sim_ep *ep, struct net_op *op);
enum net_disposition sim_submit_send(struct sim_ep *ep, struct net_op *op);
enum net_disposition sim_submit_recv(struct sim_ep *ep, struct net_op *op);
enum net_disposition sim_submit_shutdown(struct sim_ep *ep, struct net_op *op);
enum net_disposition sim_submit_watch(struct sim_ep *ep, struct net_op *op);
void sim_run_stream(struct sim_ep *ep);
enum net_disposition sim_submit_accept(struct sim_ep *ep, struct net_op *op);
void sim_run_accept(struct sim_ep *ep);
enum net_disposition sim_submit_sendmsg(struct sim_ep *ep, struct net_op *op);
enum net_disposition sim_submit_recvmsg(struct sim_ep *ep, struct net_op *op);
void sim_run_datagram(struct sim_ep *ep);
enum net_disposition sim_submit_resolve(struct sim_ep *ep, struct net_op *op);
void sim_cancel_resolve(struct sim_ep *ep, struct net_op *op);
void sim_close_resolver(struct sim_ep *ep);
enum net_disposition sim_submit_route(struct sim_ep *ep, struct net_op *op);
int sim_route_addresses(struct sim_ep *ep, struct net_ctl_arg *arg);
int sim_route_for(struct sim_ep *ep, struct net_ctl_arg *arg);

#endif
