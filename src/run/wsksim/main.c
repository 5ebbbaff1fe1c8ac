/*
 * main.c: wsksim, which runs drivers in the simulated world.
 */
#include "wsksim.h"

int main(int argc, char **argv)
{
    static struct options o;

    parse_options(&o, argc, argv);
    switch (o.mode) {
    case MODE_BYTES:
        return run_bytes(&o);
    case MODE_REPLAY:
        return replay_tape(&o);
    case MODE_EXHAUST:
        return exhaust(&o);
    case MODE_OOM:
        return sweep_failures(&o);
    case MODE_CANCEL:
        return sweep_cancels(&o);
    default:
        return sweep_seeds(&o);
    }
}
