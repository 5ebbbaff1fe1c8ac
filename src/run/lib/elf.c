/*
 * elf.c: reads what the loader must know of a shared object before it hands it to dlopen(): whether
 * it is one for this machine, the driver note, the imported and exported names, the libraries that
 * it needs. Everything in the file is distrusted: offsets are checked before they are followed.
 */
#include "run/lib/runp.h"
#include "run/startup/driver_abi.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool inside(const struct elf_file *f, uint64_t offset, uint64_t size)
{
    return offset <= f->size && size <= f->size - offset;
}

static const char *string_at(const struct elf_file *f, uint64_t offset)
{
    if (offset >= f->strings_size ||
        !memchr(f->strings + offset, 0, f->strings_size - (size_t)offset))
        return "";
    return f->strings + offset;
}

static int map_file(struct elf_file *f, const char *path, struct ow_status *status)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return run_fail(status, OW_LOAD, 0, "%s: %s%s", path, strerror(errno),
                        errno == ENOENT ? "; compile a driver with: wskcc -o NAME.so FILE.c" : "");
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        close(fd);
        return run_fail(status, OW_LOAD, 0,
                        "%s: not a regular file; give the driver (.so) that wskcc made", path);
    }
    f->size = (size_t)st.st_size;
    void *bytes = f->size ? mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (bytes == MAP_FAILED)
        return run_fail(status, OW_LOAD, 0, "%s: %s; compile the driver again with wskcc", path,
                        f->size ? strerror(errno) : "the file is empty");
    f->bytes = bytes;
    return OW_OK;
}

static int check_header(const struct elf_file *f, const char *path, struct ow_status *status)
{
    const Elf64_Ehdr *h = (const void *)f->bytes;

    if (f->size >= 2 && f->bytes[0] == 'M' && f->bytes[1] == 'Z')
        return run_fail(status, OW_LOAD, 0,
                        "%s is a Windows binary; loading .sys files is planned, not there yet: "
                        "compile the driver's source with wskcc",
                        path);
    if (f->size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
        return run_fail(status, OW_LOAD, 0,
                        "%s is not a driver (no ELF file); compile the driver's source with wskcc",
                        path);
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_machine != EM_X86_64)
        return run_fail(status, OW_LOAD, 0,
                        "%s was compiled for another machine; compile it here, for x86-64, "
                        "with wskcc",
                        path);
    if (h->e_type != ET_DYN)
        return run_fail(status, OW_LOAD, 0,
                        "%s is not a shared object (an object file or a program?); link it with "
                        "wskcc -o NAME.so",
                        path);
    return OW_OK;
}

static uint32_t note_abi(const struct elf_file *f, const Elf64_Shdr *s)
{
    const Elf64_Nhdr *n = (const void *)(f->bytes + s->sh_offset);
    const char *name = (const char *)(n + 1);
    uint32_t abi;

    if (s->sh_size < sizeof(*n) + sizeof(DRIVER_NOTE_NAME) + sizeof(abi) ||
        n->n_namesz != sizeof(DRIVER_NOTE_NAME) || n->n_type != DRIVER_NOTE_TYPE ||
        memcmp(name, DRIVER_NOTE_NAME, sizeof(DRIVER_NOTE_NAME)) != 0)
        return 0;
    memcpy(&abi, name + sizeof(DRIVER_NOTE_NAME), sizeof(abi));
    return abi;
}

static void take_section(struct elf_file *f, const Elf64_Shdr *all, unsigned count, unsigned i)
{
    const Elf64_Shdr *s = &all[i];

    if (s->sh_type == SHT_NOBITS || !inside(f, s->sh_offset, s->sh_size) || s->sh_offset % 4 ||
        (s->sh_type != SHT_NOTE && s->sh_offset % 8 != 0))
        return;
    if (s->sh_type == SHT_NOTE && !f->abi)
        f->abi = note_abi(f, s);
    if (s->sh_type == SHT_DYNAMIC) {
        f->dynamic = f->bytes + s->sh_offset;
        f->dynamic_count = s->sh_size / sizeof(Elf64_Dyn);
    }
    if (s->sh_type != SHT_DYNSYM || s->sh_link >= count)
        return;
    const Elf64_Shdr *strings = &all[s->sh_link];
    if (!inside(f, strings->sh_offset, strings->sh_size))
        return;
    f->symbols = f->bytes + s->sh_offset;
    f->symbol_count = s->sh_size / sizeof(Elf64_Sym);
    f->strings = (const char *)f->bytes + strings->sh_offset;
    f->strings_size = strings->sh_size;
}

int elf_open(struct elf_file *f, const char *path, struct ow_status *status)
{
    memset(f, 0, sizeof(*f));
    int error = map_file(f, path, status);
    if (error)
        return error;
    error = check_header(f, path, status);
    if (error) {
        elf_close(f);
        return error;
    }
    const Elf64_Ehdr *h = (const void *)f->bytes;
    if (h->e_shoff % 8 == 0 && h->e_shentsize == sizeof(Elf64_Shdr) &&
        inside(f, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr))) {
        const Elf64_Shdr *sections = (const void *)(f->bytes + h->e_shoff);
        for (unsigned i = 0; i < h->e_shnum; i++)
            take_section(f, sections, h->e_shnum, i);
    }
    if (!f->symbols || !f->dynamic) {
        elf_close(f);
        return run_fail(status, OW_LOAD, 0,
                        "%s is damaged, or stripped of its section headers; compile it again with "
                        "wskcc",
                        path);
    }
    return OW_OK;
}

void elf_close(struct elf_file *f)
{
    if (f->bytes)
        munmap((void *)f->bytes, f->size);
    f->bytes = NULL;
}

const char *elf_import(const struct elf_file *f, size_t *position, bool *weak)
{
    const Elf64_Sym *symbols = f->symbols;

    while (*position < f->symbol_count) {
        const Elf64_Sym *s = &symbols[(*position)++];
        if (s->st_shndx != SHN_UNDEF || !s->st_name)
            continue;
        *weak = ELF64_ST_BIND(s->st_info) == STB_WEAK;
        return string_at(f, s->st_name);
    }
    return NULL;
}

bool elf_exports(const struct elf_file *f, const char *name)
{
    const Elf64_Sym *symbols = f->symbols;

    for (size_t i = 0; i < f->symbol_count; i++)
        if (symbols[i].st_shndx != SHN_UNDEF && strcmp(string_at(f, symbols[i].st_name), name) == 0)
            return true;
    return false;
}

const char *elf_needed(const struct elf_file *f, size_t *position)
{
    const Elf64_Dyn *d = f->dynamic;

    while (*position < f->dynamic_count) {
        size_t i = (*position)++;
        if (d[i].d_tag == DT_NEEDED)
            return string_at(f, d[i].d_un.d_val);
    }
    return NULL;
}

const char *elf_runpath(const struct elf_file *f)
{
    const Elf64_Dyn *d = f->dynamic;

    for (size_t i = 0; i < f->dynamic_count; i++)
        if (d[i].d_tag == DT_RUNPATH || d[i].d_tag == DT_RPATH)
            return string_at(f, d[i].d_un.d_val);
    return "";
}
