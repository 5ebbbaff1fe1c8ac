/* One finding: what observers see, how it is counted, who may stop. */
#include "verify/vf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static char seen[256];
static unsigned stops;

static void observe(const struct vf_finding *finding, void *context)
{
    assert_ptr_equal(context, seen);
    strncpy(seen, finding->text, sizeof seen - 1);
}

static void stop(const struct vf_finding *finding)
{
    assert_int_equal(finding->severity, VF_STOP);
    stops++;
}

static int reset(void **state)
{
    (void)state;
    vf_reset();
    vf_on_finding(observe, seen);
    vf_on_stop(stop);
    stops = 0;
    return 0;
}

static void counts_by_severity(void **state)
{
    (void)state;
    vf_report(VF_WARNING, "VF-IRQL-08", NULL, NULL, "w");
    vf_report(VF_ERROR, "VF-IRP-03", "WSK-IRP-01", (const void *)&counts_by_severity, "e");
    vf_report(VF_STOP, "VF-IRP-01", NULL, NULL, "s%d", 7);
    assert_int_equal(vf_findings(VF_WARNING), 3);
    assert_int_equal(vf_findings(VF_ERROR), 2);
    assert_int_equal(vf_findings(VF_STOP), 1);
    assert_string_equal(seen, "s7");
    assert_int_equal(stops, 1);
    vf_reset();
    assert_int_equal(vf_findings(VF_WARNING), 0);
}

static void long_text_is_cut(void **state)
{
    static char text[5000];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    vf_report(VF_ERROR, "VF-IRP-03", NULL, NULL, "%s", text);
    assert_int_equal(vf_findings(VF_ERROR), 1);
    assert_int_equal(stops, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(counts_by_severity, reset),
        cmocka_unit_test_setup(long_text_is_cut, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
