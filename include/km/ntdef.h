/*
 * ntdef.h: the types that everything in the kernel stands on.
 *
 * Integers (LLP64: LONG has 32 bits, WCHAR 16), strings, lists, object attributes, and the small
 * macros that go with them. Works in a driver and inside the runtime (OPENWSK_RUNTIME).
 */
#ifndef OPENWSK_NTDEF_H
#define OPENWSK_NTDEF_H
#define _NTDEF_

#include "compiler.h"
#include "sal.h"
#include "basetsd.h"
#include "guiddef.h"
#include "excpt.h"
#include "sdkddkver.h"

#ifndef CONST
#define CONST const
#endif
#ifndef VOID
#define VOID void
#endif
#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif
#ifndef ANYSIZE_ARRAY
#define ANYSIZE_ARRAY 1
#endif

/* ---- integers and characters ---------------------------------------------------------------- */

typedef void *PVOID;
typedef void *PVOID64;
typedef const void *PCVOID;
typedef void *HANDLE, **PHANDLE;
typedef char CHAR, *PCHAR, *LPCH, *PCH, *PNZCH, CCHAR, *PCCHAR;
typedef const char *PCNZCH, *LPCCH, *PCCH;
typedef char *PSZ, *NPSTR, *LPSTR, *PSTR;
typedef const char *PCSZ, *LPCSTR, *PCSTR;
typedef signed char SCHAR, *PSCHAR;
typedef unsigned char UCHAR, *PUCHAR;
typedef const unsigned char *PCUCHAR;
typedef short SHORT, *PSHORT, CSHORT, *PCSHORT;
typedef unsigned short USHORT, *PUSHORT;
typedef const unsigned short *PCUSHORT;
typedef int INT, *PINT, *LPINT;
typedef unsigned int UINT, *PUINT;
typedef int LONG, *PLONG;
typedef const int *PCLONG;
typedef unsigned int ULONG, *PULONG;
typedef const unsigned int *PCULONG;
typedef ULONG CLONG, LCID, *PLCID, LOGICAL, *PLOGICAL;
typedef USHORT LANGID;
typedef long long LONGLONG, *PLONGLONG;
typedef unsigned long long ULONGLONG, *PULONGLONG, DWORDLONG, *PDWORDLONG;
typedef LONGLONG USN;
typedef UCHAR BOOLEAN, *PBOOLEAN, FCHAR;
typedef float FLOAT, *PFLOAT;
typedef double DOUBLE;
typedef wchar_t WCHAR, *PWCHAR, *LPWCH, *PWCH, *NWPSTR, *LPWSTR, *PWSTR, *PNZWCH;
typedef const wchar_t *LPCWCH, *PCWCH, *LPCWSTR, *PCWSTR, *PCNZWCH;
typedef PWSTR *PZPWSTR;
typedef PCWSTR *PCZPWSTR;
typedef WCHAR *LPUWSTR, *PUWSTR;
typedef const WCHAR *LPCUWSTR, *PCUWSTR;
typedef WCHAR *PZZWSTR;
typedef const WCHAR *PCZZWSTR;
typedef unsigned short TBYTE;
typedef PVOID PSID;
typedef PVOID PSECURITY_DESCRIPTOR;
typedef ULONG ACCESS_MASK, *PACCESS_MASK;
typedef ULONG SECURITY_INFORMATION, *PSECURITY_INFORMATION;
typedef UCHAR KIRQL, *PKIRQL;
typedef CCHAR KPROCESSOR_MODE;
typedef ULONG_PTR KSPIN_LOCK, *PKSPIN_LOCK;
typedef LONG KPRIORITY;
typedef LONG NTSTATUS;
typedef NTSTATUS *PNTSTATUS;
typedef LONG HRESULT;

/* The types of windef.h that kernel sources use without including it. */
typedef unsigned char BYTE, *PBYTE, *LPBYTE;
typedef unsigned short WORD, *PWORD, *LPWORD;
typedef unsigned int DWORD, *PDWORD, *LPDWORD;
typedef int BOOL, *PBOOL, *LPBOOL;
typedef void *LPVOID;
typedef const void *LPCVOID;

#ifndef _WCHAR_T_DEFINED
#define _WCHAR_T_DEFINED
#endif
C_ASSERT(sizeof(LONG) == 4 && sizeof(LONGLONG) == 8 && sizeof(PVOID) == 8);
C_ASSERT(sizeof(WCHAR) == 2); /* needs -fshort-wchar */

#define MINCHAR      0x80
#define MAXCHAR      0x7f
#define MINSHORT     0x8000
#define MAXSHORT     0x7fff
#define MINLONG      0x80000000
#define MAXLONG      0x7fffffff
#define MAXUCHAR     0xff
#define MAXUSHORT    0xffff
#define MAXUINT8     ((UINT8) ~((UINT8)0))
#define MAXUINT16    ((UINT16) ~((UINT16)0))
#define MAXUINT32    ((UINT32) ~((UINT32)0))
#define MAXUINT64    ((UINT64) ~((UINT64)0))
#define MAXULONG     0xffffffff
#define MAXDWORD     0xffffffff
#define MAXBYTE      0xff
#define MAXWORD      0xffff
#define MAXLONGLONG  (0x7fffffffffffffffLL)
#define MINLONGLONG  (~MAXLONGLONG)
#define MAXULONGLONG (0xffffffffffffffffULL)

typedef union _LARGE_INTEGER {
    struct {
        ULONG LowPart;
        LONG HighPart;
    };
    struct {
        ULONG LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef union _ULARGE_INTEGER {
    struct {
        ULONG LowPart;
        ULONG HighPart;
    };
    struct {
        ULONG LowPart;
        ULONG HighPart;
    } u;
    ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;

typedef struct _LUID {
    ULONG LowPart;
    LONG HighPart;
} LUID, *PLUID;

typedef struct _QUAD {
    union {
        LONGLONG UseThisFieldToCopy;
        double DoNotUseThisField;
    };
} QUAD, *PQUAD, UQUAD, *PUQUAD;

typedef struct DECLSPEC_ALIGN(16) _M128A {
    ULONGLONG Low;
    LONGLONG High;
} M128A, *PM128A;

typedef struct _GROUP_AFFINITY {
    KAFFINITY Mask;
    USHORT Group;
    USHORT Reserved[3];
} GROUP_AFFINITY, *PGROUP_AFFINITY;

typedef enum {
    UNSPECIFIED_COMPARTMENT_ID = 0,
    DEFAULT_COMPARTMENT_ID
} COMPARTMENT_ID,
    *PCOMPARTMENT_ID;

typedef struct _PROCESSOR_NUMBER {
    USHORT Group;
    UCHAR Number;
    UCHAR Reserved;
} PROCESSOR_NUMBER, *PPROCESSOR_NUMBER;
#define ALL_PROCESSOR_GROUPS 0xffff

typedef enum _EVENT_TYPE { NotificationEvent, SynchronizationEvent } EVENT_TYPE;
typedef enum _TIMER_TYPE { NotificationTimer, SynchronizationTimer } TIMER_TYPE;
typedef enum _WAIT_TYPE { WaitAll, WaitAny, WaitNotification, WaitDequeue, WaitDpc } WAIT_TYPE;

/* ---- status --------------------------------------------------------------------------------- */

#define NT_SUCCESS(status)           (((NTSTATUS)(status)) >= 0)
#define NT_INFORMATION(status)       ((((ULONG)(status)) >> 30) == 1)
#define NT_WARNING(status)           ((((ULONG)(status)) >> 30) == 2)
#define NT_ERROR(status)             ((((ULONG)(status)) >> 30) == 3)
#define APPLICATION_ERROR_MASK       0x20000000
#define ERROR_SEVERITY_SUCCESS       0x00000000
#define ERROR_SEVERITY_INFORMATIONAL 0x40000000
#define ERROR_SEVERITY_WARNING       0x80000000
#define ERROR_SEVERITY_ERROR         0xc0000000

/* ---- strings -------------------------------------------------------------------------------- */

/* Length and MaximumLength count bytes, also for UNICODE_STRING. */
typedef struct _UNICODE_STRING {
    USHORT Length;
    USHORT MaximumLength;
    PWCH Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;
#define UNICODE_NULL             ((WCHAR)0)
#define UNICODE_STRING_MAX_BYTES ((USHORT)65534)
#define UNICODE_STRING_MAX_CHARS 32767

typedef struct _STRING {
    USHORT Length;
    USHORT MaximumLength;
    PCHAR Buffer;
} STRING, *PSTRING, ANSI_STRING, *PANSI_STRING, OEM_STRING, *POEM_STRING, UTF8_STRING,
    *PUTF8_STRING, CANSI_STRING;
typedef const STRING *PCSTRING, *PCANSI_STRING, *PCOEM_STRING, *PCUTF8_STRING;
#define ANSI_NULL ((CHAR)0)

typedef struct _CSTRING {
    USHORT Length;
    USHORT MaximumLength;
    const char *Buffer;
} CSTRING;

#define RTL_CONSTANT_STRING(s)                                                                     \
    {                                                                                              \
        sizeof(s) - sizeof((s)[0]), sizeof(s), OW_STRING_POINTER(s)                                \
    }
#ifdef __cplusplus
extern "C++" {
OW_INLINE constexpr PWCH OwStringPointer(const wchar_t *s)
{
    return const_cast<PWCH>(s);
}
OW_INLINE constexpr PCHAR OwStringPointer(const char *s)
{
    return const_cast<PCHAR>(s);
}
}
#define OW_STRING_POINTER(s) OwStringPointer(s)
#else
#define OW_STRING_POINTER(s) (void *)(s)
#endif
#define DECLARE_CONST_UNICODE_STRING(name, text)                                                   \
    const WCHAR name##_buffer[] = text;                                                            \
    const UNICODE_STRING name = { sizeof(text) - sizeof(WCHAR), sizeof(text), (PWCH)name##_buffer }
#define DECLARE_GLOBAL_CONST_UNICODE_STRING(name, text)                                            \
    extern const UNICODE_STRING name;                                                              \
    const UNICODE_STRING name __attribute__((weak)) = RTL_CONSTANT_STRING(text)
#define DECLARE_UNICODE_STRING_SIZE(name, size)                                                    \
    WCHAR name##_buffer[size];                                                                     \
    UNICODE_STRING name = { 0, (size) * sizeof(WCHAR), name##_buffer }

#ifndef TEXT
#ifdef UNICODE
#define TEXT(s) L##s
typedef WCHAR TCHAR, *PTCHAR;
#else
#define TEXT(s) s
typedef char TCHAR, *PTCHAR;
#endif
#endif

/* ---- lists ---------------------------------------------------------------------------------- */

typedef struct _LIST_ENTRY {
    struct _LIST_ENTRY *Flink;
    struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY, *PRLIST_ENTRY;

typedef struct _SINGLE_LIST_ENTRY {
    struct _SINGLE_LIST_ENTRY *Next;
} SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY;

/* ---- objects -------------------------------------------------------------------------------- */

typedef struct _OBJECT_ATTRIBUTES {
    ULONG Length;
    HANDLE RootDirectory;
    PUNICODE_STRING ObjectName;
    ULONG Attributes;
    PVOID SecurityDescriptor;
    PVOID SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;
typedef const OBJECT_ATTRIBUTES *PCOBJECT_ATTRIBUTES;

#define OBJ_INHERIT                       0x00000002
#define OBJ_PERMANENT                     0x00000010
#define OBJ_EXCLUSIVE                     0x00000020
#define OBJ_CASE_INSENSITIVE              0x00000040
#define OBJ_OPENIF                        0x00000080
#define OBJ_OPENLINK                      0x00000100
#define OBJ_KERNEL_HANDLE                 0x00000200
#define OBJ_FORCE_ACCESS_CHECK            0x00000400
#define OBJ_IGNORE_IMPERSONATED_DEVICEMAP 0x00000800
#define OBJ_DONT_REPARSE                  0x00001000
#define OBJ_VALID_ATTRIBUTES              0x00001ff2

#define InitializeObjectAttributes(p, n, a, r, s)                                                  \
    do {                                                                                           \
        (p)->Length = sizeof(OBJECT_ATTRIBUTES);                                                   \
        (p)->RootDirectory = (r);                                                                  \
        (p)->Attributes = (a);                                                                     \
        (p)->ObjectName = (PUNICODE_STRING)(n);                                                    \
        (p)->SecurityDescriptor = (s);                                                             \
        (p)->SecurityQualityOfService = NULL;                                                      \
    } while (0)
#define RTL_CONSTANT_OBJECT_ATTRIBUTES(n, a)                                                       \
    {                                                                                              \
        sizeof(OBJECT_ATTRIBUTES), NULL, (PUNICODE_STRING)(n), (a), NULL, NULL                     \
    }
#define RTL_INIT_OBJECT_ATTRIBUTES(n, a) RTL_CONSTANT_OBJECT_ATTRIBUTES(n, a)

/* ---- small macros --------------------------------------------------------------------------- */

#define FIELD_OFFSET(type, field)   ((LONG) __builtin_offsetof(type, field))
#define UFIELD_OFFSET(type, field)  ((ULONG) __builtin_offsetof(type, field))
#define RTL_FIELD_SIZE(type, field) (sizeof(((type *)0)->field))
#define FIELD_SIZE(type, field)     RTL_FIELD_SIZE(type, field)
#define RTL_SIZEOF_THROUGH_FIELD(type, field)                                                      \
    (__builtin_offsetof(type, field) + RTL_FIELD_SIZE(type, field))
#define RTL_CONTAINS_FIELD(s, size, field)                                                         \
    ((((PCHAR)(&(s)->field)) + sizeof((s)->field)) <= (((PCHAR)(s)) + (size)))
#define RTL_NUMBER_OF(a)    (sizeof(a) / sizeof((a)[0]))
#define RTL_NUMBER_OF_V1(a) RTL_NUMBER_OF(a)
#define RTL_NUMBER_OF_V2(a) RTL_NUMBER_OF(a)
#ifndef ARRAYSIZE
#define ARRAYSIZE(a) RTL_NUMBER_OF(a)
#endif
#ifndef _ARRAYSIZE
#define _ARRAYSIZE(a) RTL_NUMBER_OF(a)
#endif
#define RTL_NUMBER_OF_FIELD(type, field) RTL_NUMBER_OF(((type *)0)->field)
#define RTL_FIELD_TYPE(type, field)      (((type *)0)->field)
#define RTL_PADDING_BETWEEN_FIELDS(type, a, b)                                                     \
    ((FIELD_OFFSET(type, b) > FIELD_OFFSET(type, a))                                               \
         ? (FIELD_OFFSET(type, b) - FIELD_OFFSET(type, a) - RTL_FIELD_SIZE(type, a))               \
         : (FIELD_OFFSET(type, a) - FIELD_OFFSET(type, b) - RTL_FIELD_SIZE(type, b)))
#ifndef CONTAINING_RECORD
#define CONTAINING_RECORD(address, type, field)                                                    \
    ((type *)((PCHAR)(address) - (ULONG_PTR) __builtin_offsetof(type, field)))
#endif
#ifndef RTL_IS_POWER_OF_TWO
#define RTL_IS_POWER_OF_TWO(value) ((value) != 0 && !((value) & ((value)-1)))
#endif
#define RTL_BITS_OF(x)                 (sizeof(x) * 8)
#define RTL_BITS_OF_FIELD(type, field) (RTL_BITS_OF(RTL_FIELD_TYPE(type, field)))

#ifndef UNREFERENCED_PARAMETER
#define UNREFERENCED_PARAMETER(p)          ((void)(p))
#define DBG_UNREFERENCED_PARAMETER(p)      ((void)(p))
#define DBG_UNREFERENCED_LOCAL_VARIABLE(v) ((void)(v))
#endif

#define LOBYTE(w)      ((UCHAR)((ULONG_PTR)(w)&0xff))
#define HIBYTE(w)      ((UCHAR)(((ULONG_PTR)(w) >> 8) & 0xff))
#define LOWORD(l)      ((USHORT)((ULONG_PTR)(l)&0xffff))
#define HIWORD(l)      ((USHORT)(((ULONG_PTR)(l) >> 16) & 0xffff))
#define MAKEWORD(a, b) ((USHORT)(((UCHAR)(a)) | ((USHORT)((UCHAR)(b))) << 8))
#define MAKELONG(a, b) ((LONG)(((USHORT)(a)) | ((ULONG)((USHORT)(b))) << 16))

#define Int32x32To64(a, b)   ((LONGLONG)(LONG)(a) * (LONGLONG)(LONG)(b))
#define UInt32x32To64(a, b)  ((ULONGLONG)(ULONG)(a) * (ULONGLONG)(ULONG)(b))
#define Int64ShllMod32(a, b) ((ULONGLONG)(a) << (b))
#define Int64ShraMod32(a, b) ((LONGLONG)(a) >> (b))
#define Int64ShrlMod32(a, b) ((ULONGLONG)(a) >> (b))

#if !defined(NOMINMAX) && !defined(OPENWSK_RUNTIME) && !defined(__cplusplus)
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif
#ifndef max
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif
#endif

#define EXTERN_C_START OW_BEGIN_C
#define EXTERN_C_END   OW_END_C

#ifdef __cplusplus
#define DEFINE_ENUM_FLAG_OPERATORS(E)                                                              \
    extern "C++" {                                                                                 \
    OW_INLINE constexpr E operator|(E a, E b)                                                      \
    {                                                                                              \
        return E((int)a | (int)b);                                                                 \
    }                                                                                              \
    OW_INLINE constexpr E operator&(E a, E b)                                                      \
    {                                                                                              \
        return E((int)a & (int)b);                                                                 \
    }                                                                                              \
    OW_INLINE constexpr E operator^(E a, E b)                                                      \
    {                                                                                              \
        return E((int)a ^ (int)b);                                                                 \
    }                                                                                              \
    OW_INLINE constexpr E operator~(E a)                                                           \
    {                                                                                              \
        return E(~(int)a);                                                                         \
    }                                                                                              \
    OW_INLINE E &operator|=(E &a, E b)                                                             \
    {                                                                                              \
        return a = a | b;                                                                          \
    }                                                                                              \
    OW_INLINE E &operator&=(E &a, E b)                                                             \
    {                                                                                              \
        return a = a & b;                                                                          \
    }                                                                                              \
    OW_INLINE E &operator^=(E &a, E b)                                                             \
    {                                                                                              \
        return a = a ^ b;                                                                          \
    }                                                                                              \
    }
#else
#define DEFINE_ENUM_FLAG_OPERATORS(E)
#endif

#endif
