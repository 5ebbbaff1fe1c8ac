/* crt/wctype.h: see wchar.h. */
#include "wchar.h"
