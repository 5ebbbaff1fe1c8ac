/*
 * routines.h: the exported routines of the kernel with their addresses.
 */
#ifndef OPENWSK_ROUTINES_H
#define OPENWSK_ROUTINES_H

struct nt_routine {
    const char *name;
    const void *address;
};
/* Ends with name NULL. */
extern const struct nt_routine nt_routines[];

#endif
