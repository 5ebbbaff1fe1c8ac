/*
 * crt/stdio.h: <stdio.h> of a driver: formats into buffers, no files.
 */
#ifndef OPENWSK_CRT_STDIO_H
#define OPENWSK_CRT_STDIO_H

#include "openwsk_crt.h"

#define _TRUNCATE ((size_t)-1)
#ifndef EOF
#define EOF (-1)
#endif

#endif
