/*
 * routine.c: MmGetSystemRoutineAddress: the address of an exported routine by its name.
 *
 * routines.c has the table; it is a file of its own because it must not see the prototypes.
 */
#include "nt/routines.h"

#include "nt/ki.h"

static BOOLEAN Matches(PCUNICODE_STRING name, const char *other)
{
    ULONG chars = name->Length / sizeof(WCHAR);

    for (ULONG i = 0; i < chars; i++) {
        if (!other[i] || name->Buffer[i] != (WCHAR)(UCHAR)other[i])
            return FALSE;
    }
    return other[chars] == 0;
}

PVOID NTAPI MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName)
{
    DDI_ENTER(MmGetSystemRoutineAddress);

    for (const struct nt_routine *r = nt_routines; r->name; r++) {
        if (Matches(SystemRoutineName, r->name))
            return (PVOID)(ULONG_PTR)r->address;
    }
    return NULL;
}
