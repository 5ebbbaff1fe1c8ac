/*
 * cm.h: the registry as cm.c keeps it, for the Zw and Rtl functions in front of it.
 *
 * A tree of keys in memory, with \Registry\Machine above everything. It is filled from the command
 * line and by drivers, and is gone with the process. CmpLock protects the whole tree; pointers to
 * values are good under it only.
 */
#ifndef OPENWSK_CM_H
#define OPENWSK_CM_H

#include "nt/ki.h"
#include "nt/ob.h"

typedef struct _CMP_VALUE {
    LIST_ENTRY Link;
    ULONG Type;
    ULONG DataLength;
    PUCHAR Data;
    ULONG NameLength; /* bytes */
    WCHAR Name[];
} CMP_VALUE;

typedef struct _CMP_KEY {
    LIST_ENTRY Link; /* in the parent's Keys */
    LIST_ENTRY Keys;
    LIST_ENTRY Values;
    struct _CMP_KEY *Parent; /* NULL: the root, or deleted */
    LONG References;         /* the tree's, and one per open key object */
    BOOLEAN Deleted;
    LONGLONG WriteTime;
    ULONG NameLength; /* bytes */
    WCHAR Name[];
} CMP_KEY;

extern struct host_lock CmpLock;

/* ---- all of these with the lock held --------------------------------------------------------- */

/*
 * The key that the path leads to from `From` (NULL: the root; the path then starts with
 * \Registry). `Create` makes its last component when it is missing; *Created tells.
 */
NTSTATUS CmpFindKey(CMP_KEY *From, PCUNICODE_STRING Path, BOOLEAN Create, BOOLEAN *Created,
                    CMP_KEY **Key);
CMP_VALUE *CmpFindValue(CMP_KEY *Key, PCUNICODE_STRING Name);
/* The Index-th, counted from 0, in the order in which they were made; NULL when there are fewer. */
CMP_VALUE *CmpValueAt(CMP_KEY *Key, ULONG Index);
CMP_KEY *CmpKeyAt(CMP_KEY *Key, ULONG Index);
NTSTATUS CmpSetValue(CMP_KEY *Key, PCUNICODE_STRING Name, ULONG Type, const void *Data,
                     ULONG Length);
void CmpDeleteValue(CMP_KEY *Key, CMP_VALUE *Value);
/* STATUS_CANNOT_DELETE when there are keys below it. */
NTSTATUS CmpDeleteKey(CMP_KEY *Key);
void CmpReferenceKey(CMP_KEY *Key);
void CmpDereferenceKey(CMP_KEY *Key);
/* The length in bytes of the full path; writes at most Room bytes of it. */
ULONG CmpKeyPath(CMP_KEY *Key, WCHAR *Out, ULONG Room);

/* ---- without the lock ------------------------------------------------------------------------ */

/* The key of an open key object (a body of ObpKeyType). */
CMP_KEY *CmpKeyOf(PVOID Body);
/* A handle for a key object on the key, whose reference (taken under the lock) it takes over. */
NTSTATUS CmpOpenHandle(CMP_KEY *Key, PHANDLE Handle, const void *Owner);

#endif
