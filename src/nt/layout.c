/* layout.c: the runtime itself is compiled with the layouts that drivers rely on. */
#include <openwsk_layout.h>

#include "nt/ki.h"
