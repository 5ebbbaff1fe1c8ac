/*
 * rtlp.h: what the run-time library files of nt/ share: the formatter behind DbgPrint and the
 * printf family, Unicode transformations, names of codes, and the way into a bug check.
 */
#ifndef OPENWSK_RTLP_H
#define OPENWSK_RTLP_H

#include <limits.h>

#include <crt/openwsk_crt.h>

#include "nt/ki.h"

/* ---- Unicode (utf.c) ----------------------------------------------------------------------- */

#define RTLP_REPLACEMENT 0xfffdu

/*
 * One code point from text of `Count` units (at least 1). *Used receives how many units it took. A
 * malformed sequence yields RTLP_REPLACEMENT and sets *Bad (which may be NULL).
 */
ULONG RtlpDecodeUtf16(const WCHAR *Text, SIZE_T Count, SIZE_T *Used, BOOLEAN *Bad);
ULONG RtlpDecodeUtf8(const CHAR *Text, SIZE_T Count, SIZE_T *Used, BOOLEAN *Bad);
/* The units of a code point; the count, at most 2 or 4. */
ULONG RtlpEncodeUtf16(ULONG CodePoint, WCHAR Out[2]);
ULONG RtlpEncodeUtf8(ULONG CodePoint, CHAR Out[4]);

/* Paged pool for a string that the driver frees; Owner is the driver's caller. */
PVOID RtlpAllocateString(SIZE_T Bytes, const void *Owner);

/* Simple case mapping of one UTF-16 unit (string.c). */
WCHAR RtlpUpcase(WCHAR Unit);
WCHAR RtlpDowncase(WCHAR Unit);

/* ---- formatted text (format.c) ------------------------------------------------------------- */

/* What %!FUNC!, %!LEVEL! and %!FLAGS! stand for; the other WPP names take an argument. */
typedef struct _RTLP_TRACE {
    PCSTR Function;
    PCSTR Level;
    PCSTR Flags;
} RTLP_TRACE;

/*
 * Writes at most Room characters of the text, without a terminator; returns how many characters the
 * whole text has. Buffer may be NULL when Room is 0. Trace is NULL outside of WPP messages.
 */
SIZE_T RtlpFormatNarrow(PSTR Buffer, SIZE_T Room, PCSTR Format, OW_VA_LIST Args,
                        const RTLP_TRACE *Trace);
SIZE_T RtlpFormatWide(PWSTR Buffer, SIZE_T Room, PCWSTR Format, OW_VA_LIST Args);

/* ---- texts that may not fit their buffer, of either width (bounded.c) ---------------------- */

/* EINVAL, ERANGE and STRUNCATE of Microsoft's errno.h. */
enum { RTLP_INVALID = 22, RTLP_RANGE = 34, RTLP_CUT = 80 };

#define RTLP_TRUNCATE ((SIZE_T)-1)        /* a count that asks to cut what does not fit */
#define RTLP_ALL      (RTLP_TRUNCATE - 1) /* a count that does not */

/* As _vsnprintf: Count when it fits without the terminator, -1 when it was cut. */
int RtlpPrint(void *Buffer, BOOLEAN Wide, SIZE_T Count, const void *Format, OW_VA_LIST Args);
/* As _vsnprintf_s: always terminated; too little room empties the buffer, unless the caller asked
 * to cut. */
int RtlpPrintBounded(void *Buffer, BOOLEAN Wide, SIZE_T Size, SIZE_T Count, const void *Format,
                     OW_VA_LIST Args);
/* As strncpy_s, behind the Used units that are there: 0 or one of the numbers above. */
int RtlpCopyBounded(void *To, BOOLEAN Wide, SIZE_T Size, SIZE_T Used, const void *From,
                    SIZE_T Count);

/* ---- numbers as text (number.c) ------------------------------------------------------------ */

#define RTLP_NUMBER_CHARS 66 /* 2^64 in binary, a sign, a terminator */

/* Digits at the end of Text, terminated; the index of the first one. Only bases from 2 to 36 have
 * any. */
ULONG RtlpNumberText(ULONG64 Value, int Base, CHAR Text[RTLP_NUMBER_CHARS]);
/* The value of a digit, at most 35; a number that no base reaches when it is none. */
ULONG RtlpDigit(int Unit);

/* rand() begins as in a new process. */
void RtlpForgetSeed(void);

/* ---- names of codes (status.c, bugcheck.c) ------------------------------------------------- */

/* "STATUS_PENDING"; NULL for a value that has no name here. */
PCSTR RtlpStatusName(NTSTATUS Status);
/* "MEMORY_MANAGEMENT"; NULL likewise. */
PCSTR KiBugCheckName(ULONG Code);

#endif
