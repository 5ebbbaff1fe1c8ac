/*
 * crt/wchar.h: <wchar.h> of a driver: 16-bit characters.
 */
#ifndef OPENWSK_CRT_WCHAR_H
#define OPENWSK_CRT_WCHAR_H

#include "openwsk_crt.h"

typedef unsigned short wint_t;
typedef unsigned short wctype_t;
#define WEOF ((wint_t)0xffff)

#endif
