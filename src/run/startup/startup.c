/*
 * startup.c: what wskcc links into every driver.
 *
 * The note tells wskrun that the file is a driver and which version of the interface it was built
 * for (driver_abi.h). The rest is what a WDK build takes from static libraries: data that every
 * driver has for itself. It is weak, because some drivers define it on their own.
 */
#include "run/startup/driver_abi.h"

#include <stdint.h>

__attribute__((used, section(".note.openwsk"), aligned(4))) static const struct {
    uint32_t name_size, description_size, type;
    char name[sizeof(DRIVER_NOTE_NAME)];
    uint32_t abi;
} driver_note = { sizeof(DRIVER_NOTE_NAME), sizeof(uint32_t), DRIVER_NOTE_TYPE, DRIVER_NOTE_NAME,
                  DRIVER_ABI };

struct npi_id {
    uint32_t data1;
    uint16_t data2, data3;
    uint8_t data4[8];
};
extern const struct npi_id NPI_WSK_INTERFACE_ID;
__attribute__((weak, visibility("hidden"))) const struct npi_id NPI_WSK_INTERFACE_ID = {
    0x2227e803, 0x8d8b, 0x11d4, { 0xab, 0xad, 0x00, 0x90, 0x27, 0x71, 0x9e, 0x09 }
};

/*
 * wskcc has the driver call this at every basic block. In the simulated world each is a point at
 * which another thread may go on; elsewhere there is nobody to tell. A driver has its own copy,
 * because the sanitizers' libraries bring one that does nothing.
 */
__attribute__((weak)) extern void openwsk_host_point(const void *pc);
void __sanitizer_cov_trace_pc(void);
__attribute__((visibility("hidden"))) void __sanitizer_cov_trace_pc(void)
{
    if (openwsk_host_point)
        openwsk_host_point(__builtin_return_address(0));
}

/* The slot of a pure virtual function in C++. */
void __cxa_pure_virtual(void);
__attribute__((weak, visibility("hidden"))) void __cxa_pure_virtual(void)
{
    __builtin_trap();
}
