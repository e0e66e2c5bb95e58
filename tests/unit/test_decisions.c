#include "decisions_world.h"

#include <unistd.h>

#include "study/decisions_spread.h"

static void collect(struct decisions_curves *curves, const struct world *world)
{
    decisions_curve_collect(curves, world->cases, world->results, world->n, NULL);
}

static double best(const struct decisions_curves *curves, int bound)
{
    return decisions_curve_best(&curves->curves[0], DECISIONS_CURVE_MEASURED,
                                &decisions_curve_bounds[bound]);
}

static void throughput_is_of_a_full_loop_and_per_gpu(void **state)
{
    (void)state;
    struct world *world = new_world();
    struct decisions_curves curves;
    struct predict_case *of = add_row(world, 4, 12, 300, 10, 1, 1);
    of->row.closed.output_tokens = 200;
    of->row.closed.range_ratio_nano = 500000000; /* mean output 150 */
    collect(&curves, world);
    /* 12 x 150 / (0.3 + 149 x 0.01) / 4 */
    assert_is(curves.curves[0].points[0].sides[DECISIONS_CURVE_MEASURED].per_gpu,
              1800 / 1.79 / 4);
    decisions_curve_free(&curves);
    end(world, NULL);
}

static void the_best_between_two_points_is_where_the_bound_is_crossed(void **state)
{
    (void)state;
    struct world *world = new_world();
    struct decisions_curves curves;
    add_curve(world, 1);
    collect(&curves, world);
    assert_int_equal(curves.n, 1);
    assert_is(best(&curves, TPOT_10), 126.25);         /* a quarter from 101 to 202 */
    assert_is(best(&curves, TPOT_15), 189.375);        /* 7/8 */
    assert_is(best(&curves, TPOT_20), 252.5);          /* a quarter from 202 to 404 */
    assert_is(best(&curves, TPOT_30), 378.75);         /* 7/8 */
    assert_is(best(&curves, TPOT_50), 404);            /* at the last point */
    assert_is(best(&curves, TPOT_30_TTFT_500), 252.5); /* TTFT crosses first */
    assert_is(best(&curves, TPOT_20_TTFT_1000), 252.5);
    decisions_curve_free(&curves);
    end(world, NULL);
}

static void a_line_may_keep_both_bounds_where_neither_end_does(void **state)
{
    (void)state;
    struct world *world = new_world();
    struct decisions_curves curves;
    add_row(world, 1, 2, 900, 5, 1, 1);  /* 202 / 1.4 */
    add_row(world, 1, 8, 100, 25, 1, 1); /* 808 / 2.6 */
    collect(&curves, world);
    /* TTFT keeps 500 ms from the middle on, TPOT 20 ms up to three quarters */
    assert_is(best(&curves, TPOT_20_TTFT_500),
              202 / 1.4 + 0.75 * (808 / 2.6 - 202 / 1.4));
    assert_is(best(&curves, TPOT_10_TTFT_500), 0); /* up to one quarter: no overlap */
    decisions_curve_free(&curves);
    end(world, NULL);
}

static void rows_of_one_concurrency_are_averaged_and_points_are_in_its_order(
    void **state)
{
    (void)state;
    struct world *world = new_world();
    struct decisions_curves curves;
    add_row(world, 1, 16, 800, 32, 80, 3);
    add_row(world, 1, 4, 300, 14, 30, 1);
    add_row(world, 1, 4, 500, 18, 50, 2);
    collect(&curves, world);
    assert_int_equal(curves.curves[0].n_points, 2);
    const struct decisions_curve_point *point = &curves.curves[0].points[0];
    assert_int_equal(point->concurrency, 4);
    assert_int_equal(point->n_rows, 2);
    assert_is(point->sides[DECISIONS_CURVE_MEASURED].ttft_s, 0.4);
    assert_is(point->sides[DECISIONS_CURVE_MEASURED].tpot_s, 0.016);
    assert_is(point->sides[DECISIONS_CURVE_MEASURED].per_gpu, 202);
    assert_is(point->sides[DECISIONS_CURVE_PREDICTED].ttft_s, 0.04);
    assert_is(point->sides[DECISIONS_CURVE_PREDICTED].tpot_s, 0.0015);
    decisions_curve_free(&curves);
    end(world, NULL);
}

static void twice_too_fast_is_an_error_at_every_bound_that_can_be_compared(void **state)
{
    (void)state;
    struct world *world = new_world();
    add_curve(world, 0.5); /* 202, 404, 808 at 4, 8, 16 ms */
    struct decisions *of = score(world, 1);
    const struct decisions_capacity *bounds = of->capacity.bounds;
    assert_int_equal(of->capacity.n_curves, 1);
    assert_is(bounds[TPOT_10].error.median, 100 * log(505 / 126.25));
    assert_int_equal(bounds[TPOT_10].n_open, 0);
    assert_is(bounds[TPOT_20].error.median, 100 * log(808 / 252.5));
    assert_int_equal(bounds[TPOT_20].n_open, 1); /* 16 ms at the last point */
    assert_int_equal(bounds[TPOT_20].n_over, 1);
    assert_int_equal(bounds[TPOT_50].n_censored, 1);
    assert_int_equal(bounds[TPOT_50].error.n, 0);
    assert_true(isnan(bounds[TPOT_50].error.median));
    /* of 15 bounds TPOT 50 is censored, alone and with TTFT 1000 */
    assert_int_equal(bounds[ALL_BOUNDS].error.n, 13);
    assert_int_equal(bounds[ALL_BOUNDS].n_censored, 2);
    assert_int_equal(bounds[ALL_BOUNDS].n_over, 13);
    end(world, of);
}

static void a_promise_of_a_tenth_more_is_not_an_over_promise(void **state)
{
    (void)state;
    struct world *world = new_world();
    add_row(world, 1, 1, 100, 9, 100, 9); /* both 101 */
    add_row(world, 1, 2, 100, 9, 10, 9);  /* 202; predicted 202 / 0.91 */
    add_row(world, 1, 4, 100, 900, 100, 900);
    struct decisions *of = score(world, 1);
    assert_is(of->capacity.bounds[TPOT_10].error.mean, 100 * log(1 / 0.91));
    assert_int_equal(of->capacity.bounds[TPOT_10].n_over, 0);
    end(world, of);
}

static void feasible_on_one_side_only_is_a_flip_and_on_none_is_neither(void **state)
{
    (void)state;
    struct world *world = new_world();
    add_curve(world, 1.5); /* 12, 24, 48 ms */
    struct decisions *of = score(world, 1);
    assert_int_equal(of->capacity.bounds[TPOT_10].n_flips, 1);
    assert_int_equal(of->capacity.bounds[TPOT_10].error.n, 0);
    assert_int_equal(of->capacity.bounds[TPOT_15].n_flips, 0);
    end(world, of);
    world = new_world();
    add_row(world, 1, 1, 200, 11, 200, 13);
    add_row(world, 1, 2, 200, 12, 200, 14);
    add_row(world, 1, 4, 200, 13, 200, 15);
    of = score(world, 1);
    assert_int_equal(of->capacity.bounds[TPOT_10].n_neither, 1);
    assert_int_equal(of->capacity.bounds[TPOT_10].n_flips, 0);
    end(world, of);
}

static void short_curves_and_refused_ones_have_no_capacity(void **state)
{
    (void)state;
    struct world *world = new_world();
    add_curve(world, 0.5);
    world->results[1].played = false;
    add_row(world, 2, 1, 200, 8, 200, 8);
    add_row(world, 2, 4, 200, 8, 200, 8);
    world->cases[add_row(world, 4, 1, 9, 9, 9, 9) - world->cases].has_config = false;
    struct decisions *of = score(world, 1);
    assert_int_equal(of->capacity.n_curves, 0);
    assert_int_equal(of->capacity.n_refused, 1);
    assert_int_equal(of->n_rows, 6);
    assert_int_equal(of->n_without_preset, 1);
    end(world, of);
}

static void a_spread_interpolates_between_ranks(void **state)
{
    (void)state;
    struct decisions_spread_list list = {0};
    const double values[] = {40, 10, 30, 20, 70};
    for (int i = 0; i < 5; i++) {
        decisions_spread_add(&list, values[i]);
    }
    struct decisions_spread spread = decisions_spread_take(&list);
    assert_int_equal(spread.n, 5);
    assert_is(spread.median, 30);
    assert_is(spread.mean, 34);
    assert_is(spread.p90, 58); /* 0.6 of the way from 40 to 70 */
    assert_int_equal(list.n, 0);
}

/* Off by 5, 10, 20 and 40 % in the logarithm, with a spread of 10 %: z of 0.5, 1, 2, 4. */
static void add_misses(struct world *world)
{
    const double off[] = {0.05, -0.1, 0.2, -0.4};
    for (int i = 0; i < 4; i++) {
        add_row(world, 1, 1 + i, 100, 10 * exp(off[i]), 100, 10)
            ->config.constants.tpot_sd_nano = 100000000;
    }
}

static void intervals_hold_what_is_within_their_quantiles(void **state)
{
    (void)state;
    struct world *world = new_world();
    add_misses(world);
    world->cases[3].config.model_name = "qwen";
    struct decisions *of = score(world, 1);
    const struct decisions_coverage *rows = of->coverage.rows;
    assert_int_equal(of->coverage.n, 6); /* all, llama, qwen; TPOT and TTFT */
    assert_null(rows[0].model);
    assert_int_equal(rows[0].n, 4);
    assert_int_equal(rows[0].n_inside[0], 1); /* z = 0.6745 */
    assert_int_equal(rows[0].n_inside[1], 2); /* 1.2816 */
    assert_int_equal(rows[0].n_inside[2], 2); /* 1.9600 */
    double reach = 1.959963984540054 * 0.1;
    assert_is(rows[0].width[2], exp(reach) - exp(-reach));
    assert_string_equal(rows[2].model, "qwen");
    assert_int_equal(rows[2].n, 1);
    assert_int_equal(rows[2].n_inside[2], 0);
    assert_int_equal(rows[3].metric, PREDICT_TTFT);
    assert_int_equal(rows[3].n, 0); /* nobody gave ttft_sd */
    assert_int_equal(rows[3].n_uncalibrated, 4);
    assert_true(isnan(rows[3].width[0]));
    end(world, of);
}

static char *text_of(void (*write)(const struct decisions *, FILE *),
                     const struct decisions *of)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    write(of, out);
    fclose(out);
    return text;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no '%s' in:\n%s", part, text);
    }
}

static void the_csv_has_every_score_and_leaves_what_does_not_exist_empty(void **state)
{
    (void)state;
    struct world *world = new_world();
    add_curve(world, 0.5);
    add_row(world, 2, 2, 100, 9, 100, 9); /* a second layout; the same precision */
    world->cases[0].config.constants.tpot_sd_nano = 700000000;
    struct decisions *of = score(world, 0.9);
    char *text = text_of(decisions_write, of);
    assert_has(text, "score,bound,metric,value,unit,n\n"
                     "rows,all,without_preset,0,rows,4\n");
    assert_has(text, "\nD1,TPOT 20 ms,median_error,116.315,100 ln,1\n");
    assert_has(text, "\nD1,TPOT 50 ms,median_error,,100 ln,0\n");
    assert_has(text, "\nD1,TPOT 50 ms TTFT 1000 ms,censored,1,curves,0\n");
    assert_has(text, "\nD1,all,over_promises,13,curves,13\n");
    assert_has(text, "\nD2 predicted,TPOT 10 ms,missed,100,%,1\n");
    assert_has(text, "\nD2 largest,TPOT 10 ms,utility,1,1,1\n");
    assert_has(text, "\nD3 50/s,all,median_ratio,,1,0\n");
    assert_has(text, "\nD4,80 % all,tpot_inside,100,%,1\n");
    assert_has(text, "\nD4,80 % all,tpot_uncalibrated,3,rows,1\n");
    assert_has(text, "\nD4,80 % llama,ttft_uncalibrated,4,rows,0\n");
    free(text);
    end(world, of);
}

static void the_tables_say_what_is_not_known(void **state)
{
    (void)state;
    struct world *world = new_world();
    add_curve(world, 0.5);
    add_row(world, 2, 2, 100, 9, 100, 9)->has_config = false;
    struct decisions *of = score(world, 1);
    char *text = text_of(decisions_print, of);
    assert_has(text, "1 of 4 closed-loop rows have no preset");
    assert_has(text,
               "\n   TPOT 20 ms                   1   116.3   116.3   116.3      1"
               "      1      0        0        0\n");
    assert_has(text,
               "\n   TPOT 50 ms                   0       -       -       -      0"
               "      0      0        1        0\n");
    assert_has(text, "\n   mean TPOT  all                          0       -       -"
                     "       -       -       -       -            4\n");
    free(text);
    end(world, of);
}

static void no_rows_give_no_scores(void **state)
{
    (void)state;
    struct world *world = new_world();
    struct decisions *of = score(world, 1);
    char *text = text_of(decisions_print, of);
    assert_int_equal(of->capacity.n_curves, 0);
    assert_int_equal(of->n_places, 0);
    assert_true(decisions_tune(world->cases, world->results, 0) == 1);
    free(text);
    end(world, of);
}

static void who_knows_the_measurements_decides_without_a_fault(void **state)
{
    (void)state;
    const char *path = "../shared/validation/closed_loop_train.csv";
    struct arena arena = {0};
    struct predict_case *cases;
    struct decisions of;
    struct err err;
    int32_t n;
    if (access(path, R_OK) != 0) {
        print_message("skipped: no %s\n", path);
        return;
    }
    assert_int_equal(predict_read(&cases, &n, path, NULL, &arena, &err), 0);
    struct predict_result *results = memory_new((size_t)n, sizeof *results);
    for (int32_t i = 0; i < n; i++) {
        results[i].played = cases[i].has_config;
        memcpy(results[i].value_s, cases[i].measured_s, sizeof results[i].value_s);
    }
    decisions_score(cases, results, n, 1, &of);
    const struct decisions_capacity *capacity = &of.capacity.bounds[ALL_BOUNDS];
    const struct decisions_choice *own =
        &of.choice[DECISIONS_CHOICE_PREDICTED][ALL_BOUNDS];
    assert_true(capacity->error.n > 1000);
    assert_true(capacity->error.p90 == 0);
    assert_int_equal(capacity->n_flips + capacity->n_over, 0);
    assert_true(own->n > 1000);
    assert_is(decisions_choice_utility(own), 1);
    assert_int_equal(own->n_promised, 0);
    for (int k = 0; k < DECISIONS_DOLLARS_LOADS; k++) {
        const struct decisions_dollars *dollars = &of.dollars[k][ALL_BOUNDS];
        assert_int_equal(dollars->n_within, dollars->n);
        assert_is(dollars->ratio.mean, 1);
    }
    assert_is(decisions_tune(cases, results, n), 1);
    decisions_free(&of);
    free(results);
    free(cases);
    memory_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(throughput_is_of_a_full_loop_and_per_gpu),
        cmocka_unit_test(the_best_between_two_points_is_where_the_bound_is_crossed),
        cmocka_unit_test(a_line_may_keep_both_bounds_where_neither_end_does),
        cmocka_unit_test(
            rows_of_one_concurrency_are_averaged_and_points_are_in_its_order),
        cmocka_unit_test(
            twice_too_fast_is_an_error_at_every_bound_that_can_be_compared),
        cmocka_unit_test(a_promise_of_a_tenth_more_is_not_an_over_promise),
        cmocka_unit_test(feasible_on_one_side_only_is_a_flip_and_on_none_is_neither),
        cmocka_unit_test(short_curves_and_refused_ones_have_no_capacity),
        cmocka_unit_test(a_spread_interpolates_between_ranks),
        cmocka_unit_test(intervals_hold_what_is_within_their_quantiles),
        cmocka_unit_test(the_csv_has_every_score_and_leaves_what_does_not_exist_empty),
        cmocka_unit_test(the_tables_say_what_is_not_known),
        cmocka_unit_test(no_rows_give_no_scores),
        cmocka_unit_test(who_knows_the_measurements_decides_without_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
