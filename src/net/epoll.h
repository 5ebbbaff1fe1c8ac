/*
 * epoll.h: the insides of the epoll transport, shared by its files. Private to src/net.
 *
 * Three locks, in this order: ep->lock (an endpoint: its queues, flags and descriptor), net->lock
 * (what the loop has to do: finished operations, endpoints to look at), the pool's. System calls on
 * an endpoint's descriptor are made under ep->lock with fd >= 0, so that a close by another thread
 * cannot put the number into other hands in between; all of them are non-blocking, and the kernel
 * serialises them on the same socket anyway.
 */
#ifndef OPENWSK_NET_EPOLL_H
#define OPENWSK_NET_EPOLL_H

#include "host/host.h"
#include "net/addr.h"
#include "net/base.h"
#include "net/buf.h"
#include "net/control.h"
#include "net/ops.h"

#define EPOLL_RETRY_NS  (50 * 1000 * 1000) /* look again at what the kernel does not announce */
#define EPOLL_RX_BUDGET 16                 /* reads per endpoint and turn */
#define EPOLL_TX_BUDGET 16                 /* gathered writes per endpoint and turn */
#define EPOLL_BATCH     16                 /* datagrams per read */

struct epoll_ep;

struct epoll_net {
    struct net base;
    int epfd, wakefd;
    int64_t spin_ns;
    const struct net_host *hosts;

    struct host_lock lock;
    struct net_queue finished;                /* operations whose done() is due */
    struct net_queue closes;                  /* the same of closes, at the end of a turn */
    struct epoll_ep *service, **service_tail; /* endpoints that the loop must look at */
    struct epoll_ep *timed; /* to look at again at tick_due_ns; the loop peeks without the lock */
    int64_t tick_due_ns;

    /* The wake-up protocol; see epoll_kick(). */
    uint32_t pending, sleeping;

    /* The loop's own. */
    struct net_queue ready; /* finished by the loop in this turn */
    int done_count;
    bool coarse; /* the machine has no epoll_pwait2 */
    struct net_pool *pool;
    uint8_t *overflow; /* EPOLL_BATCH times NET_SLICE_MAX, for datagrams that outgrow their slot */
};

struct epoll_ep {
    struct net_ep base;
    struct net_rx rx_account;
    struct epoll_net *net;
    struct host_lock lock;
    int fd;
    enum net_ep_kind kind;
    enum net_family family;

    bool registered; /* with epoll */
    bool published;  /* atomic; see look_at() */
    bool listening, connected, closed, aborted;
    bool readable, writable; /* false only after the kernel said so; edges set them */
    bool hung_up;            /* the end or an error is behind the bytes */
    bool urgent;             /* a short read proves nothing: it may stop at the urgent mark */
    bool nodelay, nodelay_now;
    uint8_t recverr;    /* datagram: the caller wants ICMP errors; one bit per option */
    bool error_pending; /* datagram: look into the error queue */
    struct net_wants wants;
    int error; /* stream: the first fatal error, which the kernel tells only once */

    struct net_ops ops;
    uint64_t sent_bytes;           /* given to the kernel in all */
    uint32_t sends_pending;        /* atomic: sends whose done() has not returned; see below */
    struct net_addr local, remote; /* local: as bound; remote: valid when connected */
    uint32_t read_hint, batch;
    struct epoll_ep *spare; /* listener: memory for the next connection */
    void *extra;            /* resolver: its jobs; route: its snapshot */

    /* under net->lock */
    bool in_service, timed;
    struct epoll_ep *service_next, *timed_next;
};

static inline struct epoll_ep *epoll_ep_of(struct net_ep *ep)
{
    return (struct epoll_ep *)ep;
}

/*
 * The order in which sends end. A send that pends is counted before the loop can see it, and
 * counted off when its done() has returned. Whoever submits afterwards finds the count, whatever
 * queue the earlier one is in or between, and goes behind it: done() calls come from one thread, in
 * the order in which the operations of an endpoint ended (lock_for_loop). ep->lock is held.
 */
void epoll_count_send(struct epoll_ep *ep);
/* As epoll_answer(), for a send that is over. */
enum net_disposition epoll_answer_send(struct epoll_ep *ep, struct net_op *op, int64_t result);

/* ---- epoll.c: the loop ------------------------------------------------------------------------
 */

/* done() of `op` is due: the loop will call it. Any thread. */
void epoll_finish(struct epoll_net *net, struct net_op *op, int64_t result);
/* The same from the loop itself, at the end of its look at the endpoint. */
void epoll_ready(struct epoll_ep *ep, struct net_op *op, int64_t result);
/* The answer of submit(): DONE now, or later if the operation asked for that. */
enum net_disposition epoll_answer(struct epoll_ep *ep, struct net_op *op, int64_t result);
/* The loop must look at the endpoint: soon, or after EPOLL_RETRY_NS. Any thread; ep->lock held. */
void epoll_service(struct epoll_ep *ep);
void epoll_service_later(struct epoll_ep *ep);
/* Runs done() of a repeating operation; drops and retakes ep->lock. Loop only. */
void epoll_deliver(struct epoll_ep *ep, struct net_op *op);
/* Its last part: ends the operation if it was canceled meanwhile. */
void epoll_end_delivery(struct epoll_ep *ep, struct net_op *op);
void epoll_busy_begin(struct epoll_ep *ep, struct net_op *op);
void epoll_busy_end(struct epoll_ep *ep);
void epoll_run_ready(struct epoll_net *net);

/* ---- epoll_ep.c -------------------------------------------------------------------------------
 */

struct epoll_ep *epoll_ep_alloc(void);
void epoll_ep_init(struct epoll_ep *ep, struct epoll_net *net, enum net_ep_kind kind,
                   enum net_family family, size_t rx_limit_bytes);
/* Frees an endpoint that nobody else knows yet; closes its descriptor. */
void epoll_ep_discard(struct epoll_ep *ep);
int epoll_register(struct epoll_ep *ep);
/* The close was waiting for `busy`: its done() is due now, unless it still does. */
void epoll_ep_finish_close(struct epoll_ep *ep);
/* After the done() of its close. The memory stays while buffers are charged to it. */
void epoll_ep_end(struct epoll_ep *ep);

int epoll_ep_open(struct net *base, const struct net_open *o, struct net_ep **out);
int epoll_ep_bind(struct net_ep *base, const struct net_addr *addr);
int epoll_ep_listen(struct net_ep *base, int backlog);
int epoll_ep_ctl(struct net_ep *base, enum net_ctl what, struct net_ctl_arg *arg);
enum net_disposition epoll_ep_submit(struct net_ep *base, struct net_op *op);
void epoll_ep_cancel(struct net_ep *base, struct net_op *op);

/* ---- epoll_stream.c, epoll_accept.c, epoll_datagram.c ------------------------------------------
 * submit: takes ep->lock itself. run: loop only, ep->lock held, may drop it in between. */

enum net_disposition epoll_submit_connect(struct epoll_ep *ep, struct net_op *op);
enum net_disposition epoll_submit_send(struct epoll_ep *ep, struct net_op *op);
enum net_disposition epoll_submit_recv(struct epoll_ep *ep, struct net_op *op);
enum net_disposition epoll_submit_shutdown(struct epoll_ep *ep, struct net_op *op);
enum net_disposition epoll_submit_watch(struct epoll_ep *ep, struct net_op *op);
void epoll_run_stream(struct epoll_ep *ep, uint32_t events);
void epoll_stop_connect(struct epoll_ep *ep);
/* After a connect that failed or was cancelled: the socket is bound as before. */
void epoll_undo_connect(struct epoll_ep *ep);
bool epoll_fin_acked(int tcp_state);

enum net_disposition epoll_submit_accept(struct epoll_ep *ep, struct net_op *op);
void epoll_run_accept(struct epoll_ep *ep);

enum net_disposition epoll_submit_sendmsg(struct epoll_ep *ep, struct net_op *op);
enum net_disposition epoll_submit_recvmsg(struct epoll_ep *ep, struct net_op *op);
void epoll_run_datagram(struct epoll_ep *ep);
int epoll_open_datagram(struct epoll_ep *ep);
/* Options whose value the transport keeps to itself: true when it answered, with *result. */
bool epoll_datagram_option(struct epoll_ep *ep, bool set, enum net_opt opt, void *data,
                           size_t *length, int *result);

/* ---- resolver.c, route.c ------------------------------------------------------------------------
 */

enum net_disposition epoll_submit_resolve(struct epoll_ep *ep, struct net_op *op);
bool epoll_cancel_resolve(struct epoll_ep *ep, struct net_op *op);
/* Ends all of them; NULL `op` above. */
void epoll_close_resolver(struct epoll_ep *ep);

int epoll_open_route(struct epoll_ep *ep);
enum net_disposition epoll_submit_route(struct epoll_ep *ep, struct net_op *op);
void epoll_run_route(struct epoll_ep *ep);
void epoll_close_route(struct epoll_ep *ep);
int net_local_addresses(enum net_family family, struct net_addr *out, size_t room, size_t *count);
/* In: a destination. Out: the address that packets to it leave from. */
int net_local_for(struct net_addr *a);

#endif
