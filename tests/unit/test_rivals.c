#include "decisions_world.h"

#include "hardware_world.h"
#include "study/rivals.h"

/* A row with hardware: prompts of 750 and outputs of 150 tokens in the mean. */
static struct predict_case *add(struct world *world, const char *model,
                                const struct llm *llm, const char *gpu, int64_t tp,
                                int64_t concurrency, double ttft_ms, double tpot_ms)
{
    struct predict_case *of =
        add_row(world, tp, concurrency, ttft_ms, tpot_ms, NAN, NAN);
    of->row.closed.output_tokens = 200;
    of->row.closed.range_ratio_nano = 500000000;
    of->config.model_name = model;
    of->config.llm = *llm;
    of->config.accelerator_name = gpu;
    of->config.accelerator = h100;
    return of;
}

static void a_spreadsheet_divides_bytes_by_bandwidth_and_flops_by_peak(void **state)
{
    (void)state;
    struct world *world = new_world();
    struct predict_result result;
    rivals_spreadsheet(add(world, "llama", &llama_8b, "h100", 2, 16, 1, 1), &result);
    /* contexts of 750 + 75 tokens, 131,072 bytes each */
    double tpot_s = (16060522496 + 16 * 825 * 131072.0) / (2 * 3.35e12);
    double ttft_s = 2 * 8030261248 * 750.0 / (2 * 989.4e12);
    assert_true(result.played);
    assert_is(result.value_s[PREDICT_TPOT], tpot_s);
    assert_is(result.value_s[PREDICT_TTFT], ttft_s);
    assert_is(result.value_s[PREDICT_E2E], ttft_s + 149 * tpot_s);
    assert_true(isnan(result.value_s[PREDICT_TTFT_P99]));
    end(world, NULL);
}

static void the_nearest_row_is_of_another_model_or_another_gpu(void **state)
{
    (void)state;
    struct world *world = new_world();
    struct predict_result result;
    add(world, "llama-8b", &llama_8b, "h100", 1, 16, 11, 1);
    add(world, "llama-8b", &llama_8b, "h100", 1, 17, 12, 2); /* its own curve */
    add(world, "llama-70b", &llama_70b, "h100", 8, 16, 13, 3);
    add(world, "llama-70b", &llama_70b, "h100", 8, 160, 14, 4);
    add(world, "llama-8b", &llama_8b, "a100", 1, 40, 15, 5);
    rivals_nearest(world->cases, world->n, 0, &result);
    /* 70 GB over 8 GPUs is 1.1 times 8 GB over one; 40 clients are 2.5 times 16 */
    assert_is(result.value_s[PREDICT_TTFT], 0.013);
    assert_is(result.value_s[PREDICT_TPOT], 0.003);
    assert_is(result.value_s[PREDICT_E2E], 0.013 + 149 * 0.003);
    world->cases[2].row.closed.output_tokens = 2000; /* ten times as many */
    rivals_nearest(world->cases, world->n, 0, &result);
    assert_is(result.value_s[PREDICT_TPOT], 0.005);
    end(world, NULL);
}

static void of_equally_near_rows_the_first_one_counts(void **state)
{
    (void)state;
    struct world *world = new_world();
    struct predict_result result;
    add(world, "llama-8b", &llama_8b, "h200", 1, 16, 11, 1);
    add(world, "llama-8b", &llama_8b, "h100", 1, 16, 12, 2);
    add(world, "llama-8b", &llama_8b, "a100", 1, 16, 13, 3);
    rivals_nearest(world->cases, world->n, 2, &result);
    assert_is(result.value_s[PREDICT_TPOT], 0.001);
    end(world, NULL);
}

static void rivals_say_why_they_do_not_predict(void **state)
{
    (void)state;
    struct world *world = new_world();
    struct predict_result result;
    struct predict_case *of = add(world, "llama", &llama_8b, "h100", 1, 16, 11, 1);
    rivals_nearest(world->cases, world->n, 0, &result);
    assert_false(result.played);
    assert_string_equal(result.refusal, "no other model or GPU was measured");
    of->kind = MEASURED_OPEN;
    rivals_spreadsheet(of, &result);
    assert_false(result.played);
    assert_string_equal(result.refusal, "this rival predicts closed-loop rows only");
    of->has_config = false;
    strcpy(of->refusal, "no such model");
    rivals_nearest(world->cases, world->n, 0, &result);
    assert_string_equal(result.refusal, "no such model");
    assert_true(isnan(result.value_s[PREDICT_TPOT]));
    end(world, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spreadsheet_divides_bytes_by_bandwidth_and_flops_by_peak),
        cmocka_unit_test(the_nearest_row_is_of_another_model_or_another_gpu),
        cmocka_unit_test(of_equally_near_rows_the_first_one_counts),
        cmocka_unit_test(rivals_say_why_they_do_not_predict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
