/*
 * ntstrsafe.h: strings with checked sizes. Cb functions count bytes, Cch functions characters; the
 * result always has a final zero.
 *
 * STATUS_INVALID_PARAMETER for a size of 0 or above NTSTRSAFE_MAX_CCH; STATUS_BUFFER_OVERFLOW when
 * the text was cut. Formats are Microsoft's; PASSIVE_LEVEL.
 */
#ifndef OPENWSK_NTSTRSAFE_H
#define OPENWSK_NTSTRSAFE_H
#define _NTSTRSAFE_H_INCLUDED_

#include "wdm.h"
#include "crt/openwsk_crt.h"

#define NTSTRSAFE_MAX_CCH                2147483647
#define NTSTRSAFE_MAX_LENGTH             (NTSTRSAFE_MAX_CCH - 1)
#define NTSTRSAFE_UNICODE_STRING_MAX_CCH (0xffff / sizeof(wchar_t))
#define STRSAFE_FILL_BEHIND_NULL         0x00000200
#define STRSAFE_IGNORE_NULLS             0x00000100
#define STRSAFE_FILL_ON_FAILURE          0x00000400
#define STRSAFE_NULL_ON_FAILURE          0x00000800
#define STRSAFE_NO_TRUNCATION            0x00001000
#define STRSAFE_ZERO_LENGTH_ON_FAILURE   STRSAFE_NULL_ON_FAILURE
typedef char *NTSTRSAFE_PSTR;
typedef const char *NTSTRSAFE_PCSTR;
typedef wchar_t *NTSTRSAFE_PWSTR;
typedef const wchar_t *NTSTRSAFE_PCWSTR;

/*
 * The same functions for char and wchar_t. Sizes in characters here; `x` is A or W.
 */
#define OW_STRSAFE(x, type, vprint)                                                                \
    OW_INLINE NTSTATUS RtlStringCchLength##x(const type *psz, size_t cchMax, size_t *pcchLength)   \
    {                                                                                              \
        size_t n = 0;                                                                              \
                                                                                                   \
        if (psz == NULL || cchMax > NTSTRSAFE_MAX_CCH)                                             \
            n = cchMax;                                                                            \
        while (n < cchMax && psz[n] != 0)                                                          \
            n++;                                                                                   \
        if (pcchLength != NULL)                                                                    \
            *pcchLength = n < cchMax ? n : 0;                                                      \
        return n < cchMax ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;                             \
    }                                                                                              \
    OW_INLINE NTSTATUS RtlStringCbLength##x(const type *psz, size_t cbMax, size_t *pcbLength)      \
    {                                                                                              \
        size_t n = 0;                                                                              \
        NTSTATUS status = RtlStringCchLength##x(psz, cbMax / sizeof(type), &n);                    \
                                                                                                   \
        if (pcbLength != NULL)                                                                     \
            *pcbLength = n * sizeof(type);                                                         \
        return status;                                                                             \
    }                                                                                              \
    OW_INLINE NTSTATUS RtlStringCchCopyN##x(type *pszDest, size_t cchDest, const type *pszSrc,     \
                                            size_t cchToCopy)                                      \
    {                                                                                              \
        size_t n = 0;                                                                              \
                                                                                                   \
        if (cchDest == 0 || cchDest > NTSTRSAFE_MAX_CCH)                                           \
            return STATUS_INVALID_PARAMETER;                                                       \
        for (; n < cchToCopy && pszSrc[n] != 0; n++) {                                             \
            if (n + 1 == cchDest) {                                                                \
                pszDest[n] = 0;                                                                    \
                return STATUS_BUFFER_OVERFLOW;                                                     \
            }                                                                                      \
            pszDest[n] = pszSrc[n];                                                                \
        }                                                                                          \
        pszDest[n] = 0;                                                                            \
        return STATUS_SUCCESS;                                                                     \
    }                                                                                              \
    OW_INLINE NTSTATUS RtlStringCchCopy##x(type *pszDest, size_t cchDest, const type *pszSrc)      \
    {                                                                                              \
        return RtlStringCchCopyN##x(pszDest, cchDest, pszSrc, NTSTRSAFE_MAX_CCH);                  \
    }                                                                                              \
    OW_INLINE NTSTATUS RtlStringCbCopy##x(type *pszDest, size_t cbDest, const type *pszSrc)        \
    {                                                                                              \
        return RtlStringCchCopy##x(pszDest, cbDest / sizeof(type), pszSrc);                        \
    }                                                                                              \
    OW_INLINE NTSTATUS RtlStringCbCopyN##x(type *pszDest, size_t cbDest, const type *pszSrc,       \
                                           size_t cbToCopy)                                        \
    {                                                                                              \
        return RtlStringCchCopyN##x(pszDest, cbDest / sizeof(type), pszSrc,                        \
                                    cbToCopy / sizeof(type));                                      \
    }                                                                                              \
    OW_INLINE NTSTATUS RtlStringCchCatN##x(type *pszDest, size_t cchDest, const type *pszSrc,      \
                                           size_t cchToAppend)                                     \
    {                                                                                              \
        size_t n;                                                                                  \
        NTSTATUS status = RtlStringCchLength##x(pszDest, cchDest, &n);                             \
                                                                                                   \
        if (!NT_SUCCESS(status))                                                                   \
            return status;                                                                         \
        return RtlStringCchCopyN##x(pszDest + n, cchDest - n, pszSrc, cchToAppend);                \
    }                                                                                              \
    OW_INLINE NTSTATUS RtlStringCchCat##x(type *pszDest, size_t cchDest, const type *pszSrc)       \
    {                                                                                              \
        return RtlStringCchCatN##x(pszDest, cchDest, pszSrc, NTSTRSAFE_MAX_CCH);                   \
    }                                                                                              \
    OW_INLINE NTSTATUS RtlStringCbCat##x(type *pszDest, size_t cbDest, const type *pszSrc)         \
    {                                                                                              \
        return RtlStringCchCat##x(pszDest, cbDest / sizeof(type), pszSrc);                         \
    }                                                                                              \
    OW_INLINE NTSTATUS RtlStringCbCatN##x(type *pszDest, size_t cbDest, const type *pszSrc,        \
                                          size_t cbToAppend)                                       \
    {                                                                                              \
        return RtlStringCchCatN##x(pszDest, cbDest / sizeof(type), pszSrc,                         \
                                   cbToAppend / sizeof(type));                                     \
    }                                                                                              \
    OW_INLINE NTSTATUS RtlStringCchVPrintf##x(type *pszDest, size_t cchDest,                       \
                                              const type *pszFormat, OW_VA_LIST argList)           \
    {                                                                                              \
        int n;                                                                                     \
                                                                                                   \
        if (cchDest == 0 || cchDest > NTSTRSAFE_MAX_CCH)                                           \
            return STATUS_INVALID_PARAMETER;                                                       \
        n = vprint(pszDest, cchDest - 1, pszFormat, argList);                                      \
        if (n < 0 || (size_t)n >= cchDest) {                                                       \
            pszDest[cchDest - 1] = 0;                                                              \
            return STATUS_BUFFER_OVERFLOW;                                                         \
        }                                                                                          \
        pszDest[n] = 0;                                                                            \
        return STATUS_SUCCESS;                                                                     \
    }                                                                                              \
    OW_INLINE NTSTATUS RtlStringCbVPrintf##x(type *pszDest, size_t cbDest, const type *pszFormat,  \
                                             OW_VA_LIST argList)                                   \
    {                                                                                              \
        return RtlStringCchVPrintf##x(pszDest, cbDest / sizeof(type), pszFormat, argList);         \
    }                                                                                              \
    static inline __attribute__((unused)) NTSTATUS NTAPI RtlStringCchPrintf##x(                    \
        type *pszDest, size_t cchDest, const type *pszFormat, ...)                                 \
    {                                                                                              \
        OW_VA_LIST arguments;                                                                      \
        NTSTATUS status;                                                                           \
                                                                                                   \
        OW_VA_START(arguments, pszFormat);                                                         \
        status = RtlStringCchVPrintf##x(pszDest, cchDest, pszFormat, arguments);                   \
        OW_VA_END(arguments);                                                                      \
        return status;                                                                             \
    }                                                                                              \
    static inline __attribute__((unused))                                                          \
    NTSTATUS NTAPI RtlStringCbPrintf##x(type *pszDest, size_t cbDest, const type *pszFormat, ...)  \
    {                                                                                              \
        OW_VA_LIST arguments;                                                                      \
        NTSTATUS status;                                                                           \
                                                                                                   \
        OW_VA_START(arguments, pszFormat);                                                         \
        status = RtlStringCbVPrintf##x(pszDest, cbDest, pszFormat, arguments);                     \
        OW_VA_END(arguments);                                                                      \
        return status;                                                                             \
    }                                                                                              \
    OW_INLINE NTSTATUS RtlStringCchVPrintfEx##x(type *pszDest, size_t cchDest, type **ppszDestEnd, \
                                                size_t *pcchRemaining, ULONG dwFlags,              \
                                                const type *pszFormat, OW_VA_LIST argList)         \
    {                                                                                              \
        NTSTATUS status = RtlStringCchVPrintf##x(pszDest, cchDest, pszFormat, argList);            \
        size_t n = 0;                                                                              \
                                                                                                   \
        if (status == STATUS_INVALID_PARAMETER)                                                    \
            return status;                                                                         \
        if (status != STATUS_SUCCESS &&                                                            \
            (dwFlags & (STRSAFE_NULL_ON_FAILURE | STRSAFE_NO_TRUNCATION)) != 0)                    \
            pszDest[0] = 0;                                                                        \
        while (pszDest[n] != 0)                                                                    \
            n++;                                                                                   \
        if (ppszDestEnd != NULL)                                                                   \
            *ppszDestEnd = pszDest + n;                                                            \
        if (pcchRemaining != NULL)                                                                 \
            *pcchRemaining = cchDest - n;                                                          \
        return status;                                                                             \
    }                                                                                              \
    static inline __attribute__((unused)) NTSTATUS NTAPI RtlStringCchPrintfEx##x(                  \
        type *pszDest, size_t cchDest, type **ppszDestEnd, size_t *pcchRemaining, ULONG dwFlags,   \
        const type *pszFormat, ...)                                                                \
    {                                                                                              \
        OW_VA_LIST arguments;                                                                      \
        NTSTATUS status;                                                                           \
                                                                                                   \
        OW_VA_START(arguments, pszFormat);                                                         \
        status = RtlStringCchVPrintfEx##x(pszDest, cchDest, ppszDestEnd, pcchRemaining, dwFlags,   \
                                          pszFormat, arguments);                                   \
        OW_VA_END(arguments);                                                                      \
        return status;                                                                             \
    }                                                                                              \
    static inline __attribute__((unused)) NTSTATUS NTAPI RtlStringCbPrintfEx##x(                   \
        type *pszDest, size_t cbDest, type **ppszDestEnd, size_t *pcbRemaining, ULONG dwFlags,     \
        const type *pszFormat, ...)                                                                \
    {                                                                                              \
        OW_VA_LIST arguments;                                                                      \
        NTSTATUS status;                                                                           \
                                                                                                   \
        OW_VA_START(arguments, pszFormat);                                                         \
        status = RtlStringCchVPrintfEx##x(pszDest, cbDest / sizeof(type), ppszDestEnd,             \
                                          pcbRemaining, dwFlags, pszFormat, arguments);            \
        OW_VA_END(arguments);                                                                      \
        if (pcbRemaining != NULL && status != STATUS_INVALID_PARAMETER)                            \
            *pcbRemaining *= sizeof(type);                                                         \
        return status;                                                                             \
    }

OW_STRSAFE(A, char, OW_CRT_NAME(_vsnprintf))
OW_STRSAFE(W, wchar_t, OW_CRT_NAME(_vsnwprintf))
#undef OW_STRSAFE

/* ---- UNICODE_STRING ------------------------------------------------------------------------- */

OW_INLINE NTSTATUS RtlUnicodeStringValidate(PCUNICODE_STRING SourceString)
{
    if (SourceString->Length % sizeof(WCHAR) != 0 ||
        SourceString->MaximumLength % sizeof(WCHAR) != 0 ||
        SourceString->Length > SourceString->MaximumLength ||
        (SourceString->Buffer == NULL && SourceString->MaximumLength != 0))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}
/* Describes a text up to its final zero. */
OW_INLINE NTSTATUS RtlUnicodeStringInit(PUNICODE_STRING DestinationString, PCWSTR pszSrc)
{
    size_t n = 0;
    NTSTATUS status = STATUS_SUCCESS;

    if (pszSrc != NULL)
        status = RtlStringCchLengthW(pszSrc, NTSTRSAFE_UNICODE_STRING_MAX_CCH, &n);
    if (!NT_SUCCESS(status))
        return status;
    DestinationString->Length = (USHORT)(n * sizeof(WCHAR));
    DestinationString->MaximumLength = pszSrc ? (USHORT)((n + 1) * sizeof(WCHAR)) : 0;
    DestinationString->Buffer = (PWSTR)pszSrc;
    return STATUS_SUCCESS;
}
/* Appends `count` characters after the first `At` bytes. */
OW_INLINE NTSTATUS OwUnicodeStringPut(PUNICODE_STRING String, USHORT At, PCWSTR Text, size_t Count)
{
    size_t room, i;
    NTSTATUS status = RtlUnicodeStringValidate(String);

    if (!NT_SUCCESS(status))
        return status;
    room = (String->MaximumLength - At) / sizeof(WCHAR);
    if (Count > room) {
        Count = room;
        status = STATUS_BUFFER_OVERFLOW;
    }
    for (i = 0; i < Count; i++)
        String->Buffer[At / sizeof(WCHAR) + i] = Text[i];
    String->Length = (USHORT)(At + Count * sizeof(WCHAR));
    return status;
}
OW_INLINE NTSTATUS RtlUnicodeStringCopyString(PUNICODE_STRING DestinationString, PCWSTR pszSrc)
{
    size_t n;
    NTSTATUS status = RtlStringCchLengthW(pszSrc, NTSTRSAFE_MAX_CCH, &n);

    return NT_SUCCESS(status) ? OwUnicodeStringPut(DestinationString, 0, pszSrc, n) : status;
}
OW_INLINE NTSTATUS RtlUnicodeStringCopy(PUNICODE_STRING DestinationString,
                                        PCUNICODE_STRING SourceString)
{
    return OwUnicodeStringPut(DestinationString, 0, SourceString->Buffer,
                              SourceString->Length / sizeof(WCHAR));
}
OW_INLINE NTSTATUS RtlUnicodeStringCatString(PUNICODE_STRING DestinationString, PCWSTR pszSrc)
{
    size_t n;
    NTSTATUS status = RtlStringCchLengthW(pszSrc, NTSTRSAFE_MAX_CCH, &n);

    return NT_SUCCESS(status)
               ? OwUnicodeStringPut(DestinationString, DestinationString->Length, pszSrc, n)
               : status;
}
OW_INLINE NTSTATUS RtlUnicodeStringCat(PUNICODE_STRING DestinationString,
                                       PCUNICODE_STRING SourceString)
{
    return OwUnicodeStringPut(DestinationString, DestinationString->Length, SourceString->Buffer,
                              SourceString->Length / sizeof(WCHAR));
}
OW_INLINE NTSTATUS RtlUnicodeStringVPrintf(PUNICODE_STRING DestinationString, PCWSTR pszFormat,
                                           OW_VA_LIST argList)
{
    size_t room = DestinationString->MaximumLength / sizeof(WCHAR);
    NTSTATUS status = RtlUnicodeStringValidate(DestinationString);
    int n;

    if (!NT_SUCCESS(status))
        return status;
    n = OW_CRT_NAME(_vsnwprintf)(DestinationString->Buffer, room, pszFormat, argList);
    if (n < 0 || (size_t)n > room) {
        n = (int)room;
        status = STATUS_BUFFER_OVERFLOW;
    }
    DestinationString->Length = (USHORT)((size_t)n * sizeof(WCHAR));
    return status;
}
static inline __attribute__((unused)) NTSTATUS NTAPI
RtlUnicodeStringPrintf(PUNICODE_STRING DestinationString, PCWSTR pszFormat, ...)
{
    OW_VA_LIST arguments;
    NTSTATUS status;

    OW_VA_START(arguments, pszFormat);
    status = RtlUnicodeStringVPrintf(DestinationString, pszFormat, arguments);
    OW_VA_END(arguments);
    return status;
}

#ifdef UNICODE
#define RtlStringCchLength RtlStringCchLengthW
#define RtlStringCchCopy   RtlStringCchCopyW
#define RtlStringCchPrintf RtlStringCchPrintfW
#define RtlStringCbPrintf  RtlStringCbPrintfW
#else
#define RtlStringCchLength RtlStringCchLengthA
#define RtlStringCchCopy   RtlStringCchCopyA
#define RtlStringCchPrintf RtlStringCchPrintfA
#define RtlStringCbPrintf  RtlStringCbPrintfA
#endif

#endif
