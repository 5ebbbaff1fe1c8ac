/* main.c: wskrun. */
#include "openwsk/openwsk.h"

#include <stdio.h>

int main(void)
{
    printf("wskrun %s\n", ow_version());
    return 0;
}
