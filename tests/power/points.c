/* points.c: the preemption points of wsksim_points, as startup.c has them for drivers. */
#include "host/sim.h"

void __sanitizer_cov_trace_pc(void);
__attribute__((visibility("hidden"))) void __sanitizer_cov_trace_pc(void)
{
    openwsk_host_point(__builtin_return_address(0));
}
