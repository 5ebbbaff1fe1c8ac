/*
 * wdm/interlocked.h: atomic operations, and loads and stores with an ordering.
 *
 * Interlocked functions are full barriers. In C they are macros over gcc's __atomic built-ins that
 * take the width from the pointer, so they also work on `long` (64 bits here), ULONG and enums; the
 * result has the signed type of that width. In C++ they are templates.
 */
#ifndef OPENWSK_WDM_INTERLOCKED_H
#define OPENWSK_WDM_INTERLOCKED_H

#include "base.h"

#ifdef __cplusplus

extern "C++" {

template <unsigned Size> struct OwInterlockedResult {
    typedef LONG64 type;
};
template <> struct OwInterlockedResult<4> {
    typedef LONG type;
};
template <> struct OwInterlockedResult<2> {
    typedef SHORT type;
};
template <> struct OwInterlockedResult<1> {
    typedef CHAR type;
};
template <typename T> struct OwIdentity {
    typedef T type;
};
#define OW_RESULT(T) typename OwInterlockedResult<sizeof(T)>::type

#define OW_INTERLOCKED_STEP(name, builtin)                                                         \
    template <typename T> inline __attribute__((always_inline)) OW_RESULT(T) name(T volatile *p)   \
    {                                                                                              \
        return (OW_RESULT(T))builtin(p, 1, __ATOMIC_SEQ_CST);                                      \
    }
#define OW_INTERLOCKED_BINARY(name, builtin)                                                       \
    template <typename T>                                                                          \
    inline __attribute__((always_inline)) OW_RESULT(T)                                             \
        name(T volatile *p, typename OwIdentity<T>::type v)                                        \
    {                                                                                              \
        return (OW_RESULT(T))builtin(p, v, __ATOMIC_SEQ_CST);                                      \
    }
#define OW_INTERLOCKED_COMPARE(name)                                                               \
    template <typename T>                                                                          \
    inline __attribute__((always_inline)) OW_RESULT(T)                                             \
        name(T volatile *p, typename OwIdentity<T>::type v, typename OwIdentity<T>::type c)        \
    {                                                                                              \
        __atomic_compare_exchange_n(p, &c, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);          \
        return (OW_RESULT(T))c;                                                                    \
    }

OW_INTERLOCKED_STEP(OwInterlockedIncrement, __atomic_add_fetch)
OW_INTERLOCKED_STEP(OwInterlockedDecrement, __atomic_sub_fetch)
OW_INTERLOCKED_BINARY(OwInterlockedExchange, __atomic_exchange_n)
OW_INTERLOCKED_BINARY(OwInterlockedExchangeAdd, __atomic_fetch_add)
OW_INTERLOCKED_BINARY(OwInterlockedAdd, __atomic_add_fetch)
OW_INTERLOCKED_BINARY(OwInterlockedAnd, __atomic_fetch_and)
OW_INTERLOCKED_BINARY(OwInterlockedOr, __atomic_fetch_or)
OW_INTERLOCKED_BINARY(OwInterlockedXor, __atomic_fetch_xor)
OW_INTERLOCKED_COMPARE(OwInterlockedCompareExchange)

#undef OW_INTERLOCKED_STEP
#undef OW_INTERLOCKED_BINARY
#undef OW_INTERLOCKED_COMPARE
#undef OW_RESULT
}

#else

#define OW_INTERLOCKED_TYPE(p)                                                                     \
    __typeof__(__builtin_choose_expr(                                                              \
        sizeof(*(p)) == 8, (LONG64)0,                                                              \
        __builtin_choose_expr(sizeof(*(p)) == 4, (LONG)0,                                          \
                              __builtin_choose_expr(sizeof(*(p)) == 2, (SHORT)0, (CHAR)0))))
#define OW_INTERLOCKED(p, e)                                                                       \
    __extension__({                                                                                \
        OW_INTERLOCKED_TYPE(p) ow_r_ = (OW_INTERLOCKED_TYPE(p))(e);                                \
        ow_r_;                                                                                     \
    })
#define OwInterlockedIncrement(p)   OW_INTERLOCKED(p, __atomic_add_fetch(p, 1, __ATOMIC_SEQ_CST))
#define OwInterlockedDecrement(p)   OW_INTERLOCKED(p, __atomic_sub_fetch(p, 1, __ATOMIC_SEQ_CST))
#define OwInterlockedExchange(p, v) OW_INTERLOCKED(p, __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST))
/* clang-format off */
#define OwInterlockedExchangeAdd(p, v) \
    OW_INTERLOCKED(p, __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST))
/* clang-format on */
#define OwInterlockedAdd(p, v)      OW_INTERLOCKED(p, __atomic_add_fetch(p, v, __ATOMIC_SEQ_CST))
#define OwInterlockedAnd(p, v)      OW_INTERLOCKED(p, __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST))
#define OwInterlockedOr(p, v)       OW_INTERLOCKED(p, __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST))
#define OwInterlockedXor(p, v)      OW_INTERLOCKED(p, __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST))
#define OwInterlockedCompareExchange(p, v, c)                                                      \
    __extension__({                                                                                \
        OW_INTERLOCKED_TYPE(p) ow_comparand_ = (OW_INTERLOCKED_TYPE(p))(c);                        \
        __atomic_compare_exchange_n((volatile OW_INTERLOCKED_TYPE(p) *)(p), &ow_comparand_,        \
                                    (OW_INTERLOCKED_TYPE(p))(v), 0, __ATOMIC_SEQ_CST,              \
                                    __ATOMIC_SEQ_CST);                                             \
        ow_comparand_;                                                                             \
    })

#endif

/* Answer the new value. */
#define InterlockedIncrement(p) OwInterlockedIncrement(p)
#define InterlockedDecrement(p) OwInterlockedDecrement(p)
#define InterlockedAdd(p, v)    OwInterlockedAdd(p, v)
/* Answer the old value. */
#define InterlockedExchange(p, v)           OwInterlockedExchange(p, v)
#define InterlockedExchangeAdd(p, v)        OwInterlockedExchangeAdd(p, v)
#define InterlockedExchangeSubtract(p, v)   OwInterlockedExchangeAdd(p, 0 - (v))
#define InterlockedAnd(p, v)                OwInterlockedAnd(p, v)
#define InterlockedOr(p, v)                 OwInterlockedOr(p, v)
#define InterlockedXor(p, v)                OwInterlockedXor(p, v)
#define InterlockedCompareExchange(p, v, c) OwInterlockedCompareExchange(p, v, c)

#define InterlockedIncrement64(p)             OwInterlockedIncrement(p)
#define InterlockedDecrement64(p)             OwInterlockedDecrement(p)
#define InterlockedAdd64(p, v)                OwInterlockedAdd(p, v)
#define InterlockedExchange64(p, v)           OwInterlockedExchange(p, v)
#define InterlockedExchangeAdd64(p, v)        OwInterlockedExchangeAdd(p, v)
#define InterlockedAnd64(p, v)                OwInterlockedAnd(p, v)
#define InterlockedOr64(p, v)                 OwInterlockedOr(p, v)
#define InterlockedXor64(p, v)                OwInterlockedXor(p, v)
#define InterlockedCompareExchange64(p, v, c) OwInterlockedCompareExchange(p, v, c)

#define InterlockedIncrementSizeT(p)          OwInterlockedIncrement(p)
#define InterlockedDecrementSizeT(p)          OwInterlockedDecrement(p)
#define InterlockedExchangeAddSizeT(p, v)     OwInterlockedExchangeAdd(p, v)
#define InterlockedAddPtr(p, v)               OwInterlockedAdd(p, v)
#define InterlockedIncrement16(p)             OwInterlockedIncrement(p)
#define InterlockedDecrement16(p)             OwInterlockedDecrement(p)
#define InterlockedExchange16(p, v)           OwInterlockedExchange(p, v)
#define InterlockedAnd16(p, v)                OwInterlockedAnd(p, v)
#define InterlockedOr16(p, v)                 OwInterlockedOr(p, v)
#define InterlockedXor16(p, v)                OwInterlockedXor(p, v)
#define InterlockedCompareExchange16(p, v, c) OwInterlockedCompareExchange(p, v, c)
#define InterlockedExchange8(p, v)            OwInterlockedExchange(p, v)
#define InterlockedAnd8(p, v)                 OwInterlockedAnd(p, v)
#define InterlockedOr8(p, v)                  OwInterlockedOr(p, v)
#define InterlockedXor8(p, v)                 OwInterlockedXor(p, v)

OW_INLINE PVOID OwExchangePointer(PVOID volatile *Target, PVOID Value)
{
    return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}
OW_INLINE PVOID OwCompareExchangePointer(PVOID volatile *Target, PVOID Value, PVOID Comparand)
{
    __atomic_compare_exchange_n(Target, &Comparand, Value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return Comparand;
}
#define InterlockedExchangePointer(p, v) OwExchangePointer((PVOID volatile *)(p), (PVOID)(v))
#define InterlockedCompareExchangePointer(p, v, c)                                                 \
    OwCompareExchangePointer((PVOID volatile *)(p), (PVOID)(v), (PVOID)(c))

/* 1 when the 16 bytes were equal to the comparand and were replaced; the comparand gets the old. */
OW_INLINE UCHAR InterlockedCompareExchange128(LONG64 volatile *Target, LONG64 High, LONG64 Low,
                                              LONG64 *Comparand)
{
    UCHAR equal;

    __asm__ __volatile__("lock cmpxchg16b %1\n\tsete %0"
                         : "=q"(equal), "+m"(*(__int128 volatile *)Target), "+a"(Comparand[0]),
                           "+d"(Comparand[1])
                         : "b"(Low), "c"(High)
                         : "memory", "cc");
    return equal;
}

/* Bit operations answer the old bit. */
#define OW_BIT_FUNCTION(name, type, builtin, value)                                                \
    OW_INLINE UCHAR name(type volatile *Base, type Bit)                                            \
    {                                                                                              \
        type one = (type)1 << (Bit & (type)(sizeof(type) * 8 - 1));                                \
                                                                                                   \
        Base += Bit >> (sizeof(type) == 4 ? 5 : 6);                                                \
        return (UCHAR)((builtin(Base, value, __ATOMIC_SEQ_CST) & one) != 0);                       \
    }
OW_BIT_FUNCTION(InterlockedBitTestAndSet, LONG, __atomic_fetch_or, one)
OW_BIT_FUNCTION(InterlockedBitTestAndReset, LONG, __atomic_fetch_and, ~one)
OW_BIT_FUNCTION(InterlockedBitTestAndComplement, LONG, __atomic_fetch_xor, one)
OW_BIT_FUNCTION(InterlockedBitTestAndSet64, LONG64, __atomic_fetch_or, one)
OW_BIT_FUNCTION(InterlockedBitTestAndReset64, LONG64, __atomic_fetch_and, ~one)
#undef OW_BIT_FUNCTION

/* Weaker variants: a full barrier satisfies all of them. */
#define InterlockedIncrementAcquire(p)                    InterlockedIncrement(p)
#define InterlockedIncrementRelease(p)                    InterlockedIncrement(p)
#define InterlockedIncrementNoFence(p)                    InterlockedIncrement(p)
#define InterlockedDecrementAcquire(p)                    InterlockedDecrement(p)
#define InterlockedDecrementRelease(p)                    InterlockedDecrement(p)
#define InterlockedDecrementNoFence(p)                    InterlockedDecrement(p)
#define InterlockedIncrementAcquire64(p)                  InterlockedIncrement64(p)
#define InterlockedIncrementRelease64(p)                  InterlockedIncrement64(p)
#define InterlockedIncrementNoFence64(p)                  InterlockedIncrement64(p)
#define InterlockedDecrementAcquire64(p)                  InterlockedDecrement64(p)
#define InterlockedDecrementRelease64(p)                  InterlockedDecrement64(p)
#define InterlockedDecrementNoFence64(p)                  InterlockedDecrement64(p)
#define InterlockedAddAcquire(p, v)                       InterlockedAdd(p, v)
#define InterlockedAddRelease(p, v)                       InterlockedAdd(p, v)
#define InterlockedAddNoFence(p, v)                       InterlockedAdd(p, v)
#define InterlockedAddNoFence64(p, v)                     InterlockedAdd64(p, v)
#define InterlockedExchangeAcquire(p, v)                  InterlockedExchange(p, v)
#define InterlockedExchangeNoFence(p, v)                  InterlockedExchange(p, v)
#define InterlockedExchangeNoFence64(p, v)                InterlockedExchange64(p, v)
#define InterlockedExchangeAddNoFence(p, v)               InterlockedExchangeAdd(p, v)
#define InterlockedExchangeAddNoFence64(p, v)             InterlockedExchangeAdd64(p, v)
#define InterlockedExchangeAddRelease(p, v)               InterlockedExchangeAdd(p, v)
#define InterlockedExchangeAddAcquire(p, v)               InterlockedExchangeAdd(p, v)
#define InterlockedCompareExchangeAcquire(p, v, c)        InterlockedCompareExchange(p, v, c)
#define InterlockedCompareExchangeRelease(p, v, c)        InterlockedCompareExchange(p, v, c)
#define InterlockedCompareExchangeNoFence(p, v, c)        InterlockedCompareExchange(p, v, c)
#define InterlockedCompareExchangeAcquire64(p, v, c)      InterlockedCompareExchange64(p, v, c)
#define InterlockedCompareExchangeRelease64(p, v, c)      InterlockedCompareExchange64(p, v, c)
#define InterlockedCompareExchangeNoFence64(p, v, c)      InterlockedCompareExchange64(p, v, c)
#define InterlockedAndAcquire(p, v)                       InterlockedAnd(p, v)
#define InterlockedAndRelease(p, v)                       InterlockedAnd(p, v)
#define InterlockedAndNoFence(p, v)                       InterlockedAnd(p, v)
#define InterlockedOrAcquire(p, v)                        InterlockedOr(p, v)
#define InterlockedOrRelease(p, v)                        InterlockedOr(p, v)
#define InterlockedOrNoFence(p, v)                        InterlockedOr(p, v)
#define InterlockedExchangePointerNoFence(p, v)           InterlockedExchangePointer(p, v)
#define InterlockedExchangePointerAcquire(p, v)           InterlockedExchangePointer(p, v)
#define InterlockedCompareExchangePointerAcquire(p, v, c) InterlockedCompareExchangePointer(p, v, c)
#define InterlockedCompareExchangePointerRelease(p, v, c) InterlockedCompareExchangePointer(p, v, c)
#define InterlockedCompareExchangePointerNoFence(p, v, c) InterlockedCompareExchangePointer(p, v, c)

/* The intrinsics behind them. */
#define _InterlockedIncrement(p)                    InterlockedIncrement(p)
#define _InterlockedDecrement(p)                    InterlockedDecrement(p)
#define _InterlockedIncrement16(p)                  InterlockedIncrement(p)
#define _InterlockedDecrement16(p)                  InterlockedDecrement(p)
#define _InterlockedIncrement64(p)                  InterlockedIncrement64(p)
#define _InterlockedDecrement64(p)                  InterlockedDecrement64(p)
#define _InterlockedExchange(p, v)                  InterlockedExchange(p, v)
#define _InterlockedExchange8(p, v)                 InterlockedExchange(p, v)
#define _InterlockedExchange16(p, v)                InterlockedExchange(p, v)
#define _InterlockedExchange64(p, v)                InterlockedExchange64(p, v)
#define _InterlockedExchangeAdd(p, v)               InterlockedExchangeAdd(p, v)
#define _InterlockedExchangeAdd8(p, v)              InterlockedExchangeAdd(p, v)
#define _InterlockedExchangeAdd16(p, v)             InterlockedExchangeAdd(p, v)
#define _InterlockedExchangeAdd64(p, v)             InterlockedExchangeAdd64(p, v)
#define _InterlockedAdd(p, v)                       InterlockedAdd(p, v)
#define _InterlockedAdd64(p, v)                     InterlockedAdd64(p, v)
#define _InterlockedCompareExchange(p, v, c)        InterlockedCompareExchange(p, v, c)
#define _InterlockedCompareExchange8(p, v, c)       InterlockedCompareExchange(p, v, c)
#define _InterlockedCompareExchange16(p, v, c)      InterlockedCompareExchange(p, v, c)
#define _InterlockedCompareExchange64(p, v, c)      InterlockedCompareExchange64(p, v, c)
#define _InterlockedCompareExchange128(p, h, l, c)  InterlockedCompareExchange128(p, h, l, c)
#define _InterlockedExchangePointer(p, v)           InterlockedExchangePointer(p, v)
#define _InterlockedCompareExchangePointer(p, v, c) InterlockedCompareExchangePointer(p, v, c)
#define _InterlockedAnd(p, v)                       InterlockedAnd(p, v)
#define _InterlockedAnd8(p, v)                      InterlockedAnd(p, v)
#define _InterlockedAnd16(p, v)                     InterlockedAnd(p, v)
#define _InterlockedAnd64(p, v)                     InterlockedAnd64(p, v)
#define _InterlockedOr(p, v)                        InterlockedOr(p, v)
#define _InterlockedOr8(p, v)                       InterlockedOr(p, v)
#define _InterlockedOr16(p, v)                      InterlockedOr(p, v)
#define _InterlockedOr64(p, v)                      InterlockedOr64(p, v)
#define _InterlockedXor(p, v)                       InterlockedXor(p, v)
#define _interlockedbittestandset(p, b)             InterlockedBitTestAndSet(p, b)
#define _interlockedbittestandreset(p, b)           InterlockedBitTestAndReset(p, b)

/* ---- Read and Write families ------------------------------------------------------------------
 */

#define OW_READ_WRITE(read, write, type, order)                                                    \
    OW_INLINE type read(type const volatile *Source)                                               \
    {                                                                                              \
        return __atomic_load_n(Source, order##_LOAD);                                              \
    }                                                                                              \
    OW_INLINE VOID write(type volatile *Destination, type Value)                                   \
    {                                                                                              \
        __atomic_store_n(Destination, Value, order##_STORE);                                       \
    }
#define OW_RELAXED_LOAD  __ATOMIC_RELAXED
#define OW_RELAXED_STORE __ATOMIC_RELAXED
#define OW_ORDERED_LOAD  __ATOMIC_ACQUIRE
#define OW_ORDERED_STORE __ATOMIC_RELEASE
/* ReadAcquire64 and its like for signed numbers, ReadULongAcquire and its like for named types. */
#define OW_READ_WRITE_SIGNED(suffix, type)                                                         \
    OW_READ_WRITE(ReadNoFence##suffix, WriteNoFence##suffix, type, OW_RELAXED)                     \
    OW_READ_WRITE(ReadRaw##suffix, WriteRaw##suffix, type, OW_RELAXED)                             \
    OW_READ_WRITE(ReadAcquire##suffix, WriteRelease##suffix, type, OW_ORDERED)
#define OW_READ_WRITE_NAMED(name, type)                                                            \
    OW_READ_WRITE(Read##name##NoFence, Write##name##NoFence, type, OW_RELAXED)                     \
    OW_READ_WRITE(Read##name##Raw, Write##name##Raw, type, OW_RELAXED)                             \
    OW_READ_WRITE(Read##name##Acquire, Write##name##Release, type, OW_ORDERED)
OW_READ_WRITE_SIGNED(, LONG)
OW_READ_WRITE_SIGNED(8, CHAR)
OW_READ_WRITE_SIGNED(16, SHORT)
OW_READ_WRITE_SIGNED(64, LONG64)
OW_READ_WRITE_NAMED(UChar, UCHAR)
OW_READ_WRITE_NAMED(Boolean, BOOLEAN)
OW_READ_WRITE_NAMED(UShort, USHORT)
OW_READ_WRITE_NAMED(ULong, ULONG)
OW_READ_WRITE_NAMED(ULong64, ULONG64)
OW_READ_WRITE_NAMED(ULongPtr, ULONG_PTR)
OW_READ_WRITE_NAMED(SizeT, SIZE_T)
#undef OW_READ_WRITE_SIGNED
#undef OW_READ_WRITE_NAMED
#undef OW_RELAXED_LOAD
#undef OW_RELAXED_STORE
#undef OW_ORDERED_LOAD
#undef OW_ORDERED_STORE
#undef OW_READ_WRITE

OW_INLINE PVOID ReadPointerNoFence(PVOID const volatile *Source)
{
    return __atomic_load_n(Source, __ATOMIC_RELAXED);
}
OW_INLINE PVOID ReadPointerAcquire(PVOID const volatile *Source)
{
    return __atomic_load_n(Source, __ATOMIC_ACQUIRE);
}
OW_INLINE PVOID ReadPointerRaw(PVOID const volatile *Source)
{
    return __atomic_load_n(Source, __ATOMIC_RELAXED);
}
OW_INLINE VOID WritePointerNoFence(PVOID volatile *Destination, PVOID Value)
{
    __atomic_store_n(Destination, Value, __ATOMIC_RELAXED);
}
OW_INLINE VOID WritePointerRelease(PVOID volatile *Destination, PVOID Value)
{
    __atomic_store_n(Destination, Value, __ATOMIC_RELEASE);
}
OW_INLINE VOID WritePointerRaw(PVOID volatile *Destination, PVOID Value)
{
    __atomic_store_n(Destination, Value, __ATOMIC_RELAXED);
}

#endif
