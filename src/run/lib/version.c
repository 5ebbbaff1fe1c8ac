/* version.c: which OpenWSK this is, for programs that embed it. */
#include "openwsk/openwsk.h"

const char *ow_version(void)
{
    return OPENWSK_VERSION;
}
