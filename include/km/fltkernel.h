/*
 * fltkernel.h: minifilters are out of scope; sources that include it for ntifs.h compile.
 */
#ifndef OPENWSK_FLTKERNEL_H
#define OPENWSK_FLTKERNEL_H

#include "ntifs.h"

#endif
