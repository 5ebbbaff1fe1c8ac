/*
 * ob.h: the object manager as the rest of nt/ and run/ see it.
 *
 * An object is a body that drivers hold a pointer to, with a header of ours in front of it: type,
 * reference count, name. Events, mutexes and the like that live in a driver's own memory are no
 * objects. Names live in one table; a path may lead through symbolic links and end inside of a
 * device (what is left over is the file's name).
 */
#ifndef OPENWSK_OB_H
#define OPENWSK_OB_H

#include "nt/ki.h"

/* What POBJECT_TYPE points to. Close and Delete may be NULL. */
struct _OBJECT_TYPE {
    PCSTR Name;
    /* The last handle to the body was closed. PASSIVE_LEVEL, no lock held. */
    void (*Close)(PVOID Body);
    /* The last reference is gone; the memory goes afterwards. No lock held. */
    void (*Delete)(PVOID Body);
    /* Delete needs PASSIVE_LEVEL: a worker thread does it when the last reference goes above. */
    BOOLEAN PassiveDelete;
};
typedef struct _OBJECT_TYPE OBJECT_TYPE;

extern OBJECT_TYPE ObpThreadType;
extern OBJECT_TYPE ObpProcessType;
extern OBJECT_TYPE ObpEventType;
extern OBJECT_TYPE ObpFileType;
extern OBJECT_TYPE ObpDriverType;
extern OBJECT_TYPE ObpDeviceType;
extern OBJECT_TYPE ObpSymbolicLinkType;
extern OBJECT_TYPE ObpKeyType;

/* In front of every body; for object.c, handle.c and name.c only. */
#define OBP_MAGIC 0x0b1ec70b1ec7ull
typedef struct _OBP_HEADER {
    ULONG64 Magic;
    POBJECT_TYPE Type;
    LONG64 References; /* atomic */
    LONG64 Handles;    /* atomic */
    struct _OBP_NAME *Name;
    WORK_QUEUE_ITEM Deletion;
} __attribute__((aligned(64))) OBP_HEADER;

static inline OBP_HEADER *ObpHeader(PVOID Body)
{
    return (OBP_HEADER *)Body - 1;
}

/* ---- bodies -------------------------------------------------------------------------------- */

/* A zeroed body with one reference; NULL without memory. Does not ask for the current thread. */
PVOID ObpAllocateBody(POBJECT_TYPE Type, SIZE_T Size);
/* Frees a body whatever its count, without Delete. Does not ask for the current thread. */
void ObpFreeBody(PVOID Body);
/* NULL: the address is no body of an object. */
POBJECT_TYPE ObpTypeOf(PVOID Body);
/* References the body unless its count is 0 already (then FALSE). */
BOOLEAN ObpReferenceSafe(PVOID Body);

/* ---- handles ------------------------------------------------------------------------------- */

/* The handle holds a reference of its own. `Owner` (an address in the driver) answers for it. */
NTSTATUS ObpCreateHandle(PVOID Body, POBJECT_TYPE Type, PHANDLE Handle, const void *Owner);
/* STATUS_INVALID_HANDLE when there is no such handle. */
NTSTATUS ObpCloseHandle(HANDLE Handle);
/* A referenced body; the type is checked unless NULL. */
NTSTATUS ObpReferenceHandle(HANDLE Handle, POBJECT_TYPE Type, PVOID *Body);
/* The next handles are those of a new process, unless one is still open. */
void ObpForgetHandles(void);

/* ---- names --------------------------------------------------------------------------------- */

/* Gives the body a name, which is copied; names differ without regard to case. The table holds no
 * reference: the object's Delete, or whoever made it, takes the name away. */
NTSTATUS ObpInsertName(PVOID Body, PCUNICODE_STRING Name);
/* No effect when the body has none. */
void ObpRemoveName(PVOID Body);
/* The name of a body; empty when it has none. Valid as long as the name is there. */
PCUNICODE_STRING ObpNameOf(PVOID Body);
/*
 * Follows the path, through symbolic links, to a referenced body. With `Rest` (at least
 * OBP_NAME_BYTES of room) what follows the name of a device is stored there; without, it is an
 * error. `Exact`: a symbolic link at the end is not followed.
 */
NTSTATUS ObpLookupName(PCUNICODE_STRING Path, POBJECT_TYPE Type, BOOLEAN Exact,
                       PUNICODE_STRING Rest, PVOID *Body);

/* The largest name, in bytes. */
#define OBP_NAME_BYTES 1024

#endif
