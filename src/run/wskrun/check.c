/* check.c: wskrun --check, the list of what drivers import and where it comes from. */
#include "wskrun.h"

#include <stdio.h>

static void print_import(void *context, const char *name, enum ow_provider provider)
{
    static const char *const from[] = { [OW_FROM_OPENWSK] = "openwsk",
                                        [OW_FROM_LIBRARY] = "library",
                                        [OW_MISSING_IMPORT] = "MISSING",
                                        [OW_OPTIONAL_IMPORT] = "absent (optional)" };
    const struct options *o = context;

    /* The tool chain's own optional names are of no interest to anybody. */
    enum ow_verbosity needed = provider == OW_MISSING_IMPORT    ? OW_QUIET
                               : provider == OW_OPTIONAL_IMPORT ? OW_VERBOSE
                                                                : OW_NORMAL;

    if (o->common.machine.verbosity >= needed)
        printf("  %-40s %s\n", name, from[provider]);
}

int check_drivers(const struct options *o)
{
    int result = EXIT_FINE;

    for (int i = 0; i < o->driver_count; i++) {
        struct ow_status why;
        printf("%s:\n", o->drivers[i]);
        int error = ow_check(o->drivers[i], print_import, (void *)o, &why);
        fflush(stdout);
        if (error) {
            complain("%s", why.text);
            result = EXIT_LOAD;
        } else {
            printf("  nothing is missing\n");
        }
    }
    return result;
}
