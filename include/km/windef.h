/* windef.h: what a driver can use of it is in minwindef.h and ntdef.h. */
#ifndef OPENWSK_WINDEF_H
#define OPENWSK_WINDEF_H
#include "minwindef.h"
#endif
