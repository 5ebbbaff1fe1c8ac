/* main.c: wskcc. */
#include <stdio.h>

int main(void)
{
    puts("wskcc " OPENWSK_VERSION);
    return 0;
}
