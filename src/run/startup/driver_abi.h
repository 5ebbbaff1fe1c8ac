/*
 * driver_abi.h: the mark by which a native driver is known, an ELF note that startup.c puts into
 * every driver and the loader looks for. DRIVER_ABI grows when a driver must be compiled again.
 */
#ifndef OPENWSK_DRIVER_ABI_H
#define OPENWSK_DRIVER_ABI_H

#define DRIVER_NOTE_NAME "OpenWSK"
#define DRIVER_NOTE_TYPE 1
#define DRIVER_ABI       1

#endif
