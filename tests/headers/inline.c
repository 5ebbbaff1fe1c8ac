/*
 * inline.c: what the headers do themselves: interlocked operations of every width, lists, checked
 * arithmetic, control message macros, characters. Compiled as C and as C++ in a driver's setting;
 * ends with the line of the first check that fails.
 */
#include <ntifs.h>
#include <ntintsafe.h>
#include <wsk.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C"
#endif
    __attribute__((noreturn)) void
    _exit(int);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            _exit(__LINE__ > 250 ? 250 : __LINE__);                                                \
    } while (0)

void NTAPI openwsk_fast_fail(unsigned Code)
{
    _exit((int)Code);
}

typedef struct _ITEM {
    int Number;
    LIST_ENTRY Link;
} ITEM;

static void Interlocked(void)
{
    volatile LONG n = 0;
    volatile long wide = 0; /* 64 bits here; drivers mean LONG */
    volatile LONG64 n64 = 0xffffffff;
    volatile SHORT n16 = 5;
    PVOID p = NULL, q = &p;
    LONG bits = 0;

    CHECK(InterlockedDecrement(&n) == -1 && InterlockedIncrement(&n) == 0);
    CHECK(InterlockedDecrement(&wide) == -1 && wide == -1);
    CHECK(InterlockedIncrement64(&n64) == 0x100000000);
    CHECK(InterlockedExchange(&n, 7) == 0 && InterlockedExchangeAdd(&n, 3) == 7);
    CHECK(InterlockedAdd(&n, 2) == 12 && InterlockedOr(&n, 3) == 12 && n == 15);
    CHECK(InterlockedAnd(&n, 6) == 15 && InterlockedXor(&n, 1) == 6 && n == 7);
    CHECK(InterlockedCompareExchange(&n, 1, 2) == 7 && n == 7);
    CHECK(InterlockedCompareExchange(&n, 1, 7) == 7 && n == 1);
    CHECK(InterlockedCompareExchange16(&n16, 6, 5) == 5 && n16 == 6);
    CHECK(InterlockedExchangePointer(&p, q) == NULL && p == q);
    CHECK(InterlockedCompareExchangePointer(&p, NULL, q) == q && p == NULL);
    CHECK(!InterlockedBitTestAndSet(&bits, 31) && InterlockedBitTestAndReset(&bits, 31) && !bits);
    WriteRelease(&n, 9);
    CHECK(ReadAcquire(&n) == 9 && ReadNoFence(&n) == 9);
}

static void Compare128(void)
{
    DECLSPEC_ALIGN(16) LONG64 target[2] = { 1, 2 };
    LONG64 comparand[2] = { 1, 3 };

    CHECK(!InterlockedCompareExchange128(target, 5, 4, comparand) && comparand[1] == 2);
    CHECK(InterlockedCompareExchange128(target, 5, 4, comparand));
    CHECK(target[0] == 4 && target[1] == 5);
}

static void Lists(void)
{
    LIST_ENTRY head, more;
    ITEM items[3];

    InitializeListHead(&head);
    InitializeListHead(&more);
    CHECK(IsListEmpty(&head));
    for (int i = 0; i < 3; i++) {
        items[i].Number = i;
        InsertTailList(&head, &items[i].Link);
    }
    CHECK(CONTAINING_RECORD(head.Flink, ITEM, Link)->Number == 0);
    CHECK(!RemoveEntryList(&items[1].Link));
    CHECK(RemoveTailList(&head) == &items[2].Link && RemoveHeadList(&head) == &items[0].Link);
    InsertHeadList(&head, &items[0].Link);
    InsertTailList(&more, &items[1].Link);
    AppendTailList(&head, &more);
    RemoveEntryList(&more);
    CHECK(head.Blink == &items[1].Link && items[1].Link.Flink == &head);
}

static void Numbers(void)
{
    ULONG n;
    USHORT small;
    UCHAR byte;
    INT integer;

    CHECK(RtlULongAdd(1, 2, &n) == STATUS_SUCCESS && n == 3);
    CHECK(RtlULongAdd(0xffffffff, 1, &n) == STATUS_INTEGER_OVERFLOW && n == ULONG_ERROR);
    CHECK(RtlULongSub(1, 2, &n) == STATUS_INTEGER_OVERFLOW);
    CHECK(RtlSIZETToULong((SIZE_T)1 << 32, &n) == STATUS_INTEGER_OVERFLOW);
    CHECK(RtlULongToUShort(65535, &small) == STATUS_SUCCESS && small == 65535);
    CHECK(RtlIntToUInt8(-1, &byte) == STATUS_INTEGER_OVERFLOW);
    CHECK(RtlULongLongToInt(5, &integer) == STATUS_SUCCESS && integer == 5);
    CHECK(RtlUshortByteSwap(0x1234) == 0x3412 && RtlUlongByteSwap(0x12345678) == 0x78563412);
    CHECK(_byteswap_uint64(1) == 0x0100000000000000ull && _rotl(0x80000001, 1) == 3);
    CHECK(BitScanReverse(&n, 0x10) && n == 4 && BitScanForward(&n, 0x18) && n == 3);
    CHECK(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0xfff, 2) == 2 && ROUND_TO_PAGES(1) == PAGE_SIZE);
    CHECK(CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS) == 0x222000);
}

static void Texts(void)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\X");
    const char *text = "Abc";

    CHECK(name.Length == 18 && name.MaximumLength == 20 && name.Buffer[8] == L'X');
    CHECK(isalpha('z') && !isalpha('1') && isdigit('9') && isspace('\n') && toupper('a') == 'A');
    CHECK(isxdigit('F') && !isxdigit('g') && ispunct('!') && tolower('Q') == 'q');
    CHECK(strchr(text, 'b') == text + 1 && strstr(text, "bc") == text + 1 && strlen(text) == 3);
}

static void ControlMessages(void)
{
    WSAMSG message;
    union {
        CMSGHDR Header;
        UCHAR Bytes[2 * WSA_CMSG_SPACE(sizeof(ULONG))];
    } control;
    PCMSGHDR first, second;

    CHECK(WSA_CMSG_SPACE(sizeof(ULONG)) == 24 && WSA_CMSG_LEN(sizeof(ULONG)) == 20);
    memset(&control, 0, sizeof(control));
    memset(&message, 0, sizeof(message));
    message.Control.buf = (CHAR *)control.Bytes;
    message.Control.len = sizeof(control);
    first = WSA_CMSG_FIRSTHDR(&message);
    first->cmsg_len = WSA_CMSG_LEN(sizeof(ULONG));
    second = WSA_CMSG_NXTHDR(&message, first);
    CHECK((PUCHAR)second == control.Bytes + 24 && WSA_CMSG_DATA(second) == control.Bytes + 40);
    second->cmsg_len = first->cmsg_len;
    CHECK(WSA_CMSG_NXTHDR(&message, second) == NULL);
}

int main(void)
{
    Interlocked();
    Compare128();
    Lists();
    Numbers();
    Texts();
    ControlMessages();
    return 0;
}
