/*
 * wsk_fake.h: a network without wires for the tests of wsk/'s client functions, and one IRP.
 *
 * Operations are answered inline or kept until the test ends them; the test plays the loop thread.
 */
#ifndef WSK_FAKE_H
#define WSK_FAKE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/base.h"
#include "wsk/wskp.h"

static struct {
    bool pend;           /* keep operations */
    struct net_op *kept; /* the last one */
    unsigned cancels;
    void (*answer)(struct net_op *op); /* fills in the result */
    void (*meanwhile)(void);           /* what happens before the transport knows the operation */
    struct net_open opened;            /* the last endpoint */
    struct net *opened_on;
    struct net_addr addrs[8];
    size_t addr_count;
    int (*ctl)(struct net_ep *ep, enum net_ctl what, struct net_ctl_arg *arg);
} fake;

static enum net_disposition fake_submit(struct net_ep *ep, struct net_op *op)
{
    (void)ep;
    if (fake.meanwhile)
        fake.meanwhile();
    if (fake.pend || (op->flags & NET_F_ASYNC)) {
        fake.kept = op;
        return NET_PENDING;
    }
    if (fake.answer)
        fake.answer(op);
    return NET_DONE;
}

static void fake_cancel(struct net_ep *ep, struct net_op *op)
{
    (void)ep;
    (void)op;
    fake.cancels++;
}

/* Ends the kept operation as the loop thread would. */
static inline void fake_end(int64_t result)
{
    struct net_op *op = fake.kept;

    assert_non_null(op);
    fake.kept = NULL;
    op->result = result;
    op->done(op);
}

static int fake_ctl(struct net_ep *ep, enum net_ctl what, struct net_ctl_arg *arg)
{
    size_t n = 0;

    if (what != NET_CTL_ADDRESSES)
        return fake.ctl ? fake.ctl(ep, what, arg) : -EOPNOTSUPP;
    for (size_t i = 0; i < fake.addr_count; i++) {
        if (arg->family != NET_UNSPEC && fake.addrs[i].family != arg->family)
            continue;
        if (n < arg->length)
            arg->addrs[n] = fake.addrs[i];
        n++;
    }
    arg->length = n;
    return 0;
}

static int fake_open(struct net *net, const struct net_open *what, struct net_ep **out)
{
    static struct net_ep ep;

    ep = (struct net_ep){ .net = net, .user = what->user };
    fake.opened = *what;
    fake.opened_on = net;
    *out = &ep;
    return 0;
}

static const struct net_transport fake_transport = {
    .name = "fake", .open = fake_open, .ctl = fake_ctl, .submit = fake_submit, .cancel = fake_cancel
};

static inline WSKP_CLIENT *fake_boot(void)
{
    static const WSK_CLIENT_DISPATCH dispatch = { .Version = MAKE_WSK_VERSION(1, 0) };

    memset(&fake, 0, sizeof(fake));
    Wskp.Transport = &fake_transport;
    Wskp.Processors = 1;
    Wskp.Config.inline_depth = 8;
    Wskp.Config.passive_callbacks = true;
    host_lock_init(&Wskp.ClientsLock, HOST_RANK_WSK_CLIENT);
    InitializeListHead(&Wskp.Clients);
    WskpBootRequests();
    WskpBootListeners();
    WSKP_CLIENT *client = WskpClientCreate(NULL, &dispatch, NULL, NULL);
    assert_non_null(client);
    client->Captures = 1;
    return client;
}

static inline void fake_shutdown(WSKP_CLIENT *client)
{
    assert_int_equal(client->Calls, 0);
    assert_int_equal(client->Irps, 0);
    WskpClientDrain(client);
    WskpClientFree(client);
    WskpShutdownRequests();
}

/* One IRP, used again and again. */
static struct {
    PIRP irp;
    int completions;
    BOOLEAN pending_returned;
    IO_STATUS_BLOCK io;
} request;

static NTSTATUS NTAPI request_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)device;
    (void)context;
    request.completions++;
    request.pending_returned = irp->PendingReturned;
    request.io = irp->IoStatus;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static inline PIRP request_irp(void)
{
    if (!request.irp)
        request.irp = IoAllocateIrp(1, FALSE);
    assert_non_null(request.irp);
    IoReuseIrp(request.irp, STATUS_UNSUCCESSFUL);
    IoSetCompletionRoutine(request.irp, request_done, NULL, TRUE, TRUE, TRUE);
    request.completions = 0;
    memset(&request.io, 0, sizeof(request.io));
    return request.irp;
}

/* The IRP rule (D01): a status other than STATUS_PENDING was completed first, once, with it. */
static inline NTSTATUS request_inline(NTSTATUS returned)
{
    assert_int_not_equal(returned, STATUS_PENDING);
    assert_int_equal(request.completions, 1);
    assert_int_equal(request.io.Status, returned);
    assert_false(request.pending_returned);
    return returned;
}

static inline void request_free(void)
{
    if (request.irp)
        IoFreeIrp(request.irp);
    request.irp = NULL;
}

#endif
