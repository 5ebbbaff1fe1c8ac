/*
 * crt/openwsk_crt.h: the C run-time of the kernel, for drivers and for the runtime that has it.
 *
 * In a driver each function has its usual name and the symbol openwsk_<name>; in the runtime the
 * name is openwsk_<name>. So neither interposes on the host's C library, whose namesakes differ
 * (16-bit wchar_t, Microsoft's formats, 32-bit long). Memory and narrow string functions that do
 * not differ are in string.h, under their own names. Any IRQL, except that formats with wide
 * strings want PASSIVE_LEVEL.
 */
#ifndef OPENWSK_CRT_H
#define OPENWSK_CRT_H

/* The compilers know other types for some of these names. */
#pragma GCC system_header

#include "../ntdef.h"

OW_BEGIN_C

#ifdef OPENWSK_RUNTIME
#define OW_CRT_NAME(name)              openwsk_##name
#define OW_CRT(type, name, parameters) OW_EXPORT type NTAPI openwsk_##name parameters
#else
#define OW_CRT_NAME(name)              name
#define OW_CRT(type, name, parameters) type NTAPI name parameters __asm__("openwsk_" #name)
#endif

typedef int(NTAPI *OW_CRT_COMPARE)(const void *, const void *);

/* ---- formats: as Microsoft's; sizes in characters ------------------------------------------- */

OW_CRT(int, sprintf, (char *buffer, const char *format, ...));
OW_CRT(int, vsprintf, (char *buffer, const char *format, OW_VA_LIST arguments));
/* C99's, as the newer run-times of Windows have them: always a final zero, the length needed. */
OW_CRT(int, snprintf, (char *buffer, size_t size, const char *format, ...));
OW_CRT(int, vsnprintf, (char *buffer, size_t size, const char *format, OW_VA_LIST arguments));
OW_CRT(int, sscanf, (const char *buffer, const char *format, ...));
OW_CRT(int, swprintf, (wchar_t * buffer, const wchar_t *format, ...));
OW_CRT(int, vswprintf, (wchar_t * buffer, const wchar_t *format, OW_VA_LIST arguments));
/* Microsoft's: no final zero when the text fills the buffer; -1 when it does not fit. */
OW_CRT(int, _snprintf, (char *buffer, size_t size, const char *format, ...));
OW_CRT(int, _vsnprintf, (char *buffer, size_t size, const char *format, OW_VA_LIST arguments));
OW_CRT(int, _snwprintf, (wchar_t * buffer, size_t size, const wchar_t *format, ...));
OW_CRT(int, _vsnwprintf,
       (wchar_t * buffer, size_t size, const wchar_t *format, OW_VA_LIST arguments));
OW_CRT(int, _scprintf, (const char *format, ...));
OW_CRT(int, _vscprintf, (const char *format, OW_VA_LIST arguments));
OW_CRT(int, _scwprintf, (const wchar_t *format, ...));
OW_CRT(int, _vscwprintf, (const wchar_t *format, OW_VA_LIST arguments));
OW_CRT(int, sprintf_s, (char *buffer, size_t size, const char *format, ...));
OW_CRT(int, vsprintf_s, (char *buffer, size_t size, const char *format, OW_VA_LIST arguments));
OW_CRT(int, swprintf_s, (wchar_t * buffer, size_t size, const wchar_t *format, ...));
OW_CRT(int, vswprintf_s,
       (wchar_t * buffer, size_t size, const wchar_t *format, OW_VA_LIST arguments));
OW_CRT(int, _snprintf_s, (char *buffer, size_t size, size_t count, const char *format, ...));
OW_CRT(int, _vsnprintf_s,
       (char *buffer, size_t size, size_t count, const char *format, OW_VA_LIST arguments));
OW_CRT(int, _snwprintf_s,
       (wchar_t * buffer, size_t size, size_t count, const wchar_t *format, ...));
OW_CRT(int, _vsnwprintf_s,
       (wchar_t * buffer, size_t size, size_t count, const wchar_t *format, OW_VA_LIST arguments));

/* ---- wide strings --------------------------------------------------------------------------- */

OW_CRT(size_t, wcslen, (const wchar_t *s));
OW_CRT(size_t, wcsnlen, (const wchar_t *s, size_t size));
OW_CRT(wchar_t *, wcscpy, (wchar_t * d, const wchar_t *s));
OW_CRT(wchar_t *, wcsncpy, (wchar_t * d, const wchar_t *s, size_t n));
OW_CRT(wchar_t *, wcscat, (wchar_t * d, const wchar_t *s));
OW_CRT(wchar_t *, wcsncat, (wchar_t * d, const wchar_t *s, size_t n));
OW_CRT(int, wcscmp, (const wchar_t *a, const wchar_t *b));
OW_CRT(int, wcsncmp, (const wchar_t *a, const wchar_t *b, size_t n));
OW_CRT(wchar_t *, wcschr, (const wchar_t *s, wchar_t c));
OW_CRT(wchar_t *, wcsrchr, (const wchar_t *s, wchar_t c));
OW_CRT(wchar_t *, wcsstr, (const wchar_t *s, const wchar_t *part));
OW_CRT(size_t, wcsspn, (const wchar_t *s, const wchar_t *set));
OW_CRT(size_t, wcscspn, (const wchar_t *s, const wchar_t *set));
OW_CRT(wchar_t *, wcspbrk, (const wchar_t *s, const wchar_t *set));
OW_CRT(wchar_t *, wmemcpy, (wchar_t * d, const wchar_t *s, size_t n));
OW_CRT(wchar_t *, wmemset, (wchar_t * d, wchar_t c, size_t n));
OW_CRT(int, wmemcmp, (const wchar_t *a, const wchar_t *b, size_t n));
OW_CRT(LONG, wcstol, (const wchar_t *s, wchar_t **end, int base));
OW_CRT(ULONG, wcstoul, (const wchar_t *s, wchar_t **end, int base));
OW_CRT(wchar_t, towupper, (wchar_t c));
OW_CRT(wchar_t, towlower, (wchar_t c));
OW_CRT(int, iswctype, (wchar_t c, unsigned short type));
OW_CRT(int, iswdigit, (wchar_t c));
OW_CRT(int, iswspace, (wchar_t c));
OW_CRT(int, iswalpha, (wchar_t c));
OW_CRT(int, iswalnum, (wchar_t c));
OW_CRT(int, iswxdigit, (wchar_t c));
OW_CRT(size_t, mbstowcs, (wchar_t * d, const char *s, size_t n));
OW_CRT(size_t, wcstombs, (char *d, const wchar_t *s, size_t n));
OW_CRT(int, mbtowc, (wchar_t * d, const char *s, size_t n));
OW_CRT(int, wctomb, (char *d, wchar_t c));
OW_CRT(int, _wcsicmp, (const wchar_t *a, const wchar_t *b));
OW_CRT(int, _wcsnicmp, (const wchar_t *a, const wchar_t *b, size_t n));
OW_CRT(wchar_t *, _wcslwr, (wchar_t * s));
OW_CRT(wchar_t *, _wcsupr, (wchar_t * s));
OW_CRT(wchar_t *, _wcsrev, (wchar_t * s));
OW_CRT(wchar_t *, _wcsnset, (wchar_t * s, wchar_t c, size_t n));
OW_CRT(int, _wtoi, (const wchar_t *s));
OW_CRT(LONG, _wtol, (const wchar_t *s));
OW_CRT(LONGLONG, _wtoi64, (const wchar_t *s));
OW_CRT(ULONGLONG, _wcstoui64, (const wchar_t *s, wchar_t **end, int base));
OW_CRT(wchar_t *, _itow, (int value, wchar_t *s, int base));
OW_CRT(wchar_t *, _ultow, (ULONG value, wchar_t *s, int base));
OW_CRT(int, wcscpy_s, (wchar_t * d, size_t size, const wchar_t *s));
OW_CRT(int, wcsncpy_s, (wchar_t * d, size_t size, const wchar_t *s, size_t n));
OW_CRT(int, wcscat_s, (wchar_t * d, size_t size, const wchar_t *s));
OW_CRT(int, wcsncat_s, (wchar_t * d, size_t size, const wchar_t *s, size_t n));

/* ---- narrow strings and memory: only Microsoft has these ------------------------------------ */

OW_CRT(int, _stricmp, (const char *a, const char *b));
OW_CRT(int, _strnicmp, (const char *a, const char *b, size_t n));
OW_CRT(int, _strcmpi, (const char *a, const char *b));
OW_CRT(char *, _strlwr, (char *s));
OW_CRT(char *, _strupr, (char *s));
OW_CRT(char *, _strrev, (char *s));
OW_CRT(char *, _strset, (char *s, int c));
OW_CRT(char *, _strnset, (char *s, int c, size_t n));
OW_CRT(void *, _memccpy, (void *d, const void *s, int c, size_t n));
OW_CRT(int, _memicmp, (const void *a, const void *b, size_t n));
OW_CRT(int, memcpy_s, (void *d, size_t size, const void *s, size_t n));
OW_CRT(int, memmove_s, (void *d, size_t size, const void *s, size_t n));
OW_CRT(int, strcpy_s, (char *d, size_t size, const char *s));
OW_CRT(int, strncpy_s, (char *d, size_t size, const char *s, size_t n));
OW_CRT(int, strcat_s, (char *d, size_t size, const char *s));
OW_CRT(int, strncat_s, (char *d, size_t size, const char *s, size_t n));
OW_CRT(char *, strtok_s, (char *s, const char *set, char **context));
OW_CRT(char *, _itoa, (int value, char *s, int base));
OW_CRT(char *, _ltoa, (LONG value, char *s, int base));
OW_CRT(char *, _ultoa, (ULONG value, char *s, int base));
OW_CRT(char *, _i64toa, (LONGLONG value, char *s, int base));
OW_CRT(char *, _ui64toa, (ULONGLONG value, char *s, int base));
OW_CRT(LONGLONG, _atoi64, (const char *s));
OW_CRT(ULONGLONG, _strtoui64, (const char *s, char **end, int base));
OW_CRT(LONGLONG, _strtoi64, (const char *s, char **end, int base));
OW_CRT(LONG, strtol, (const char *s, char **end, int base));
OW_CRT(ULONG, strtoul, (const char *s, char **end, int base));
OW_CRT(LONG, atol, (const char *s));
OW_CRT(int, atoi, (const char *s));
OW_CRT(void, qsort, (void *base, size_t count, size_t size, OW_CRT_COMPARE compare));
OW_CRT(void *, bsearch,
       (const void *key, const void *base, size_t count, size_t size, OW_CRT_COMPARE compare));
OW_CRT(wchar_t *, _ltow, (LONG value, wchar_t *s, int base));
OW_CRT(wchar_t *, _i64tow, (LONGLONG value, wchar_t *s, int base));
OW_CRT(wchar_t *, _ui64tow, (ULONGLONG value, wchar_t *s, int base));
OW_CRT(LONGLONG, _wcstoi64, (const wchar_t *s, wchar_t **end, int base));
OW_CRT(int, rand, (void));
OW_CRT(void, srand, (unsigned seed));

#ifdef OPENWSK_RUNTIME
/* ---- for imports of .sys files; drivers from source have the host's, or inline ones --------- */

OW_CRT(void *, memcpy, (void *d, const void *s, size_t n));
OW_CRT(void *, memmove, (void *d, const void *s, size_t n));
OW_CRT(void *, memset, (void *d, int c, size_t n));
OW_CRT(int, memcmp, (const void *a, const void *b, size_t n));
OW_CRT(void *, memchr, (const void *s, int c, size_t n));
OW_CRT(size_t, strlen, (const char *s));
OW_CRT(size_t, strnlen, (const char *s, size_t size));
OW_CRT(char *, strcpy, (char *d, const char *s));
OW_CRT(char *, strncpy, (char *d, const char *s, size_t n));
OW_CRT(char *, strcat, (char *d, const char *s));
OW_CRT(char *, strncat, (char *d, const char *s, size_t n));
OW_CRT(int, strcmp, (const char *a, const char *b));
OW_CRT(int, strncmp, (const char *a, const char *b, size_t n));
OW_CRT(char *, strchr, (const char *s, int c));
OW_CRT(char *, strrchr, (const char *s, int c));
OW_CRT(char *, strstr, (const char *s, const char *part));
OW_CRT(size_t, strspn, (const char *s, const char *set));
OW_CRT(size_t, strcspn, (const char *s, const char *set));
OW_CRT(char *, strpbrk, (const char *s, const char *set));
OW_CRT(int, isdigit, (int c));
OW_CRT(int, isupper, (int c));
OW_CRT(int, islower, (int c));
OW_CRT(int, isalpha, (int c));
OW_CRT(int, isalnum, (int c));
OW_CRT(int, isxdigit, (int c));
OW_CRT(int, isspace, (int c));
OW_CRT(int, isprint, (int c));
OW_CRT(int, toupper, (int c));
OW_CRT(int, tolower, (int c));
#endif

OW_END_C

#endif
