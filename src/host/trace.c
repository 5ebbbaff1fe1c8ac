/*
 * trace.c: backtraces, and addresses turned into source lines.
 *
 * The compiler's own unwinder walks the stack; libdw (elfutils) reads debug information from the
 * module's own file. Without libdw, the loader's symbol names are what there is. The libdw session
 * is kept from call to call, refreshed when modules came or went, and protected by `session_lock`.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>
#ifdef OPENWSK_HAVE_LIBDW
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#endif
#include "host/host.h"

struct walk {
    void **frames;
    int count, room, skip;
};

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *context, void *arg)
{
    struct walk *w = arg;
    int at_instruction = 0;
    uintptr_t ip = _Unwind_GetIPInfo(context, &at_instruction);

    if (w->skip > 0) {
        w->skip--;
        return _URC_NO_REASON;
    }
    if (ip == 0 || w->count == w->room)
        return _URC_END_OF_STACK;
    /* An interrupted frame is made to look like a return address; see host_symbolize(). */
    w->frames[w->count++] = (void *)(ip + (at_instruction ? 1 : 0));
    return _URC_NO_REASON;
}

__attribute__((noinline)) int host_backtrace(void **frames, int n)
{
    struct walk w = { frames, 0, n, 1 };

    _Unwind_Backtrace(note_frame, &w);
    return w.count;
}

#ifdef OPENWSK_HAVE_LIBDW

static struct host_lock session_lock = HOST_LOCK_INIT(HOST_RANK_HOST);
static Dwfl *session;
static unsigned long long session_stamp;

/* Only the module's own file is read: a search for separate files might go to the network. */
static int no_separate_file(Dwfl_Module *m, void **user, const char *name, Dwarf_Addr base,
                            const char *file, const char *link, GElf_Word crc, char **path)
{
    (void)m;
    (void)user;
    (void)name;
    (void)base;
    (void)file;
    (void)link;
    (void)crc;
    (void)path;
    return -1;
}

static const Dwfl_Callbacks session_callbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = no_separate_file,
};

static int read_stamp(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    *(unsigned long long *)arg = info->dlpi_adds + info->dlpi_subs;
    return 1;
}

static bool refresh_session(void)
{
    unsigned long long stamp = 0;

    dl_iterate_phdr(read_stamp, &stamp);
    if (session && stamp == session_stamp)
        return true;
    if (session)
        dwfl_end(session);
    session = dwfl_begin(&session_callbacks);
    if (!session)
        return false;
    if (dwfl_linux_proc_report(session, getpid()) != 0 ||
        dwfl_report_end(session, NULL, NULL) != 0) {
        dwfl_end(session);
        session = NULL;
        return false;
    }
    session_stamp = stamp;
    return true;
}

/*
 * The file and line of an address, or NULL. libdwfl finds an address's unit by a table that clang
 * does not write; then the units themselves are asked.
 */
static const char *find_line(Dwfl_Module *m, uintptr_t address, int *number)
{
    Dwfl_Line *line = dwfl_module_getsrc(m, address);
    Dwarf_Die *unit = NULL;
    Dwarf_Addr bias;

    if (line)
        return dwfl_lineinfo(line, NULL, number, NULL, NULL, NULL);
    while ((unit = dwfl_module_nextcu(m, unit, &bias))) {
        Dwarf_Line *found =
            dwarf_haspc(unit, address - bias) > 0 ? dwarf_getsrc_die(unit, address - bias) : NULL;
        if (found && dwarf_lineno(found, number) == 0)
            return dwarf_linesrc(found, NULL, NULL);
    }
    return NULL;
}

static bool describe(uintptr_t address, char *out, size_t size)
{
    Dwfl_Module *m = dwfl_addrmodule(session, address);
    const char *name, *file, *base;
    GElf_Off offset = 0;
    GElf_Sym symbol;
    int number = 0;

    if (!m)
        return false;
    /* A return address may be the first byte of the next line: look at the call instead. */
    if (!dwfl_module_addrinfo(m, address, &offset, &symbol, NULL, NULL, NULL) || offset != 0)
        address--;
    name = dwfl_module_addrname(m, address);
    file = find_line(m, address, &number);
    if (!name && !file)
        return false;
    if (!name)
        name = "?";
    if (!file)
        return snprintf(out, size, "%s", name) > 0;
    base = strrchr(file, '/');
    return snprintf(out, size, "%s (%s:%d)", name, base ? base + 1 : file, number) > 0;
}

static bool describe_with_lines(uintptr_t address, char *out, size_t size)
{
    bool known;

    host_lock(&session_lock);
    known = refresh_session() && describe(address, out, size);
    host_unlock(&session_lock);
    return known;
}

#else

static bool describe_with_lines(uintptr_t address, char *out, size_t size)
{
    (void)address;
    (void)out;
    (void)size;
    return false;
}

#endif

void host_symbolize(const void *address, char *out, size_t size)
{
    Dl_info info;
    const char *base;

    if (describe_with_lines((uintptr_t)address, out, size))
        return;
    if (!dladdr(address, &info) || !info.dli_fname) {
        snprintf(out, size, "%p", address);
        return;
    }
    base = strrchr(info.dli_fname, '/');
    base = base ? base + 1 : info.dli_fname;
    if (info.dli_sname)
        snprintf(out, size, "%s (%s)", info.dli_sname, base);
    else
        snprintf(out, size, "%s+0x%zx", base,
                 (size_t)((uintptr_t)address - (uintptr_t)info.dli_fbase));
}
