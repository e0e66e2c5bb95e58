#include "decisions_world.h"

/* Two layouts, predicted as they are: 101 and 202 tokens per second and GPU on one GPU at
 * 8 and 16 ms, 202 and 404 on four at 9 and 18 ms. */
static struct world *two_layouts(void)
{
    struct world *world = new_world();
    add_row(world, 1, 1, 200, 8, 200, 8);
    add_row(world, 1, 4, 400, 16, 400, 16);
    add_row(world, 4, 8, 100, 9, 100, 9);
    add_row(world, 4, 32, 200, 18, 200, 18);
    return world;
}

static void a_right_prediction_finds_the_best_layout_and_rules_of_thumb_do_not(
    void **state)
{
    (void)state;
    struct world *world = two_layouts();
    struct decisions *of = score(world, 1);
    struct decisions_choice(*choice)[DECISIONS_CURVE_BOUNDS + 1] = of->choice;
    assert_int_equal(of->n_places, 1);
    assert_is(choice[DECISIONS_CHOICE_PREDICTED][ALL_BOUNDS].utility_sum, 15);
    assert_int_equal(choice[DECISIONS_CHOICE_PREDICTED][ALL_BOUNDS].n, 15);
    assert_is(choice[DECISIONS_CHOICE_SMALLEST][TPOT_10].utility_sum, 0.5);
    assert_is(choice[DECISIONS_CHOICE_SMALLEST][TPOT_20].utility_sum, 0.5);
    assert_is(choice[DECISIONS_CHOICE_LARGEST][TPOT_20].utility_sum, 1);
    end(world, of);
}

static void what_breaks_the_measured_bound_by_more_than_a_twentieth_is_a_miss(
    void **state)
{
    (void)state;
    struct world *world = two_layouts();
    world->cases[2].measured_s[PREDICT_TPOT] = 0.0104;
    struct decisions *of = score(world, 1);
    const struct decisions_choice *own = of->choice[DECISIONS_CHOICE_PREDICTED];
    /* 808 / (0.1 + 1.04) / 4 is more than the 101 that keep the bound: at most 1 */
    assert_is(own[TPOT_10].utility_sum, 1);
    assert_int_equal(own[TPOT_10].n_missed, 0);
    decisions_free(of);
    free(of);
    world->cases[2].measured_s[PREDICT_TPOT] = 0.0106;
    of = score(world, 1);
    own = of->choice[DECISIONS_CHOICE_PREDICTED];
    assert_is(own[TPOT_10].utility_sum, 0);
    assert_int_equal(own[TPOT_10].n_missed, 1);
    assert_is(decisions_choice_misses(&own[TPOT_10]), 1);
    assert_int_equal(of->choice[DECISIONS_CHOICE_SMALLEST][TPOT_10].n_missed, 0);
    end(world, of);
}

static void choosing_nothing_is_worth_nothing_but_is_no_miss(void **state)
{
    (void)state;
    struct world *world = two_layouts();
    for (int i = 0; i < 4; i++) {
        world->results[i].value_s[PREDICT_TPOT] = 0.012;
    }
    world->results[3].played = false;
    struct decisions *of = score(world, 1);
    const struct decisions_choice *own = of->choice[DECISIONS_CHOICE_PREDICTED];
    assert_int_equal(own[TPOT_10].n, 1);
    assert_int_equal(own[TPOT_10].n_declined, 1);
    assert_int_equal(own[TPOT_10].n_missed, 0);
    assert_is(own[TPOT_10].utility_sum, 0);
    /* the best, 404, was refused */
    assert_is(own[TPOT_20].utility_sum, 0.5);
    end(world, of);
}

static void a_bound_that_nothing_keeps_is_counted_apart(void **state)
{
    (void)state;
    struct world *world = two_layouts();
    world->cases[0].measured_s[PREDICT_TPOT] = 0.011;
    world->cases[2].measured_s[PREDICT_TPOT] = 0.012;
    struct decisions *of = score(world, 1);
    const struct decisions_choice *own = of->choice[DECISIONS_CHOICE_PREDICTED];
    assert_int_equal(own[TPOT_10].n, 0);
    assert_int_equal(own[TPOT_10].n_impossible, 1);
    assert_int_equal(own[TPOT_10].n_promised, 1);
    assert_true(isnan(decisions_choice_utility(&own[TPOT_10])));
    end(world, of);
}

static void of_equal_predictions_the_first_curve_is_chosen(void **state)
{
    (void)state;
    struct world *world = new_world();
    add_row(world, 1, 1, 1050, 9.7, 200, 8); /* measured 101 / 2.02 = 50 */
    add_row(world, 2, 2, 200, 8, 200, 8);    /* 101 */
    struct decisions *of = score(world, 1);
    assert_is(of->choice[DECISIONS_CHOICE_PREDICTED][TPOT_10].utility_sum, 50 / 101.0);
    end(world, of);
}

static void other_versions_and_single_layouts_are_not_places(void **state)
{
    (void)state;
    struct world *world = two_layouts();
    strcpy(world->cases[2].row.server.backend_version, "0.20.0");
    strcpy(world->cases[3].row.server.backend_version, "0.20.0");
    struct decisions *of = score(world, 1);
    assert_int_equal(of->n_places, 0);
    assert_int_equal(of->n_jobs, 0);
    end(world, of);
}

/* At 10 ms the better layout is predicted a little too fast: 9.45 for 10.6. */
static struct world *optimist(void)
{
    struct world *world = new_world();
    add_row(world, 1, 1, 100, 8.8, 100, 8);
    add_row(world, 2, 8, 100, 10.6, 100, 9.45);
    return world;
}

static void headroom_is_what_stops_misses_and_as_near_to_1_as_can_be(void **state)
{
    (void)state;
    struct world *world = optimist();
    assert_is(decisions_tune(world->cases, world->results, world->n), 0.94);
    struct decisions *of = score(world, 1);
    const struct decisions_choice *own = of->choice[DECISIONS_CHOICE_PREDICTED];
    assert_int_equal(own[ALL_BOUNDS].n_missed, 3);
    assert_is(own[ALL_BOUNDS].utility_sum, 12);
    end(world, of);
    world = optimist();
    of = score(world, 0.94);
    own = of->choice[DECISIONS_CHOICE_PREDICTED];
    assert_int_equal(own[ALL_BOUNDS].n_missed, 0);
    assert_is(own[ALL_BOUNDS].utility_sum, 15);
    end(world, of);
}

static void headroom_is_tuned_on_training_rows_only(void **state)
{
    (void)state;
    struct world *world = optimist();
    strcpy(world->cases[0].row.server.split, "test");
    assert_is(decisions_tune(world->cases, world->results, world->n), 1);
    end(world, NULL);
}

/* One GPU of each kind: 2 requests a second for 2 dollars at 16 ms, 8 for 5 at 18 ms. */
static struct world *two_gpus(void)
{
    struct world *world = new_world();
    add_row(world, 1, 4, 400, 16, 400, 16);
    struct predict_case *of = add_row(world, 1, 16, 200, 18, 200, 18);
    strcpy(of->row.server.system, "b200");
    of->config.accelerator.usd_per_hour_nano = 5000000000;
    return world;
}

static void a_right_prediction_pays_the_best_bill(void **state)
{
    (void)state;
    struct world *world = two_gpus();
    struct decisions *of = score(world, 1);
    assert_int_equal(of->n_jobs, 1);
    for (int k = 0; k < DECISIONS_DOLLARS_LOADS; k++) {
        const struct decisions_dollars *row = of->dollars[k];
        assert_int_equal(row[TPOT_20].n, 1);
        assert_is(row[TPOT_20].ratio.median, 1);
        assert_int_equal(row[TPOT_20].n_within, 1);
        assert_int_equal(row[TPOT_20].n_short, 0);
        assert_int_equal(row[TPOT_10].n_impossible, 1);
        /* 20, 30 and 50 ms, whatever the TTFT */
        assert_int_equal(row[ALL_BOUNDS].n, 9);
        assert_int_equal(row[ALL_BOUNDS].n_within, 9);
        assert_int_equal(row[ALL_BOUNDS].n_impossible, 6);
    }
    end(world, of);
}

static void who_buys_too_few_replicas_buys_the_rest(void **state)
{
    (void)state;
    struct world *world = two_gpus();
    world->results[0].value_s[PREDICT_TTFT] = 0.1; /* 8 a second for 2 dollars */
    world->results[0].value_s[PREDICT_TPOT] = 0.004;
    struct decisions *of = score(world, 1);
    const double ratios[] = {
        6.0 / 5,     /* 3 at 2 dollars instead of 1 at 5 */
        50.0 / 35,   /* 25, not 7 at 5 */
        500.0 / 315, /* 250, not 63 at 5 */
    };
    for (int k = 0; k < DECISIONS_DOLLARS_LOADS; k++) {
        assert_is(of->dollars[k][TPOT_20].ratio.median, ratios[k]);
        assert_int_equal(of->dollars[k][TPOT_20].n_short, 1);
        assert_int_equal(of->dollars[k][TPOT_20].n_within, 0);
    }
    end(world, of);
}

static void who_buys_too_many_pays_for_them(void **state)
{
    (void)state;
    struct world *world = two_gpus();
    world->results[0].value_s[PREDICT_TPOT] = 0.060;
    world->results[1].value_s[PREDICT_TTFT] = 2.1; /* 16 / (2.1 + 1.9) = 4 a second */
    world->results[1].value_s[PREDICT_TPOT] = 0.019;
    struct decisions *of = score(world, 1);
    assert_is(of->dollars[1][TPOT_20].ratio.median, 65.0 / 35);
    assert_int_equal(of->dollars[1][TPOT_20].n_short, 0);
    /* neither keeps a TTFT of 1,000 ms in prediction */
    assert_int_equal(of->dollars[1][TPOT_20_TTFT_1000].n_declined, 1);
    end(world, of);
}

static void a_gpu_without_a_price_is_no_offer_and_a_broken_bound_a_miss(void **state)
{
    (void)state;
    struct world *world = two_gpus();
    world->cases[1].config.accelerator.usd_per_hour_nano = 0;
    struct predict_case *of = add_row(world, 1, 8, 100, 22, 100, 12);
    strcpy(of->row.server.system, "h200");
    struct decisions *scores = score(world, 1);
    /* the third is predicted 6 a second; it was measured at 22 ms */
    assert_int_equal(scores->dollars[1][TPOT_20].n, 1);
    assert_int_equal(scores->dollars[1][TPOT_20].n_missed, 1);
    assert_int_equal(scores->dollars[1][TPOT_20].n_within, 0);
    assert_true(isnan(scores->dollars[1][TPOT_20].ratio.median));
    assert_is(scores->dollars[1][TPOT_30].ratio.median, 1);
    end(world, scores);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_right_prediction_finds_the_best_layout_and_rules_of_thumb_do_not),
        cmocka_unit_test(
            what_breaks_the_measured_bound_by_more_than_a_twentieth_is_a_miss),
        cmocka_unit_test(choosing_nothing_is_worth_nothing_but_is_no_miss),
        cmocka_unit_test(a_bound_that_nothing_keeps_is_counted_apart),
        cmocka_unit_test(of_equal_predictions_the_first_curve_is_chosen),
        cmocka_unit_test(other_versions_and_single_layouts_are_not_places),
        cmocka_unit_test(headroom_is_what_stops_misses_and_as_near_to_1_as_can_be),
        cmocka_unit_test(headroom_is_tuned_on_training_rows_only),
        cmocka_unit_test(a_right_prediction_pays_the_best_bill),
        cmocka_unit_test(who_buys_too_few_replicas_buys_the_rest),
        cmocka_unit_test(who_buys_too_many_pays_for_them),
        cmocka_unit_test(a_gpu_without_a_price_is_no_offer_and_a_broken_bound_a_miss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
