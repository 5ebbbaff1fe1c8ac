/*
 * basetsd.h: integers of a stated size, and integers as wide as a pointer.
 *
 * As on Windows, SIZE_T is the same type as size_t, and ULONG_PTR the same as uintptr_t.
 */
#ifndef OPENWSK_BASETSD_H
#define OPENWSK_BASETSD_H

#include "compiler.h"

typedef signed char INT8, *PINT8;
typedef short INT16, *PINT16;
typedef int INT32, *PINT32;
typedef long long INT64, *PINT64;
typedef unsigned char UINT8, *PUINT8;
typedef unsigned short UINT16, *PUINT16;
typedef unsigned int UINT32, *PUINT32;
typedef unsigned long long UINT64, *PUINT64;
typedef int LONG32, *PLONG32;
typedef unsigned int ULONG32, *PULONG32;
typedef unsigned int DWORD32, *PDWORD32;
typedef long long LONG64, *PLONG64;
typedef unsigned long long ULONG64, *PULONG64;
typedef unsigned long long DWORD64, *PDWORD64;

typedef __INTPTR_TYPE__ INT_PTR, *PINT_PTR;
typedef __INTPTR_TYPE__ LONG_PTR, *PLONG_PTR;
typedef __UINTPTR_TYPE__ UINT_PTR, *PUINT_PTR;
typedef __UINTPTR_TYPE__ ULONG_PTR, *PULONG_PTR;
typedef ULONG_PTR DWORD_PTR, *PDWORD_PTR;
typedef __SIZE_TYPE__ SIZE_T, *PSIZE_T;
typedef __INTPTR_TYPE__ SSIZE_T, *PSSIZE_T;
typedef ULONG_PTR KAFFINITY, *PKAFFINITY;
typedef int HALF_PTR, *PHALF_PTR;
typedef unsigned int UHALF_PTR, *PUHALF_PTR;

#ifndef MAXULONG_PTR
#define MAXULONG_PTR (~((ULONG_PTR)0))
#define MAXLONG_PTR  ((LONG_PTR)(MAXULONG_PTR >> 1))
#define MINLONG_PTR  (~MAXLONG_PTR)
#define MAXSIZE_T    (~((SIZE_T)0))
#define MAXSSIZE_T   ((SSIZE_T)(MAXSIZE_T >> 1))
#endif

#define HandleToULong(h)    ((ULONG)(ULONG_PTR)(h))
#define HandleToLong(h)     ((LONG)(LONG_PTR)(h))
#define HandleToUlong(h)    HandleToULong(h)
#define ULongToHandle(ul)   ((HANDLE)(ULONG_PTR)(ul))
#define UlongToHandle(ul)   ULongToHandle(ul)
#define LongToHandle(l)     ((HANDLE)(LONG_PTR)(l))
#define PtrToUlong(p)       ((ULONG)(ULONG_PTR)(p))
#define PtrToULong(p)       PtrToUlong(p)
#define PtrToLong(p)        ((LONG)(LONG_PTR)(p))
#define PtrToUint(p)        ((UINT)(UINT_PTR)(p))
#define PtrToInt(p)         ((INT)(INT_PTR)(p))
#define PtrToUshort(p)      ((unsigned short)(ULONG_PTR)(p))
#define PtrToShort(p)       ((short)(LONG_PTR)(p))
#define UlongToPtr(ul)      ((VOID *)(ULONG_PTR)(ULONG)(ul))
#define ULongToPtr(ul)      UlongToPtr(ul)
#define LongToPtr(l)        ((VOID *)(LONG_PTR)(LONG)(l))
#define UintToPtr(ui)       ((VOID *)(UINT_PTR)(UINT)(ui))
#define IntToPtr(i)         ((VOID *)(INT_PTR)(INT)(i))
#define PtrToPtr64(p)       ((void *)(p))
#define Ptr64ToPtr(p)       ((void *)(p))
#define HandleToHandle64(h) ((void *)(h))
#define Handle64ToHandle(h) ((void *)(h))

#endif
