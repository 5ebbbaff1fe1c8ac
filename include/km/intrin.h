/*
 * intrin.h: Microsoft's intrinsic functions that drivers use, over the compiler's built-ins.
 */
#ifndef OPENWSK_INTRIN_H
#define OPENWSK_INTRIN_H

#include "ntdef.h"
#include "wdm/interlocked.h"

#define __nop()                   __asm__ __volatile__("nop")
#define __rdtsc()                 __builtin_ia32_rdtsc()
#define _mm_pause()               __builtin_ia32_pause()
#define _ReturnAddress()          __builtin_return_address(0)
#define _AddressOfReturnAddress() ((void *)((char *)__builtin_frame_address(0) + sizeof(void *)))
#ifndef _byteswap_ushort
#define _byteswap_ushort(x) __builtin_bswap16(x)
#define _byteswap_ulong(x)  __builtin_bswap32(x)
#define _byteswap_uint64(x) __builtin_bswap64(x)
#endif
#define __popcnt(x)   ((unsigned)__builtin_popcount(x))
#define __popcnt64(x) ((unsigned long long)__builtin_popcountll(x))
#define __popcnt16(x) ((unsigned short)__builtin_popcount((unsigned short)(x)))
#define __lzcnt(x)    ((x) ? (unsigned)__builtin_clz(x) : 32u)
#define __lzcnt64(x)  ((x) ? (unsigned long long)__builtin_clzll(x) : 64ull)

OW_INLINE UCHAR OwBitScanForward(ULONG *Index, ULONG64 Mask)
{
    if (Mask == 0)
        return 0;
    *Index = (ULONG)__builtin_ctzll(Mask);
    return 1;
}
OW_INLINE UCHAR OwBitScanReverse(ULONG *Index, ULONG64 Mask)
{
    if (Mask == 0)
        return 0;
    *Index = 63 - (ULONG)__builtin_clzll(Mask);
    return 1;
}
#define _BitScanForward(index, mask)   OwBitScanForward((ULONG *)(index), (ULONG)(mask))
#define _BitScanForward64(index, mask) OwBitScanForward((ULONG *)(index), (ULONG64)(mask))
#define _BitScanReverse(index, mask)   OwBitScanReverse((ULONG *)(index), (ULONG)(mask))
#define _BitScanReverse64(index, mask) OwBitScanReverse((ULONG *)(index), (ULONG64)(mask))
#define BitScanForward                 _BitScanForward
#define BitScanForward64               _BitScanForward64
#define BitScanReverse                 _BitScanReverse
#define BitScanReverse64               _BitScanReverse64

OW_INLINE UCHAR OwBitTest(const LONG *Base, LONG Bit)
{
    return (UCHAR)((Base[Bit >> 5] >> (Bit & 31)) & 1);
}
OW_INLINE UCHAR OwBitTestAndSet(LONG *Base, LONG Bit)
{
    UCHAR old = OwBitTest(Base, Bit);

    Base[Bit >> 5] = (LONG)((ULONG)Base[Bit >> 5] | (1u << (Bit & 31)));
    return old;
}
#define _bittest(base, bit)       OwBitTest(base, bit)
#define _bittestandset(base, bit) OwBitTestAndSet(base, bit)
#define BitTest                   OwBitTest
#define BitTestAndSet             OwBitTestAndSet

OW_INLINE VOID __cpuidex(int Info[4], int Function, int SubFunction)
{
    __asm__ __volatile__("cpuid"
                         : "=a"(Info[0]), "=b"(Info[1]), "=c"(Info[2]), "=d"(Info[3])
                         : "a"(Function), "c"(SubFunction));
}
#define __cpuid(info, function) __cpuidex(info, function, 0)

OW_INLINE ULONG64 OwUmul128(ULONG64 A, ULONG64 B, ULONG64 *High)
{
    unsigned __int128 product = (unsigned __int128)A * B;

    *High = (ULONG64)(product >> 64);
    return (ULONG64)product;
}
#define _umul128(a, b, high)            OwUmul128(a, b, high)
#define UnsignedMultiply128(a, b, high) OwUmul128(a, b, high)

#endif
