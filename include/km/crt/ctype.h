/*
 * crt/ctype.h: <ctype.h> of a driver, for the ASCII characters.
 */
#ifndef OPENWSK_CRT_CTYPE_H
#define OPENWSK_CRT_CTYPE_H

#include "openwsk_crt.h"

OW_INLINE int OwIsRange(int c, int first, int last)
{
    return c >= first && c <= last;
}
#define isdigit(c)   OwIsRange((c), '0', '9')
#define isupper(c)   OwIsRange((c), 'A', 'Z')
#define islower(c)   OwIsRange((c), 'a', 'z')
#define isalpha(c)   OwIsRange((c) | 32, 'a', 'z')
#define isprint(c)   OwIsRange((c), ' ', '~')
#define isgraph(c)   OwIsRange((c), '!', '~')
#define iscntrl(c)   (!OwIsRange((c), ' ', '~') && OwIsRange((c), 0, 127))
#define __isascii(c) OwIsRange((c), 0, 127)
#define isascii(c)   OwIsRange((c), 0, 127)
OW_INLINE int isalnum(int c)
{
    return isalpha(c) || isdigit(c);
}
OW_INLINE int isspace(int c)
{
    return c == ' ' || OwIsRange(c, '\t', '\r');
}
OW_INLINE int isxdigit(int c)
{
    return isdigit(c) || OwIsRange(c | 32, 'a', 'f');
}
OW_INLINE int ispunct(int c)
{
    return isgraph(c) && !isalnum(c);
}
OW_INLINE int toupper(int c)
{
    return islower(c) ? c - 32 : c;
}
OW_INLINE int tolower(int c)
{
    return isupper(c) ? c + 32 : c;
}
#define _toupper(c) toupper(c)
#define _tolower(c) tolower(c)

#endif
