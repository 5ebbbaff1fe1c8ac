/*
 * guiddef.h: the GUID type, DEFINE_GUID, and comparison.
 *
 * DEFINE_GUID declares a GUID; after <initguid.h> it defines it (weak, so any number of files may).
 */
#ifndef OPENWSK_GUIDDEF_H
#define OPENWSK_GUIDDEF_H

#include "compiler.h"

#ifndef GUID_DEFINED
#define GUID_DEFINED
typedef struct _GUID {
    unsigned int Data1;
    unsigned short Data2;
    unsigned short Data3;
    unsigned char Data4[8];
} GUID;
#endif
typedef GUID *LPGUID, *PGUID;
typedef const GUID *LPCGUID, *PCGUID;
typedef GUID IID, CLSID, FMTID, UUID;
typedef IID *LPIID;
typedef CLSID *LPCLSID;

#ifdef __cplusplus
#define REFGUID  const GUID &
#define REFIID   const IID &
#define REFCLSID const CLSID &
#define EXTERN_C extern "C"
#else
#define REFGUID  const GUID *
#define REFIID   const IID *
#define REFCLSID const CLSID *
#define EXTERN_C extern
#endif
#define GUID_NULL OW_GUID_NULL
static const GUID OW_GUID_NULL __attribute__((unused)) = { 0, 0, 0, { 0, 0, 0, 0, 0, 0, 0, 0 } };

#ifdef __cplusplus
OW_INLINE int InlineIsEqualGUID(REFGUID A, REFGUID B)
{
    return __builtin_memcmp(&A, &B, sizeof(GUID)) == 0;
}
OW_INLINE bool operator==(const GUID &A, const GUID &B)
{
    return __builtin_memcmp(&A, &B, sizeof(GUID)) == 0;
}
OW_INLINE bool operator!=(const GUID &A, const GUID &B)
{
    return !(A == B);
}
#else
OW_INLINE int InlineIsEqualGUID(REFGUID A, REFGUID B)
{
    return __builtin_memcmp(A, B, sizeof(GUID)) == 0;
}
#endif
#define IsEqualGUID(a, b)  InlineIsEqualGUID(a, b)
#define IsEqualIID(a, b)   InlineIsEqualGUID(a, b)
#define IsEqualCLSID(a, b) InlineIsEqualGUID(a, b)

#endif

/* Outside of the guard: <initguid.h> may come after the first inclusion. */
#undef DEFINE_GUID
#ifdef INITGUID
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8)                               \
    EXTERN_C const GUID name;                                                                      \
    EXTERN_C const GUID name __attribute__((weak));                                                \
    const GUID name = { l, w1, w2, { b1, b2, b3, b4, b5, b6, b7, b8 } }
#else
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) EXTERN_C const GUID name
#endif
