/*
 * crt/stdlib.h: <stdlib.h> of a driver: conversions, sorting, byte order; no heap.
 */
#ifndef OPENWSK_CRT_STDLIB_H
#define OPENWSK_CRT_STDLIB_H

#include "openwsk_crt.h"

OW_BEGIN_C

int abs(int value);
#define labs(value) __builtin_abs((int)(value))

#define RAND_MAX 0x7fff
#ifndef _countof
#define _countof(a) (sizeof(a) / sizeof((a)[0]))
#endif
#define _byteswap_ushort(x) __builtin_bswap16(x)
#define _byteswap_ulong(x)  __builtin_bswap32(x)
#define _byteswap_uint64(x) __builtin_bswap64(x)
#ifndef _rotl
#define _rotl(x, n)   ((ULONG)(((ULONG)(x) << ((n)&31)) | ((ULONG)(x) >> ((32 - (n)) & 31))))
#define _rotr(x, n)   ((ULONG)(((ULONG)(x) >> ((n)&31)) | ((ULONG)(x) << ((32 - (n)) & 31))))
#define _rotl64(x, n) (((ULONGLONG)(x) << ((n)&63)) | ((ULONGLONG)(x) >> ((64 - (n)) & 63)))
#define _rotr64(x, n) (((ULONGLONG)(x) >> ((n)&63)) | ((ULONGLONG)(x) << ((64 - (n)) & 63)))
#endif

OW_END_C

#endif
