/*
 * compiler.h: what Microsoft's compiler knows by itself and gcc and clang do not.
 *
 * Keywords (__declspec, __int64, __forceinline ...) as macros, the calling convention NTAPI, the
 * visibility of what the runtime exports, and variable arguments in either calling convention.
 * ntdef.h includes it first, so every header of this folder has it.
 */
#ifndef OPENWSK_COMPILER_H
#define OPENWSK_COMPILER_H

#include <stdarg.h>
#include <stddef.h>

/* The target, as a WDK build defines it. wskcc gives these on the command line, too. */
#ifndef OPENWSK_RUNTIME
#ifndef _KERNEL_MODE
#define _KERNEL_MODE 1
#endif
#ifndef _WIN32
#define _WIN32 1
#endif
#endif
#ifndef _AMD64_
#define _AMD64_ 1
#endif
#ifndef _M_AMD64
#define _M_AMD64 100
#endif
#ifndef _M_X64
#define _M_X64 100
#endif
#ifndef _WIN64
#define _WIN64 1
#endif

#ifdef OPENWSK_MS_ABI
#define NTAPI __attribute__((ms_abi))
#else
#define NTAPI
#endif

#ifdef OPENWSK_RUNTIME
#define OW_EXPORT __attribute__((visibility("default")))
#else
#define OW_EXPORT
#endif
#ifndef NTKERNELAPI
#define NTKERNELAPI OW_EXPORT
#endif
#ifndef NTSYSAPI
#define NTSYSAPI OW_EXPORT
#endif
#ifndef NTHALAPI
#define NTHALAPI OW_EXPORT
#endif
#ifndef NTSYSCALLAPI
#define NTSYSCALLAPI OW_EXPORT
#endif
#ifndef DECLSPEC_IMPORT
#define DECLSPEC_IMPORT
#endif
#ifndef DECLSPEC_EXPORT
#define DECLSPEC_EXPORT __attribute__((visibility("default")))
#endif

/* Variable arguments of an NTAPI function. */
#ifdef OPENWSK_MS_ABI
#define OW_VA_LIST         __builtin_ms_va_list
#define OW_VA_START(ap, a) __builtin_ms_va_start(ap, a)
#define OW_VA_END(ap)      __builtin_ms_va_end(ap)
/* A plain pointer; and gcc 12 without optimisation gets __builtin_ms_va_copy() wrong. */
#define OW_VA_COPY(d, s) ((d) = (s))
#else
#define OW_VA_LIST         va_list
#define OW_VA_START(ap, a) va_start(ap, a)
#define OW_VA_END(ap)      va_end(ap)
#define OW_VA_COPY(d, s)   va_copy(d, s)
#endif
#define OW_VA_ARG(ap, type) va_arg(ap, type)

#ifdef __cplusplus
#define OW_BEGIN_C           extern "C" {
#define OW_END_C             }
#define OW_CAST(type, value) static_cast<type>(value)
#else
#define OW_BEGIN_C
#define OW_END_C
#define OW_CAST(type, value) ((type)(value))
#endif

/* Inline functions of these headers: never an external symbol, no warning when unused. */
#define OW_INLINE static inline __attribute__((always_inline, unused))

/* FORCEINLINE has no `static`: drivers write `static FORCEINLINE`. */
#ifndef FORCEINLINE
#define FORCEINLINE inline __attribute__((always_inline))
#endif
#undef __forceinline
#define __forceinline inline __attribute__((always_inline))
#ifndef CFORCEINLINE
#define CFORCEINLINE FORCEINLINE
#endif
#ifndef DECLSPEC_NOINLINE
#define DECLSPEC_NOINLINE __attribute__((noinline))
#endif
#ifndef DECLSPEC_NORETURN
#define DECLSPEC_NORETURN __attribute__((noreturn))
#endif
#ifndef DECLSPEC_DEPRECATED
#define DECLSPEC_DEPRECATED
#endif
#ifndef DECLSPEC_DEPRECATED_DDK
#define DECLSPEC_DEPRECATED_DDK
#endif
#ifndef DECLSPEC_SELECTANY
#define DECLSPEC_SELECTANY __attribute__((weak))
#endif
#ifndef DECLSPEC_NOTHROW
#define DECLSPEC_NOTHROW
#endif
#ifndef DECLSPEC_RESTRICT
#define DECLSPEC_RESTRICT
#endif
#ifndef DECLSPEC_CACHEALIGN
#define DECLSPEC_CACHEALIGN __attribute__((aligned(64)))
#endif
#ifndef DECLSPEC_ALIGN
#define DECLSPEC_ALIGN(bytes) __attribute__((aligned(bytes)))
#endif
#ifndef DECLSPEC_GUARD_SUPPRESS
#define DECLSPEC_GUARD_SUPPRESS
#endif
#ifndef POINTER_ALIGNMENT
#define POINTER_ALIGNMENT __attribute__((aligned(8)))
#endif
#ifndef MEMORY_ALLOCATION_ALIGNMENT
#define MEMORY_ALLOCATION_ALIGNMENT 16
#endif
#define SYSTEM_CACHE_ALIGNMENT_SIZE 64

/* __declspec(x): one macro per x, so that align(16), which is no attribute of gcc, works. */
#undef __declspec
#define __declspec(x) OW_DECLSPEC_##x
#define _declspec(x) OW_DECLSPEC_##x
#define OW_DECLSPEC_align(bytes) __attribute__((aligned(bytes)))
#define OW_DECLSPEC_noreturn     __attribute__((noreturn))
#define OW_DECLSPEC_noinline     __attribute__((noinline))
#define OW_DECLSPEC_selectany    __attribute__((weak))
#define OW_DECLSPEC_deprecated   __attribute__((deprecated))
#define OW_DECLSPEC_naked        __attribute__((naked))
#define OW_DECLSPEC_dllimport
#define OW_DECLSPEC_dllexport
#define OW_DECLSPEC_novtable
#define OW_DECLSPEC_nothrow
#define OW_DECLSPEC_noalias
#define OW_DECLSPEC_restrict
#define OW_DECLSPEC_safebuffers
#define OW_DECLSPEC_empty_bases
#define OW_DECLSPEC_allocator
#define OW_DECLSPEC_no_sanitize_address
#define OW_DECLSPEC_allocate(segment)
#define OW_DECLSPEC_code_seg(segment)
#define OW_DECLSPEC_guard(what)
#define OW_DECLSPEC_uuid(text)
#define OW_DECLSPEC_spectre(what)
#define OW_DECLSPEC_property(what)

#ifndef __int64
#define __int64 long long
#endif
#ifndef __int32
#define __int32 int
#endif
#ifndef __int16
#define __int16 short
#endif
#ifndef __int8
#define __int8 char
#endif
#undef __cdecl
#define __cdecl
#undef _cdecl
#define _cdecl
#undef __stdcall
#define __stdcall
#undef _stdcall
#define _stdcall
#undef __fastcall
#define __fastcall
#undef _fastcall
#define _fastcall
#undef __vectorcall
#define __vectorcall
#undef __unaligned
#define __unaligned
#undef __ptr32
#define __ptr32
#undef __ptr64
#define __ptr64
#undef __sptr
#define __sptr
#undef __uptr
#define __uptr
#undef __w64
#define __w64
#undef UNALIGNED
#define UNALIGNED
#undef UNALIGNED64
#define UNALIGNED64
#undef RESTRICTED_POINTER
#define RESTRICTED_POINTER

#define CALLBACK
#define WINAPI       NTAPI
#define APIENTRY     NTAPI
#define FASTCALL     NTAPI
#define CDECL        NTAPI
#define NTAPI_INLINE NTAPI
#define PASCAL       NTAPI

#ifndef __assume
#define __assume(condition)                                                                        \
    do {                                                                                           \
        if (!(condition))                                                                          \
            __builtin_unreachable();                                                               \
    } while (0)
#endif
#ifndef __noop
#define __noop(...) ((void)0)
#endif
#ifndef __annotation
#define __annotation(...) ((void)0)
#endif
#undef __debugbreak
#define __debugbreak() __builtin_trap()
#ifndef __alignof
#define __alignof(type) __alignof__(type)
#endif

/* Names of routines that live in a paged or discardable section, where a driver marks them so. */
#define OW_STRINGIFY_(x) #x
#define OW_STRINGIFY(x)  OW_STRINGIFY_(x)
#define OW_CONCAT_(a, b) a##b
#define OW_CONCAT(a, b)  OW_CONCAT_(a, b)

#ifndef C_ASSERT
#ifdef __cplusplus
#define C_ASSERT(e) static_assert((e), #e)
#else
#define C_ASSERT(e) _Static_assert((e), #e)
#endif
#endif
#if !defined(__cplusplus) && !defined(static_assert)
#define static_assert _Static_assert
#endif

#endif
