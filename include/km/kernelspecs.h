/*
 * kernelspecs.h: see sal.h, which has the annotations of every generation.
 */
#include "sal.h"
