/*
 * crt/malloc.h: the kernel has no heap of C; only _alloca.
 */
#ifndef OPENWSK_CRT_MALLOC_H
#define OPENWSK_CRT_MALLOC_H

#define _alloca(size) __builtin_alloca(size)
#define alloca(size)  __builtin_alloca(size)

#endif
