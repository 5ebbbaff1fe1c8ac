/*
 * That every exported function looks at the IRQL it is called at: each is called just above and
 * just below the range that its row of the table gives, and must report that before it does
 * anything else. The stop handler jumps out of the report, so no function gets further.
 */
#include "ke_test.h"

#include "ddi/ddi.h"

/* Enough of them for every function: none finds a stray value on the stack. */
typedef void(NTAPI ddi_function)(void *, void *, void *, void *, void *, void *, void *, void *,
                                 void *, void *, void *, void *);

struct row {
    const char *name;
    ddi_function *function;
    int min, max;
};

/* By an assembler name: what each of them takes does not matter here. */
#define DDI(name, file, min, max, flags) extern ddi_function call_##name __asm__(#name);
#define DDI_DATA(name, file)
#include "ddi/ex.def"
#include "ddi/io.def"
#include "ddi/ke.def"
#include "ddi/mm.def"
#include "ddi/netio.def"
#include "ddi/ob.def"
#include "ddi/ps.def"
#include "ddi/rtl.def"
#include "ddi/se.def"
#include "ddi/zw.def"
#undef DDI

#define DDI(name, file, min, max, flags) { #name, call_##name, DDI_IRQL_##min, DDI_IRQL_##max },
static const struct row rows[] = {
#include "ddi/ex.def"
#include "ddi/io.def"
#include "ddi/ke.def"
#include "ddi/mm.def"
#include "ddi/netio.def"
#include "ddi/ob.def"
#include "ddi/ps.def"
#include "ddi/rtl.def"
#include "ddi/se.def"
#include "ddi/zw.def"
};
#undef DDI

/* These answer at every IRQL and on every path of the runtime itself: they check nothing. */
static const char *const unchecked[] = { "KeGetCurrentIrql", "KeGetCurrentThread",
                                         "PsGetCurrentThread", "openwsk_seh_" };

static BOOLEAN is_checked(const char *name)
{
    for (size_t i = 0; i < ARRAYSIZE(unchecked); i++)
        if (!strncmp(name, unchecked[i], strlen(unchecked[i])))
            return FALSE;
    return TRUE;
}

static jmp_buf stopped;
static char text[256];

static void leave(const struct vf_finding *finding)
{
    snprintf(text, sizeof text, "%s", finding->text);
    longjmp(stopped, 1);
}

static void call_at(const struct row *row, int irql, const char *rule)
{
    void *z = (void *)1; /* to touch what it points to is a fault */
    char expected[256];

    snprintf(expected, sizeof expected, "%s called at IRQL %d; it %s be called at %d at %s",
             row->name, irql, irql > row->max ? "may" : "must",
             irql > row->max ? row->max : row->min, irql > row->max ? "most" : "least");
    ke_rule[0] = 0;
    KiRaiseIrql((KIRQL)irql);
    if (!setjmp(stopped)) {
        row->function(z, z, z, z, z, z, z, z, z, z, z, z);
        fail_msg("%s did not report IRQL %d", row->name, irql);
    }
    assert_int_equal(KeGetCurrentIrql(), irql);
    KiLowerIrql(PASSIVE_LEVEL);
    assert_string_equal(ke_rule, rule);
    assert_string_equal(text, expected);
}

static void above_the_range(void **state)
{
    (void)state;
    vf_on_stop(leave);
    for (size_t i = 0; i < ARRAYSIZE(rows); i++)
        if (is_checked(rows[i].name))
            call_at(&rows[i], rows[i].max + 1, "VF-IRQL-01");
    vf_on_stop(NULL);
}

static void below_the_range(void **state)
{
    unsigned checked = 0;

    (void)state;
    vf_on_stop(leave);
    for (size_t i = 0; i < ARRAYSIZE(rows); i++) {
        if (rows[i].min == PASSIVE_LEVEL || !is_checked(rows[i].name))
            continue;
        call_at(&rows[i], rows[i].min - 1, "VF-IRQL-02");
        checked++;
    }
    assert_true(checked > 10);
    vf_on_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(above_the_range),
        cmocka_unit_test(below_the_range),
    };
    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
