/*
 * minwindef.h: the Win32 spellings of basic types that sources shared with user mode use.
 */
#ifndef OPENWSK_MINWINDEF_H
#define OPENWSK_MINWINDEF_H

#include "ntdef.h"

#ifndef FAR
#define FAR
#endif
#ifndef NEAR
#define NEAR
#endif
#ifndef far
#define far
#endif
#ifndef near
#define near
#endif
#ifndef MAX_PATH
#define MAX_PATH 260
#endif
typedef LONG *LPLONG;
typedef UINT_PTR WPARAM;
typedef LONG_PTR LPARAM;
typedef LONG_PTR LRESULT;
typedef FLOAT *LPFLOAT;
typedef HANDLE HINSTANCE, HMODULE, HGLOBAL, HLOCAL, HWND, HKEY;
typedef HKEY *PHKEY;
typedef WORD ATOM;
typedef struct _FILETIME {
    DWORD dwLowDateTime;
    DWORD dwHighDateTime;
} FILETIME, *PFILETIME, *LPFILETIME;

#endif
