/*
 * wdm/base.h: what the parts of wdm.h share: names of structures, IRQLs, page size, versions,
 * bug check codes, and the hooks of the runtime that inline functions call.
 */
#ifndef OPENWSK_WDM_BASE_H
#define OPENWSK_WDM_BASE_H

#include "../ntdef.h"
#include "../ntstatus.h"

OW_BEGIN_C

typedef struct _KTHREAD *PKTHREAD, *PRKTHREAD;
typedef struct _ETHREAD *PETHREAD;
typedef struct _KPROCESS *PKPROCESS, *PRKPROCESS;
typedef struct _EPROCESS *PEPROCESS;
typedef struct _EJOB *PEJOB;
typedef struct _OBJECT_TYPE *POBJECT_TYPE;
typedef struct _DRIVER_OBJECT *PDRIVER_OBJECT;
typedef struct _DEVICE_OBJECT *PDEVICE_OBJECT;
typedef struct _FILE_OBJECT *PFILE_OBJECT;
typedef struct _IRP *PIRP;
typedef struct _MDL *PMDL;
typedef struct _IO_STACK_LOCATION *PIO_STACK_LOCATION;
typedef struct _ACCESS_STATE *PACCESS_STATE;
typedef struct _VPB *PVPB;
typedef struct _ADAPTER_OBJECT *PADAPTER_OBJECT;
typedef struct _CONTROLLER_OBJECT *PCONTROLLER_OBJECT;
typedef struct _CALLBACK_OBJECT *PCALLBACK_OBJECT;
typedef struct _IO_TIMER *PIO_TIMER;
typedef struct _IO_WORKITEM *PIO_WORKITEM;
typedef struct _EX_TIMER *PEX_TIMER;

typedef ULONG_PTR PFN_NUMBER, *PPFN_NUMBER;

typedef enum _MODE { KernelMode, UserMode, MaximumMode } MODE;

#define PASSIVE_LEVEL  0
#define LOW_LEVEL      0
#define APC_LEVEL      1
#define DISPATCH_LEVEL 2
#define CMCI_LEVEL     5
#define CLOCK_LEVEL    13
#define IPI_LEVEL      14
#define DRS_LEVEL      14
#define POWER_LEVEL    14
#define PROFILE_LEVEL  15
#define HIGH_LEVEL     15

#define PAGE_SIZE            0x1000
#define PAGE_SHIFT           12
#define PAGE_ALIGN(va)       ((PVOID)((ULONG_PTR)(va) & ~(ULONG_PTR)(PAGE_SIZE - 1)))
#define BYTE_OFFSET(va)      ((ULONG)((ULONG_PTR)(va) & (PAGE_SIZE - 1)))
#define ROUND_TO_PAGES(size) (((ULONG_PTR)(size) + PAGE_SIZE - 1) & ~(ULONG_PTR)(PAGE_SIZE - 1))
#define BYTES_TO_PAGES(size) (((size) >> PAGE_SHIFT) + (((size) & (PAGE_SIZE - 1)) != 0))
#define ADDRESS_AND_SIZE_TO_SPAN_PAGES(va, size)                                                   \
    ((BYTE_OFFSET(va) + ((SIZE_T)(size)) + (PAGE_SIZE - 1)) >> PAGE_SHIFT)
#define COMPUTE_PAGES_SPANNED(va, size)  ADDRESS_AND_SIZE_TO_SPAN_PAGES(va, size)
#define IS_PTR_ALIGNED(p, align)         ((((ULONG_PTR)(p)) & ((align)-1)) == 0)
#define ALIGN_DOWN_BY(length, alignment) ((ULONG_PTR)(length) & ~((ULONG_PTR)(alignment)-1))
#define ALIGN_UP_BY(length, alignment)                                                             \
    (ALIGN_DOWN_BY(((ULONG_PTR)(length) + (alignment)-1), alignment))
#define ALIGN_DOWN(length, type)            ALIGN_DOWN_BY(length, sizeof(type))
#define ALIGN_UP(length, type)              ALIGN_UP_BY(length, sizeof(type))
#define ALIGN_DOWN_POINTER_BY(p, alignment) ((PVOID)ALIGN_DOWN_BY(p, alignment))
#define ALIGN_UP_POINTER_BY(p, alignment)   ((PVOID)ALIGN_UP_BY(p, alignment))
#define ALIGN_DOWN_POINTER(p, type)         ((PVOID)ALIGN_DOWN(p, type))
#define ALIGN_UP_POINTER(p, type)           ((PVOID)ALIGN_UP(p, type))

#define MAXIMUM_PROCESSORS    64
#define MAXIMUM_WAIT_OBJECTS  64
#define THREAD_WAIT_OBJECTS   3
#define MAXIMUM_SUSPEND_COUNT MAXCHAR

#define LOW_PRIORITY          0
#define LOW_REALTIME_PRIORITY 16
#define HIGH_PRIORITY         31
#define MAXIMUM_PRIORITY      32

/* Processor and memory barriers. */
#define KeMemoryBarrier()             __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define KeMemoryBarrierWithoutFence() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define MemoryBarrier()               __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define _ReadWriteBarrier()           __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define _ReadBarrier()                __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define _WriteBarrier()               __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define YieldProcessor()              __builtin_ia32_pause()

/* ---- the runtime's part of inline functions ------------------------------------------------- */

/* Ends the run: an inline check found corrupt data. `Code` is a FAST_FAIL_ value. Any IRQL. */
OW_EXPORT __attribute__((noreturn)) void NTAPI openwsk_fast_fail(unsigned Code);
/* PAGED_CODE(): reports the driver when the IRQL is above APC_LEVEL. */
OW_EXPORT void NTAPI openwsk_paged_code(const char *Function, const char *File, unsigned Line);

#define FAST_FAIL_LEGACY_GS_VIOLATION        0
#define FAST_FAIL_STACK_COOKIE_CHECK_FAILURE 2
#define FAST_FAIL_CORRUPT_LIST_ENTRY         3
#define FAST_FAIL_INCORRECT_STACK            4
#define FAST_FAIL_INVALID_ARG                5
#define FAST_FAIL_FATAL_APP_EXIT             7
#define FAST_FAIL_RANGE_CHECK_FAILURE        8
#define FAST_FAIL_INVALID_REFERENCE_COUNT    14
#define __fastfail(code)                     openwsk_fast_fail(code)
#define RtlFailFast(code)                    openwsk_fast_fail(code)

#define PAGED_CODE()        openwsk_paged_code(__func__, __FILE__, __LINE__)
#define PAGED_CODE_LOCKED() ((void)0)

/* ---- assertions ----------------------------------------------------------------------------- */

/* Reports a failed assertion of the driver. Any IRQL. */
NTSYSAPI VOID NTAPI RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber,
                              PSTR Message);
#define OW_ASSERT(e, message)                                                                      \
    ((e) ? (void)0                                                                                 \
         : RtlAssert((PVOID)(ULONG_PTR) #e, (PVOID)(ULONG_PTR)__FILE__, __LINE__, message))
#ifndef ASSERT
#if DBG
#define ASSERT(e)                OW_ASSERT(e, NULL)
#define ASSERTMSG(message, e)    OW_ASSERT(e, (PSTR)(ULONG_PTR)(message))
#define RTL_SOFT_ASSERT(e)       OW_ASSERT(e, NULL)
#define RTL_SOFT_ASSERTMSG(m, e) OW_ASSERT(e, (PSTR)(ULONG_PTR)(m))
#define RTL_VERIFY(e)            OW_ASSERT(e, NULL)
#define RTL_VERIFYMSG(m, e)      OW_ASSERT(e, (PSTR)(ULONG_PTR)(m))
#define NT_ASSERT(e)             OW_ASSERT(e, NULL)
#define NT_ASSERTMSG(m, e)       OW_ASSERT(e, (PSTR)(ULONG_PTR)(m))
#define NT_ASSERTMSGW(m, e)      OW_ASSERT(e, NULL)
#define NT_VERIFY(e)             OW_ASSERT(e, NULL)
#define NT_VERIFYMSG(m, e)       OW_ASSERT(e, (PSTR)(ULONG_PTR)(m))
#define NT_FRE_ASSERT(e)         OW_ASSERT(e, NULL)
#else
#define ASSERT(e)                ((void)0)
#define ASSERTMSG(message, e)    ((void)0)
#define RTL_SOFT_ASSERT(e)       ((void)0)
#define RTL_SOFT_ASSERTMSG(m, e) ((void)0)
#define RTL_VERIFY(e)            ((e) ? TRUE : FALSE)
#define RTL_VERIFYMSG(m, e)      ((e) ? TRUE : FALSE)
#define NT_ASSERT(e)             ((void)0)
#define NT_ASSERTMSG(m, e)       ((void)0)
#define NT_ASSERTMSGW(m, e)      ((void)0)
#define NT_VERIFY(e)             ((e) ? TRUE : FALSE)
#define NT_VERIFYMSG(m, e)       ((e) ? TRUE : FALSE)
#define NT_FRE_ASSERT(e)         OW_ASSERT(e, NULL)
#endif
#define NT_ASSERT_ASSUME(e)   NT_ASSERT(e)
#define NT_ANALYSIS_ASSUME(e) ((void)0)
#endif

/* ---- small structures used everywhere ------------------------------------------------------- */

typedef struct _IO_STATUS_BLOCK {
    union {
        NTSTATUS Status;
        PVOID Pointer;
    };
    ULONG_PTR Information;
} IO_STATUS_BLOCK, *PIO_STATUS_BLOCK;

typedef enum _LOCK_OPERATION { IoReadAccess, IoWriteAccess, IoModifyAccess } LOCK_OPERATION;
typedef enum _MEMORY_CACHING_TYPE {
    MmNonCached = 0,
    MmCached = 1,
    MmWriteCombined = 2,
    MmHardwareCoherentCached,
    MmNonCachedUnordered,
    MmUSWCCached,
    MmMaximumCacheType,
    MmNotMapped = -1
} MEMORY_CACHING_TYPE;

/* Access rights. */
#define DELETE                    0x00010000
#define READ_CONTROL              0x00020000
#define WRITE_DAC                 0x00040000
#define WRITE_OWNER               0x00080000
#define SYNCHRONIZE               0x00100000
#define STANDARD_RIGHTS_REQUIRED  0x000F0000
#define STANDARD_RIGHTS_READ      READ_CONTROL
#define STANDARD_RIGHTS_WRITE     READ_CONTROL
#define STANDARD_RIGHTS_EXECUTE   READ_CONTROL
#define STANDARD_RIGHTS_ALL       0x001F0000
#define SPECIFIC_RIGHTS_ALL       0x0000FFFF
#define ACCESS_SYSTEM_SECURITY    0x01000000
#define MAXIMUM_ALLOWED           0x02000000
#define GENERIC_READ              0x80000000
#define GENERIC_WRITE             0x40000000
#define GENERIC_EXECUTE           0x20000000
#define GENERIC_ALL               0x10000000
#define EVENT_QUERY_STATE         0x0001
#define EVENT_MODIFY_STATE        0x0002
#define EVENT_ALL_ACCESS          (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0x3)
#define SEMAPHORE_MODIFY_STATE    0x0002
#define SEMAPHORE_ALL_ACCESS      (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0x3)
#define THREAD_ALL_ACCESS         (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0xFFFF)
#define PROCESS_ALL_ACCESS        (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0xFFFF)
#define THREAD_TERMINATE          0x0001
#define THREAD_SUSPEND_RESUME     0x0002
#define THREAD_ALERT              0x0004
#define THREAD_GET_CONTEXT        0x0008
#define THREAD_SET_CONTEXT        0x0010
#define THREAD_SET_INFORMATION    0x0020
#define THREAD_QUERY_INFORMATION  0x0040
#define PROCESS_DUP_HANDLE        0x0040
#define PROCESS_QUERY_INFORMATION 0x0400

typedef struct _GENERIC_MAPPING {
    ACCESS_MASK GenericRead;
    ACCESS_MASK GenericWrite;
    ACCESS_MASK GenericExecute;
    ACCESS_MASK GenericAll;
} GENERIC_MAPPING, *PGENERIC_MAPPING;

OW_END_C

#endif
