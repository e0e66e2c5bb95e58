#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "study/tune.h"

/* Two draws of two seeds each. */
static struct tune_gain gain_of(struct tune *tune, const double before[4],
                                const double after[4])
{
    struct tune_score_cell cells[2][4] = {0};
    struct tune_point from = {.cells = cells[0]};
    struct tune_point to = {.cells = cells[1]};
    for (int i = 0; i < 4; i++) {
        cells[0][i].value = before[i];
        cells[1][i].value = after[i];
    }
    *tune = (struct tune){.score = {.n_draws = 2, .n_seeds = 2, .step = log(1.01)}};
    return tune_gain_of(tune, &from, &to);
}

static const double before[4] = {1.7, 2.3, -0.4, 5.1};

static void gains_are_paired(void **state)
{
    (void)state;
    struct tune tune;
    const double after[4] = {1.6, 2.1, -0.7, 4.7}; /* less by 0.1, 0.2, 0.3, 0.4 */
    struct tune_gain gain = gain_of(&tune, before, after);
    assert_true(fabs(gain.mean - 0.25) < 1e-12);
    assert_true(fabs(gain.worst - 0.15) < 1e-12); /* of the first draw */
    /* squares about the mean: 2 x (0.15^2 + 0.05^2) = 0.05; / 3 / 4 */
    assert_true(fabs(gain.se - sqrt(0.05 / 12)) < 1e-12);
    assert_true(tune_is_better(&tune, &gain));
}

static void a_step_is_enough_and_less_is_not(void **state)
{
    (void)state;
    struct tune tune;
    for (int i = 0; i < 2; i++) {
        double less = log(1.01) * (i == 0 ? 1 : 0.99);
        double after[4];
        for (int c = 0; c < 4; c++) {
            after[c] = before[c] - less;
        }
        struct tune_gain gain = gain_of(&tune, before, after);
        assert_int_equal(tune_is_better(&tune, &gain), i == 0);
    }
}

static void a_gain_within_its_error_is_none(void **state)
{
    (void)state;
    struct tune tune;
    /* draws alike, seeds far apart: mean 0.02, error 0.13 */
    const double after[4] = {before[0] - 0.245, before[1] + 0.205, before[2] - 0.245,
                             before[3] + 0.205};
    struct tune_gain gain = gain_of(&tune, before, after);
    assert_true(fabs(gain.mean - 0.02) < 1e-12);
    assert_false(tune_is_better(&tune, &gain));
}

static void what_one_draw_loses_by_is_not_worth_the_mean(void **state)
{
    (void)state;
    struct tune tune;
    const double good[4] = {before[0] - 0.3, before[1] - 0.3, before[2] + 0.009,
                            before[3] + 0.009};
    const double bad[4] = {before[0] - 0.3, before[1] - 0.3, before[2] + 0.011,
                           before[3] + 0.011};
    struct tune_gain gain = gain_of(&tune, before, good);
    assert_true(tune_is_better(&tune, &gain));
    gain = gain_of(&tune, before, bad);
    assert_true(gain.mean > gain.se);
    assert_false(tune_is_better(&tune, &gain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gains_are_paired),
        cmocka_unit_test(a_step_is_enough_and_less_is_not),
        cmocka_unit_test(a_gain_within_its_error_is_none),
        cmocka_unit_test(what_one_draw_loses_by_is_not_worth_the_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
