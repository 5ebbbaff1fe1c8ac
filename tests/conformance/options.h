/*
 * options.h: what the files on socket options share: a row says where an option is legal, and a few
 * shapes of values are tried on a fresh socket of every category and family that the row names.
 */
#ifndef CONFORMANCE_OPTIONS_H
#define CONFORMANCE_OPTIONS_H

#include "objects.h"

/* Categories; basic sockets of both types. */
enum {
    BASIC_TCP = 1,
    BASIC_UDP = 2,
    LISTENER = 4,
    CONNECTED = 8,
    DATAGRAMS = 16,
    STREAMS = 32,
    TCP = LISTENER | CONNECTED | STREAMS,
    TCP_OR_BASIC = TCP | BASIC_TCP,
    UDP_OR_BASIC = DATAGRAMS | BASIC_UDP,
    BOUND = TCP | DATAGRAMS,
    EVERY = TCP_OR_BASIC | UDP_OR_BASIC
};
/* Families */
enum { V4 = 1, V6 = 2, BOTH = 3 };

typedef struct _ROW_OF_OPTION {
    ULONG Level, Option;
    ULONG Kinds, Families;
    ULONG Default; /* ANY: whatever the host has */
    BOOLEAN NeedsIrp;
    ULONG Values[4]; /* numbers: to be set and read; UNUSED ends them */
    ULONG Bad[3];    /* numbers that are no value of the option; UNUSED ends them */
} OPTION;

#define ANY    0xdeadbeefu
#define UNUSED 0xbadc0deu

static inline NTSTATUS OpenOf(ULONG Kind, ADDRESS_FAMILY Family, PWSK_SOCKET *Socket)
{
    BOOLEAN udp = (Kind & UDP_OR_BASIC) != 0;
    ULONG flags = Kind == LISTENER    ? WSK_FLAG_LISTEN_SOCKET
                  : Kind == CONNECTED ? WSK_FLAG_CONNECTION_SOCKET
                  : Kind == DATAGRAMS ? WSK_FLAG_DATAGRAM_SOCKET
                  : Kind == STREAMS   ? WSK_FLAG_STREAM_SOCKET
                                      : WSK_FLAG_BASIC_SOCKET;

    return Open(Family, udp ? SOCK_DGRAM : SOCK_STREAM, udp ? IPPROTO_UDP : IPPROTO_TCP, flags,
                NULL, NULL, Socket);
}

/* WskControlSocket without an IRP. */
static inline NTSTATUS Plain(PWSK_SOCKET Socket, WSK_CONTROL_SOCKET_TYPE Type, ULONG Code,
                             ULONG Level, PVOID In, SIZE_T InSize, PVOID Out, SIZE_T OutSize,
                             SIZE_T *Returned)
{
    return BASIC_OF(Socket)->WskControlSocket(Socket, Type, Code, Level, InSize, In, OutSize, Out,
                                              Returned, NULL);
}

static inline NTSTATUS Put1(PWSK_SOCKET s, const OPTION *o, ULONG Value, SIZE_T Size)
{
    ULONGLONG wide = Value;

    return SetOption(s, o->Level, o->Option, &wide, Size);
}

/* The value of a get of `Size` bytes, which must say that it wrote `Expected`. */
static inline ULONG Get1(PWSK_SOCKET s, const OPTION *o, SIZE_T Size, SIZE_T Expected)
{
    ULONGLONG value = 0xa5a5a5a5a5a5a5a5ull;
    SIZE_T returned = 99;
    NTSTATUS status = GetOption(s, o->Level, o->Option, &value, Size, &returned);

    if (status != STATUS_SUCCESS || returned != Expected)
        TestFail(__FILE__, __LINE__, "get of option %u, %u bytes: 0x%08x, %u bytes", o->Option,
                 (ULONG)Size, status, (ULONG)returned);
    for (SIZE_T i = Expected; i < sizeof(value); i++)
        if (((PUCHAR)&value)[i] != 0xa5)
            TestFail(__FILE__, __LINE__, "option %u: byte %u was written", o->Option, (ULONG)i);
    return Expected == 1 ? (UCHAR)value : (ULONG)value;
}

/* Without an IRP, and with room for nothing: D54, D55. */
static inline void CheckPlain(PWSK_SOCKET s, const OPTION *o, ULONG Value)
{
    ULONG in = Value, out = 77;
    SIZE_T returned = 99;

    CHECK_STATUS(Plain(s, WskSetOption, o->Option, o->Level, &in, sizeof(in), NULL, 0, &returned),
                 STATUS_SUCCESS);
    CHECK_EQ(returned, 0);
    CHECK_STATUS(Plain(s, WskGetOption, o->Option, o->Level, NULL, 0, &out, sizeof(out), &returned),
                 STATUS_SUCCESS);
    CHECK_EQ(returned, sizeof(out));
    CHECK_EQ(out, Value);
    CHECK_STATUS(Plain(s, WskGetOption, o->Option, o->Level, NULL, 0, NULL, 0, &returned),
                 STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(returned, sizeof(out));
}

/* D53: one byte to four or more are set; four are read if there is room, else one. */
static inline void CheckFlag(PWSK_SOCKET s, const OPTION *o)
{
    CHECK_EQ(Get1(s, o, 4, 4), o->Default);
    CHECK_STATUS(Put1(s, o, 1, 4), STATUS_SUCCESS);
    CHECK_EQ(Get1(s, o, 4, 4), 1);
    CHECK_EQ(Get1(s, o, 8, 4), 1);
    CHECK_EQ(Get1(s, o, 1, 1), 1);
    CHECK_EQ(Get1(s, o, 3, 1), 1);
    CHECK_STATUS(Put1(s, o, 0, 1), STATUS_SUCCESS);
    CHECK_EQ(Get1(s, o, 4, 4), 0);
    CHECK_STATUS(Put1(s, o, 0x100, 2), STATUS_SUCCESS);
    CHECK_EQ(Get1(s, o, 1, 1), 1);
    CHECK_STATUS(Put1(s, o, 0, 8), STATUS_SUCCESS);
    CHECK_EQ(Get1(s, o, 4, 4), 0);
    if (!TestFailed() && !o->NeedsIrp) {
        CheckPlain(s, o, 1);
        if (!TestFailed())
            CheckPlain(s, o, 0);
    }
}

static inline void CheckNumber(PWSK_SOCKET s, const OPTION *o)
{
    ULONG before = Get1(s, o, 4, 4), value = before;

    if (o->Default != ANY)
        CHECK_EQ(before, o->Default);
    for (ULONG i = 0; i < 4 && o->Values[i] != UNUSED; i++) {
        value = o->Values[i];
        CHECK_STATUS(Put1(s, o, value, 4), STATUS_SUCCESS);
        CHECK_EQ(Get1(s, o, 4, 4), value);
        CHECK_EQ(Get1(s, o, 8, 4), value);
    }
    for (ULONG i = 0; i < 3 && o->Bad[i] != UNUSED; i++) {
        CHECK_STATUS(Put1(s, o, o->Bad[i], 4), STATUS_INVALID_PARAMETER);
        CHECK_EQ(Get1(s, o, 4, 4), value);
    }
    if (!o->NeedsIrp)
        CheckPlain(s, o, o->Values[0]);
}

/* D56, and the rows of the contract that the host has nothing for. */
static inline void CheckUnsupported(PWSK_SOCKET s, const OPTION *o)
{
    ULONG value = 1;
    SIZE_T returned = 99;

    CHECK_STATUS(Put1(s, o, 1, 4), STATUS_NOT_SUPPORTED);
    CHECK_STATUS(GetOption(s, o->Level, o->Option, &value, sizeof(value), &returned),
                 STATUS_NOT_SUPPORTED);
    CHECK_EQ(returned, 0);
    CHECK_STATUS(Plain(s, WskSetOption, o->Option, o->Level, &value, sizeof(value), NULL, 0, NULL),
                 STATUS_NOT_SUPPORTED);
    CHECK_STATUS(
        Plain(s, WskGetOption, o->Option, o->Level, NULL, 0, &value, sizeof(value), &returned),
        STATUS_NOT_SUPPORTED);
    CHECK_EQ(returned, 0);
    CHECK_EQ(value, 1);
}

static inline void OnEach(const OPTION *o, void (*Check)(PWSK_SOCKET s, const OPTION *o))
{
    for (ULONG kind = 1; kind <= STREAMS; kind <<= 1) {
        for (ULONG family = V4; family <= V6; family <<= 1) {
            PWSK_SOCKET s;
            if (!(o->Kinds & kind) || !(o->Families & family))
                continue;
            CHECK_STATUS(OpenOf(kind, family == V4 ? AF_INET : AF_INET6, &s), STATUS_SUCCESS);
            Check(s, o);
            if (TestFailed()) {
                DbgPrint("with option %u of level %u on category %u, family %u:\n", o->Option,
                         o->Level, kind, family);
                return;
            }
            CHECK_STATUS(Close(s), STATUS_SUCCESS);
        }
    }
}

/* FLAG(level, option, categories, families, default), NUMBER(..., values, what is no value) */
#define OPTION_ROW(level, option, kinds, families, ...)                                            \
    const OPTION row = { level, (ULONG)(option), kinds, families, __VA_ARGS__ }
#define FLAG(level, option, kinds, families, on)                                                   \
    do {                                                                                           \
        OPTION_ROW(level, option, kinds, families, on, FALSE, { UNUSED }, { UNUSED });             \
        OnEach(&row, CheckFlag);                                                                   \
    } while (0)
#define FLAG_WITH_IRP(level, option, kinds, families, on)                                          \
    do {                                                                                           \
        OPTION_ROW(level, option, kinds, families, on, TRUE, { UNUSED }, { UNUSED });              \
        OnEach(&row, CheckFlag);                                                                   \
    } while (0)
#define VALUES(...)                                                                                \
    {                                                                                              \
        __VA_ARGS__, UNUSED                                                                        \
    }
#define NUMBER(level, option, kinds, families, start, values, bad)                                 \
    do {                                                                                           \
        OPTION_ROW(level, option, kinds, families, start, FALSE, values, bad);                     \
        OnEach(&row, CheckNumber);                                                                 \
    } while (0)
#define UNSUPPORTED(level, option)                                                                 \
    do {                                                                                           \
        OPTION_ROW(level, option, EVERY, BOTH, ANY, FALSE, { UNUSED }, { UNUSED });                \
        OnEach(&row, CheckUnsupported);                                                            \
    } while (0)

#endif
