/*
 * ntifs.h: ntddk.h and what file system drivers use besides.
 */
#ifndef OPENWSK_NTIFS_H
#define OPENWSK_NTIFS_H
#define _NTIFS_

#include "ntddk.h"

#endif
