/*
 * nspapi.h: the name spaces of WskGetAddressInfo are in ws2def.h; BLOB is here.
 */
#ifndef OPENWSK_NSPAPI_H
#define OPENWSK_NSPAPI_H

#include "ws2def.h"

typedef struct _BLOB {
    ULONG cbSize;
    UCHAR *pBlobData;
} BLOB, *LPBLOB;

#endif
