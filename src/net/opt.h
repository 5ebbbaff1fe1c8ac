/*
 * opt.h: socket options by neutral name, applied to a descriptor. Private to src/net.
 */
#ifndef OPENWSK_NET_OPT_H
#define OPENWSK_NET_OPT_H

#include "net/net.h"

/* 0 or -errno; -ENOPROTOOPT when `opt` is none of ours, -EINVAL when the length does not fit. */
int net_opt_set(int fd, enum net_opt opt, const void *data, size_t length);
/* `*length` is the room, and then the number of bytes written. */
int net_opt_get(int fd, enum net_opt opt, void *data, size_t *length);

#endif
