/*
 * reserve.h: an OS thread's stacks for faults (fault.c), from its first action to its last. Private
 * to src/host. host_stack_bounds() must answer in a signal handler in between.
 */
#ifndef OPENWSK_HOST_RESERVE_H
#define OPENWSK_HOST_RESERVE_H

#include "host/host.h"

void host_reserve_begin(void);
void host_reserve_end(void);

#endif
