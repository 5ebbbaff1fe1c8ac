/*
 * main.c: wskcc, the compiler driver for Windows drivers.
 *
 * A thin layer over gcc or clang: it adds the WDK headers and the flags that make Linux lay out
 * data as Windows does, mends includes, and links the result so that wskrun can load it. `wskcc -v`
 * shows the commands.
 */
#include "wskcc.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct options o = { 0 };
    struct support s = { 0 };

    parse_options(&o, argc, argv);
    find_support(&s, &o);
    return build(&o, &s);
}
