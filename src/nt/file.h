/*
 * file.h: file objects for the files of nt/ that offer them to drivers. `Mode` is whom the driver
 * is told the request is from.
 */
#ifndef OPENWSK_FILE_H
#define OPENWSK_FILE_H

#include "nt/iop.h"
#include "nt/ob.h"

NTSTATUS IopCreateFile(PCUNICODE_STRING Path, ACCESS_MASK Access, PFILE_OBJECT *File);
NTSTATUS IopControlFile(PFILE_OBJECT File, ULONG Major, ULONG Code, PVOID In, ULONG InSize,
                        PVOID Out, ULONG OutSize, KPROCESSOR_MODE Mode, PIO_STATUS_BLOCK Iosb);
/* IRP_MJ_READ or IRP_MJ_WRITE. */
NTSTATUS IopTransfer(PFILE_OBJECT File, ULONG Major, PVOID Buffer, ULONG Length, LONGLONG Offset,
                     KPROCESSOR_MODE Mode, PIO_STATUS_BLOCK Iosb);

#endif
