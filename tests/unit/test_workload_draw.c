#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/crowd.h"
#include "../support/files.h"
#include "input/workload.h"

#define LENGTHS                                                             \
    "[prompt]\ndistribution = lognormal_mix\nw = 0.4, 0.6\nmu = 5.1, 6.7\n" \
    "sigma = 0.9, 0.13\nmin = 7\nmax = 4099\n[output]\ndistribution = uni"  \
    "form\nmin = 3\nmax = 137\n"
#define COX                                                                  \
    "[arrivals]\nprocess = cox\nrate_rps = 4.1\nshape = 0.87\nmodulation_cv" \
    " = 0.3\ntau_s = 17\n"

static const char text[] =
    "[workload]\nrequests = 137\nseed = 5\ncopula_rho = 0.4\n" COX LENGTHS;

struct world {
    struct arena arena;
    struct generate_spec spec;
    struct config_workload config;
};

static void enter(struct world *world)
{
    struct err err = {""};
    *world = (struct world){0};
    write_file("w.ini", text, sizeof text - 1);
    generate_read(&world->spec, "w.ini", NULL, 0, &world->arena, &err);
    assert_string_equal(err.text, "");
    world->config = (struct config_workload){.trace = "",
                                             .trace_sha256 = "",
                                             .generator = "w.ini",
                                             .spec = &world->spec,
                                             .rate_scale_nano = 1000000000,
                                             .repeat = 1};
}

static void leave(struct world *world)
{
    memory_arena_free(&world->arena);
}

static void must_open(struct workload *workload, const struct world *world,
                      uint64_t seed)
{
    struct err err = {""};
    workload_open(workload, &world->config, seed, NULL, &err);
    assert_string_equal(err.text, "");
}

/* The requests are those of the description with the overrides, and no others. */
static void assert_drawn(const struct world *world, uint64_t seed,
                         const char *const *overrides, int32_t n)
{
    struct crowd crowd = crowd_generate("w.ini", overrides, n);
    struct workload workload;
    struct sim_arrival arrival;
    struct err err = {""};
    must_open(&workload, world, seed);
    assert_true(crowd.n > 100);
    for (int64_t i = 0; i < crowd.n; i++) {
        assert_int_equal(workload_next(&workload, &arrival, &err), 1);
        assert_int_equal(arrival.arrival_ns, llround(crowd.arrival_s[i] * 1e9));
        assert_int_equal(arrival.prompt_tokens, crowd.prompt[i]);
        assert_int_equal(arrival.output_tokens, crowd.output[i]);
        assert_int_equal(arrival.deadline_ns, -1);
        assert_int_equal(arrival.line, i + 1);
        assert_string_equal(arrival.file, "requests drawn from w.ini");
        assert_null(arrival.labels);
        assert_true(arrival.counted);
    }
    assert_int_equal(workload_next(&workload, &arrival, &err), 0);
    assert_string_equal(err.text, "");
    workload_close(&workload);
    crowd_free(&crowd);
}

static void the_first_run_of_a_description_is_its_trace(void **state)
{
    (void)state;
    struct world world;
    enter(&world);
    assert_drawn(&world, 1, NULL, 0);
    leave(&world);
}

static void the_seed_of_the_run_moves_that_of_the_description(void **state)
{
    (void)state;
    struct world world;
    enter(&world);
    static const char *const third[] = {"workload.seed=7"};
    assert_drawn(&world, 3, third, 1);
    static const char *const before[] = {"workload.seed=4"};
    assert_drawn(&world, 0, before, 1);
    /* 0 + 0 - 1 wraps around to the greatest seed there is */
    world.spec.seed = 0;
    struct workload_draw *draw = workload_draw_new(&world.config, 0);
    assert_true((uint64_t)draw->spec.seed == UINT64_MAX);
    workload_draw_free(draw);
    leave(&world);
}

static void a_limit_draws_so_many_whatever_the_description_says(void **state)
{
    (void)state;
    struct world world;
    enter(&world);
    static const char *const more[] = {"workload.requests=4099"};
    world.config.limit = 4099;
    assert_drawn(&world, 1, more, 1);
    world.spec.has_duration = true; /* a limit does not end with it */
    world.spec.duration_ns = 13000000000;
    assert_drawn(&world, 1, more, 1);
    leave(&world);
}

static void a_duration_ends_what_has_no_limit(void **state)
{
    (void)state;
    struct world world;
    enter(&world);
    static const char *const shorter[] = {"workload.duration_s=29"};
    world.spec.has_duration = true;
    world.spec.duration_ns = 29000000000;
    assert_drawn(&world, 1, shorter, 1);
    leave(&world);
}

static void rate_rps_replaces_the_rate_and_leaves_its_wandering_alone(void **state)
{
    (void)state;
    struct world world;
    enter(&world);
    static const char *const faster[] = {"arrivals.rate_rps=41.37"};
    world.config.rate_rps_nano = 41370000000;
    assert_drawn(&world, 1, faster, 1);
    leave(&world);
}

static void rate_scale_makes_time_shorter(void **state)
{
    (void)state;
    struct world world;
    enter(&world);
    struct crowd crowd = crowd_generate("w.ini", NULL, 0);
    struct workload workload;
    struct sim_arrival arrival;
    struct err err = {""};
    world.config.rate_scale_nano = 4000000000;
    must_open(&workload, &world, 1);
    for (int64_t i = 0; i < crowd.n; i++) {
        assert_int_equal(workload_next(&workload, &arrival, &err), 1);
        int64_t ns = llround(crowd.arrival_s[i] * 1e9);
        assert_int_equal(arrival.arrival_ns, (ns + 2) / 4);
    }
    workload_close(&workload);
    crowd_free(&crowd);
    leave(&world);
}

static void warmup_and_cooldown_count_from_the_first_and_the_last(void **state)
{
    (void)state;
    struct world world;
    enter(&world);
    struct crowd crowd = crowd_generate("w.ini", NULL, 0);
    struct workload workload;
    struct sim_arrival arrival;
    struct err err = {""};
    int64_t first_ns = llround(crowd.arrival_s[0] * 1e9);
    int64_t last_ns = llround(crowd.arrival_s[crowd.n - 1] * 1e9);
    world.config.warmup_ns = 3700000000;
    world.config.cooldown_ns = 7130000000;
    must_open(&workload, &world, 1);
    int64_t n_counted = 0;
    for (int64_t i = 0; i < crowd.n; i++) {
        assert_int_equal(workload_next(&workload, &arrival, &err), 1);
        int64_t at_ns = llround(crowd.arrival_s[i] * 1e9);
        assert_int_equal(arrival.arrival_ns, at_ns);
        assert_int_equal(arrival.counted, at_ns >= first_ns + 3700000000 &&
                                              at_ns <= last_ns - 7130000000);
        n_counted += arrival.counted;
    }
    assert_true(n_counted > 50 && n_counted < crowd.n - 20);
    workload_close(&workload);
    crowd_free(&crowd);
    leave(&world);
}

static void an_interrupt_stops_the_search_for_the_last(void **state)
{
    (void)state;
    static const volatile sig_atomic_t interrupted = 1;
    struct world world;
    struct workload workload;
    struct err err = {""};
    enter(&world);
    world.config.cooldown_ns = 13;
    assert_int_equal(workload_open(&workload, &world.config, 1, &interrupted, &err),
                     -1);
    assert_string_equal(err.text, "interrupted: nothing was written");
    leave(&world);
}

static void what_is_drawn_has_no_hash(void **state)
{
    (void)state;
    struct world world;
    struct workload workload;
    struct err err = {""};
    char hex[65] = "x";
    enter(&world);
    must_open(&workload, &world, 1);
    assert_int_equal(workload_sha256(&workload, hex, &err), 0);
    assert_string_equal(hex, "");
    workload_close(&workload);
    leave(&world);
}

#define TALK                                                                 \
    "[sessions]\n[turns]\ndistribution = geometric\nmean = 4.1\n"            \
    "[followup]\ndistribution = uniform\nmin = 3\nmax = 37\n"                \
    "[gap]\ndistribution = exponential\nmean_s = 7\n[prefix]\ntokens = 41\n" \
    "[client.a]\n[client.b]\n"

/* The run's rows have the labels of those that are written, and a prompt is the prefix and
 * the session's text behind it. */
static void sessions_are_drawn_with_their_labels_and_texts(void **state)
{
    (void)state;
    static const char talk[] =
        "[workload]\nrequests = 137\nseed = 5\n" COX LENGTHS TALK;
    struct world world = {0};
    struct err err = {""};
    write_file("w.ini", talk, sizeof talk - 1);
    generate_read(&world.spec, "w.ini", NULL, 0, &world.arena, &err);
    assert_string_equal(err.text, "");
    world.config = (struct config_workload){.trace = "",
                                            .trace_sha256 = "",
                                            .generator = "w.ini",
                                            .spec = &world.spec,
                                            .rate_scale_nano = 1000000000,
                                            .repeat = 1,
                                            .session_prefix = 1};
    struct workload workload;
    struct sim_arrival arrival;
    struct generate_draw draw;
    struct trace_row row;
    must_open(&workload, &world, 1);
    generate_start(&draw, &world.spec);
    while (generate_next(&draw, &row, &err) > 0) {
        assert_int_equal(workload_next(&workload, &arrival, &err), 1);
        assert_int_equal(arrival.arrival_ns, row.arrival_ns);
        assert_int_equal(arrival.prompt_tokens, row.prompt_tokens);
        char labels[256];
        snprintf(labels, sizeof labels, "%c%s%c%s", SIM_LABEL_SEPARATOR, row.tenant,
                 SIM_LABEL_SEPARATOR, row.session_id);
        assert_string_equal(arrival.labels, labels);
        assert_int_equal(arrival.n_parts, 2);
        assert_int_equal(arrival.parts[0].tokens, 41);
        assert_int_equal(arrival.parts[1].tokens,
                         row.prompt_tokens + row.output_tokens - 41);
        free(arrival.labels);
        free(arrival.parts);
    }
    assert_int_equal(draw.n, 137);
    assert_int_equal(workload_next(&workload, &arrival, &err), 0);
    generate_stop(&draw);
    workload_close(&workload);
    leave(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_run_of_a_description_is_its_trace),
        cmocka_unit_test(the_seed_of_the_run_moves_that_of_the_description),
        cmocka_unit_test(a_limit_draws_so_many_whatever_the_description_says),
        cmocka_unit_test(a_duration_ends_what_has_no_limit),
        cmocka_unit_test(rate_rps_replaces_the_rate_and_leaves_its_wandering_alone),
        cmocka_unit_test(rate_scale_makes_time_shorter),
        cmocka_unit_test(warmup_and_cooldown_count_from_the_first_and_the_last),
        cmocka_unit_test(an_interrupt_stops_the_search_for_the_last),
        cmocka_unit_test(what_is_drawn_has_no_hash),
        cmocka_unit_test(sessions_are_drawn_with_their_labels_and_texts),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
