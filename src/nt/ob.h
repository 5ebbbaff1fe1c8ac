/*
 * ob.h: objects and handles for the files of nt/ that have objects of their own (threads, devices,
 * drivers, keys). object.c implements it.
 *
 * An object is a body behind a header that drivers do not see; the body's address is the object.
 */
#ifndef OPENWSK_OB_H
#define OPENWSK_OB_H

#include "nt/ki.h"

/*
 * A zeroed body of that type, aligned to 16, with one reference, which is the caller's. NULL when
 * there is no memory. Asks for nothing of the current thread: KiAdoptThread uses it.
 */
PVOID ObpAllocateBody(POBJECT_TYPE Type, size_t Size);
/* Frees a body whatever its count is, without asking for the current thread. */
void ObpFreeBody(PVOID Body);

/* A handle for the object, which gets a reference of its own. `Owner`: an address in the driver. */
NTSTATUS ObpCreateHandle(PVOID Body, POBJECT_TYPE Type, PHANDLE Handle, const void *Owner);
NTSTATUS ObpCloseHandle(HANDLE Handle);

#endif
