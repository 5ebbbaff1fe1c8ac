/* Which checks --verify=LIST turns on. */
#include "verify/vf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static int reset(void **state)
{
    (void)state;
    vf_reset();
    return vf_configure("standard", NULL);
}

static void none_silences_everything(void **state)
{
    int object;

    (void)state;
    assert_int_equal(vf_configure("none", NULL), 0);
    assert_false(vf_enabled());
    vf_born(VF_POOL, &object, 1, 0, &object);
    assert_true(vf_died(VF_POOL, &object + 1));
    vf_report(VF_ERROR, "VF-POOL-03", NULL, NULL, "not printed");
    assert_int_equal(vf_findings(VF_WARNING), 0);
    assert_int_equal(vf_sweep(0, UINTPTR_MAX, "nobody"), 0);
}

static void names_choose_groups(void **state)
{
    int object;

    (void)state;
    assert_int_equal(vf_configure("leaks,IRQL", NULL), 0);
    assert_true(vf_enabled());
    assert_false(vf_died(VF_POOL, &object));
    vf_report(VF_ERROR, "VF-POOL-03", NULL, NULL, "not printed");
    assert_int_equal(vf_findings(VF_WARNING), 0);
    vf_report(VF_ERROR, "VF-IRQL-01", NULL, NULL, "printed");
    assert_int_equal(vf_findings(VF_WARNING), 1);
}

static void unknown_name_is_refused(void **state)
{
    const char *bad = NULL;

    (void)state;
    assert_int_equal(vf_configure("leaks,sponge,irql", &bad), -EINVAL);
    assert_memory_equal(bad, "sponge", 6);
    vf_report(VF_ERROR, "VF-POOL-03", NULL, NULL, "printed: the refused list changed nothing");
    assert_int_equal(vf_findings(VF_ERROR), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(none_silences_everything, reset),
        cmocka_unit_test_setup(names_choose_groups, reset),
        cmocka_unit_test_setup(unknown_name_is_refused, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
