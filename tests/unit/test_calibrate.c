#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "base/rng.h"
#include "input/config_pool.h"
#include "input/settings.h"
#include "study/calibrate_plan.h"
#include "study/calibrate_scale.h"
#include "study/calibrate_write.h"

#define CLOSED \
    "model,system,backend,backend_version,prec,isl,osl,conc,tp,ttft_ms,tpot_ms\n"
#define STEPS                                                                       \
    "model,hardware,tensor_parallel,prompt_size,batch_size,token_size,prompt_time," \
    "token_time\n"

/* What the servers of these tests have instead of the preset's values. */
static void change(struct constants *constants)
{
    constants->memory_efficiency_nano = 713000000;
    constants->compute_efficiency_nano = 551000000;
    constants->layer_overhead_fs = 27300000000;
}

static const double truth[] = {0.713, 0.551, 27.3};
static const char keys[] = "memory_efficiency,compute_efficiency,layer_overhead_us";

/* Closed loops of three models on two GPUs, their results still to be filled. */
static void write_blank(void)
{
    static const char *const models[] = {"llama-3.1-8b", "llama-3.1-70b", "qwen3-32b"};
    static const char *const systems[] = {"h100_sxm", "h200_sxm"};
    static const int clients[] = {1, 7, 64};
    FILE *file = fopen("blank.csv", "w");
    assert_non_null(file);
    fputs(CLOSED, file);
    for (int i = 0; i < 36; i++) {
        fprintf(file, "%s,%s,vllm,0.17.0,bf16,%d,%d,%d,%d,1,1\n", models[i % 3],
                systems[i / 3 % 2], i / 18 == 0 ? 211 : 3001, 73, clients[i / 6 % 3],
                i % 3 == 1 ? 4 : 2);
    }
    assert_int_equal(fclose(file), 0);
}

/* Copies blank.csv with the times that the changed servers give, and noise on them. */
static void write_measured(const char *path, double noise, double scale)
{
    struct arena arena = {0};
    struct err err;
    struct predict_case *cases;
    int32_t n;
    struct rng rng;
    rng_init(&rng, 13, "noise");
    assert_int_equal(predict_read(&cases, &n, "blank.csv", NULL, &arena, &err), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(CLOSED, file);
    for (int32_t i = 0; i < n; i++) {
        const struct measured_server *server = &cases[i].row.server;
        struct predict_result result;
        change(&cases[i].config.constants);
        cases[i].config.cost.scale_nano = (int64_t)(scale * 1e9);
        predict_play(&cases[i], &result);
        assert_true(result.played);
        double odd[2] = {0, 0};
        for (int k = 0; k < 24; k++) { /* sums of twelve even draws: nearly normal */
            odd[k % 2] += noise * ((double)rng_below(&rng, 1000) / 1000 - 0.4995);
        }
        fprintf(file, "%s,%s,vllm,0.17.0,bf16,%ld,%ld,%ld,%ld,%.6f,%.6f\n",
                server->model, server->system, (long)cases[i].row.closed.prompt_tokens,
                (long)cases[i].row.closed.output_tokens,
                (long)cases[i].row.closed.concurrency, (long)server->tensor_parallel,
                1e3 * result.value_s[PREDICT_TTFT] * exp(odd[0]),
                1e3 * result.value_s[PREDICT_TPOT] * exp(odd[1]));
    }
    assert_int_equal(fclose(file), 0);
    free(cases);
    rng_free(&rng);
    memory_arena_free(&arena);
}

static struct calibrate_options options_of(const char *path, const char *fit)
{
    return (struct calibrate_options){.path = path,
                                      .fit = fit,
                                      .loss = CALIBRATE_HUBER,
                                      .hold_out = CALIBRATE_BY_MODEL,
                                      .n_threads = 2};
}

static void fit_all(struct calibrate *of, const struct calibrate_options *options,
                    struct arena *arena)
{
    struct err err = {0};
    if (calibrate_fit(of, options, NULL, arena, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static double fitted(const struct calibrate *of, int32_t i)
{
    double value = (double)calibrate_keys_value(&of->keys.key[i], &of->constants);
    return value * 1e-9; /* shares in nano, us in femtoseconds */
}

static void constants_that_made_the_data_are_found_again(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct calibrate of;
    struct calibrate_options options = options_of("exact.csv", keys);
    write_measured("exact.csv", 0, 1);
    fit_all(&of, &options, &arena);
    assert_int_equal(of.rows.n_cases, 36);
    assert_int_equal(of.rows.n_deployments, 6);
    for (int32_t i = 0; i < 3; i++) {
        assert_true(fabs(fitted(&of, i) - truth[i]) <= 0.02 * truth[i]);
        assert_int_equal(of.flaw[i], CALIBRATE_SOUND);
        assert_true(of.sd[i] < 0.1);
    }
    calibrate_free(&of);
    memory_arena_free(&arena);
}

/* One draw of the noise; of sixteen, 44 of the 48 constants were within 2 sd. */
static void with_noise_they_are_within_their_standard_deviations(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct calibrate of;
    struct calibrate_options options = options_of("noisy.csv", keys);
    write_measured("noisy.csv", 0.03, 1);
    fit_all(&of, &options, &arena);
    for (int32_t i = 0; i < 3; i++) {
        double away = fitted(&of, i) / truth[i] - 1;
        assert_true(fabs(away) < 2.5 * of.sd[i]);
        assert_true(of.sd[i] > 0.002 && of.sd[i] < 0.2);
    }
    assert_int_equal(of.n_folds, 3);
    calibrate_free(&of);
    memory_arena_free(&arena);
}

static void what_no_row_changes_with_is_named(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct calibrate of;
    /* no model here has experts, and none is in FP8 */
    struct calibrate_options options =
        options_of("dense.csv", "memory_efficiency,expert_compute_efficiency,"
                                "quantised_layer_overhead_us");
    write_measured("dense.csv", 0, 1);
    fit_all(&of, &options, &arena);
    assert_int_equal(of.flaw[0], CALIBRATE_SOUND);
    assert_int_equal(of.flaw[1], CALIBRATE_UNSEEN);
    assert_int_equal(of.flaw[2], CALIBRATE_UNSEEN);
    assert_int_equal(of.constants.expert_compute_efficiency_nano,
                     of.before.expert_compute_efficiency_nano);
    calibrate_free(&of);
    memory_arena_free(&arena);
}

static void constants_that_no_row_can_see_are_not_in_the_standard_fit(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct calibrate of;
    struct calibrate_options options = options_of("standard.csv", NULL);
    options.hold_out = CALIBRATE_NONE;
    write_measured("standard.csv", 0, 1);
    fit_all(&of, &options, &arena);
    for (int32_t i = 0; i < of.keys.n; i++) {
        assert_null(strstr(of.keys.key[i].field->key, "moe"));
        assert_null(strstr(of.keys.key[i].field->key, "expert"));
    }
    assert_null(of.logs_held);
    calibrate_free(&of);
    memory_arena_free(&arena);
}

static void step_times_give_the_efficiencies(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct err err;
    static const char rows[] = STEPS "llama-2-70b,h100-80gb,8,211,1,64,1,1\n"
                                     "llama-2-70b,h100-80gb,8,3001,1,64,1,1\n"
                                     "llama-2-70b,h100-80gb,4,211,17,64,1,1\n"
                                     "llama-2-70b,h100-80gb,4,997,64,64,1,1\n";
    write_file("steps.csv", rows, strlen(rows));
    struct predict_case *cases;
    int32_t n;
    assert_int_equal(predict_read(&cases, &n, "steps.csv", NULL, &arena, &err), 0);
    FILE *file = fopen("steps.csv", "w");
    fputs(STEPS, file);
    for (int32_t i = 0; i < n; i++) {
        const struct measured_step *step = &cases[i].row.step;
        struct predict_result result;
        change(&cases[i].config.constants);
        predict_play(&cases[i], &result);
        fprintf(file, "llama-2-70b,h100-80gb,%ld,%ld,%ld,%ld,%.6f,%.6f\n",
                (long)cases[i].row.server.tensor_parallel, (long)step->prompt_tokens,
                (long)step->batch_size, (long)step->output_tokens,
                1e3 * result.value_s[PREDICT_PROMPT_STEP],
                1e3 * result.value_s[PREDICT_DECODE_STEP]);
    }
    assert_int_equal(fclose(file), 0);
    free(cases);
    struct calibrate of;
    struct calibrate_options options = options_of("steps.csv", keys);
    fit_all(&of, &options, &arena);
    for (int32_t i = 0; i < 3; i++) {
        assert_true(fabs(fitted(&of, i) - truth[i]) <= 0.02 * truth[i]);
    }
    calibrate_free(&of);
    memory_arena_free(&arena);
}

static void a_few_odd_rows_do_not_decide(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct calibrate of;
    struct calibrate_options options = options_of("odd.csv", keys);
    write_measured("odd.csv", 0, 1);
    FILE *file = fopen("odd.csv", "a"); /* ten times too slow */
    fputs("llama-3.1-8b,h100_sxm,vllm,0.17.0,bf16,211,73,8,2,900,70\n"
          "qwen3-32b,h100_sxm,vllm,0.17.0,bf16,211,73,8,2,900,170\n",
          file);
    assert_int_equal(fclose(file), 0);
    fit_all(&of, &options, &arena);
    for (int32_t i = 0; i < 3; i++) {
        assert_true(fabs(fitted(&of, i) - truth[i]) <= 0.08 * truth[i]);
    }
    calibrate_free(&of);
    memory_arena_free(&arena);
}

/* The file gives the very errors that were printed. */
static void the_written_file_is_read_back_to_the_same_constants(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct err err = {0};
    struct calibrate of;
    struct calibrate_options options = options_of("back.csv", keys);
    struct calibrate_origin origin = {.command = "servesim calibrate back.csv; odd"};
    write_measured("back.csv", 0.03, 1);
    fit_all(&of, &options, &arena);
    assert_int_equal(calibrate_write_hash("back.csv", origin.measured_sha256, &err), 0);
    calibrate_write_finish(&of, &origin, &arena);
    assert_int_equal(calibrate_write(&of, &origin, "engine.ini", &err), 0);
    struct settings settings = {0};
    struct constants constants = {0};
    assert_int_equal(settings_read(&settings, "engine.ini", &arena, &err), 0);
    assert_int_equal(settings_apply(&settings, "engine", &constants_table, 1,
                                    &constants, &arena, &err),
                     0);
    assert_int_equal(settings_check_used(&settings, "engine", &err), 0);
    assert_string_equal(constants.source, of.constants.source);
    constants.source = of.constants.source;
    assert_memory_equal(&constants, &of.constants, sizeof constants);
    assert_true(constants.tpot_sd_nano > 0 && constants.ttft_sd_nano > 0);
    calibrate_free(&of);
    memory_arena_free(&arena);
}

static void three_points_give_a_deployments_scale(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct err err = {0};
    static const char three[] =
        CLOSED "llama-3.1-70b,h100_sxm,vllm,0.17.0,bf16,211,73,1,4,1,1\n"
               "llama-3.1-70b,h100_sxm,vllm,0.17.0,bf16,211,73,16,4,1,1\n"
               "llama-3.1-70b,h100_sxm,vllm,0.17.0,bf16,3001,73,64,4,1,1\n";
    write_file("three.csv", three, strlen(three));
    struct predict_case *cases;
    int32_t n;
    assert_int_equal(predict_read(&cases, &n, "three.csv", NULL, &arena, &err), 0);
    FILE *file = fopen("three.csv", "w");
    fputs(CLOSED, file);
    for (int32_t i = 0; i < n; i++) {
        struct predict_result result;
        cases[i].config.cost.scale_nano = 1230000000;
        predict_play(&cases[i], &result);
        fprintf(file, "llama-3.1-70b,h100_sxm,vllm,0.17.0,bf16,%ld,73,%ld,4,%f,%f\n",
                (long)cases[i].row.closed.prompt_tokens,
                (long)cases[i].row.closed.concurrency,
                1e3 * result.value_s[PREDICT_TTFT], 1e3 * result.value_s[PREDICT_TPOT]);
    }
    assert_int_equal(fclose(file), 0);
    free(cases);
    struct calibrate_scale of;
    assert_int_equal(
        calibrate_scale_fit(&of, "three.csv", NULL, NULL, 1, NULL, &arena, &err), 0);
    double scale = exp(of.log_scale);
    assert_true(scale > 1.15 && scale < 1.23); /* drawn towards 1 */
    assert_true(fabs(of.log_scale - log(1.23)) < 2 * of.sd);
    for (int32_t i = 0; i < of.rows.n_rows; i++) {
        assert_true(fabs(of.logs[i]) < fabs(of.logs_before[i]));
    }
    calibrate_scale_free(&of);
    memory_arena_free(&arena);
}

static const char *const server =
    "[workload]\ntrace = day.csv\n[pool.main]\naccelerator = h100-sxm\n"
    "model = llama-3.1-8b\nengine = vllm\npolicy = vllm-v1\n";

static void a_plan_takes_different_loads_and_beats_points_at_random(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct err err = {0};
    struct config config;
    struct calibrate_plan of;
    write_file("server.ini", server, strlen(server));
    assert_int_equal(config_read(&config, "server.ini", NULL, 0, &arena, &err), 0);
    assert_int_equal(calibrate_plan_make(&of, &config, keys, 2, NULL, &arena, &err), 0);
    assert_in_range(of.n_chosen, CALIBRATE_PLAN_LEAST, CALIBRATE_PLAN_MOST);
    double sum_s = 0;
    for (int32_t i = 0; i < of.n_chosen; i++) {
        sum_s += of.points[of.chosen[i]].seconds;
        for (int32_t j = 0; j < i; j++) {
            assert_int_not_equal(of.chosen[i], of.chosen[j]);
        }
    }
    assert_true(sum_s <= 600);
    struct rng rng;
    rng_init(&rng, 5, "points");
    double worth = calibrate_plan_worth(&of, of.chosen, 4);
    for (int k = 0; k < 200; k++) {
        int32_t four[4];
        double four_s = 0;
        for (int i = 0; i < 4; i++) {
            four[i] = (int32_t)rng_below(&rng, of.n_points);
            four_s += of.points[four[i]].seconds;
        }
        assert_true(four_s > 600 || calibrate_plan_worth(&of, four, 4) < worth);
    }
    rng_free(&rng);
    for (int32_t i = 0; i < 3; i++) {
        assert_true(of.sd[i] < of.sd_before);
    }
    calibrate_plan_free(&of);
    memory_arena_free(&arena);
}

static int enter_and_write(void **state)
{
    int status = enter_folder(state);
    write_blank();
    return status;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_that_made_the_data_are_found_again),
        cmocka_unit_test(with_noise_they_are_within_their_standard_deviations),
        cmocka_unit_test(what_no_row_changes_with_is_named),
        cmocka_unit_test(constants_that_no_row_can_see_are_not_in_the_standard_fit),
        cmocka_unit_test(step_times_give_the_efficiencies),
        cmocka_unit_test(a_few_odd_rows_do_not_decide),
        cmocka_unit_test(the_written_file_is_read_back_to_the_same_constants),
        cmocka_unit_test(three_points_give_a_deployments_scale),
        cmocka_unit_test(a_plan_takes_different_loads_and_beats_points_at_random),
    };
    return cmocka_run_group_tests(tests, enter_and_write, leave_folder);
}
