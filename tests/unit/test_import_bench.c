#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/importing.h"
#include "input/measured.h"

/* As `vllm bench serve --save-result --save-detailed` writes it; the last of the four was
 * not answered. */
#define VLLM(rate, clients)                                                          \
    "{\"backend\": \"vllm\", \"model_id\": \"Qwen/Qwen3-8B-FP8\", \"num_prompts\": " \
    "4, "                                                                            \
    "\"request_rate\": " rate ", \"max_concurrency\": " clients                      \
    ", \"duration\": 12.5, "                                                         \
    "\"completed\": 3, \"total_input_tokens\": 3100, \"total_output_tokens\": 50, "  \
    "\"mean_ttft_ms\": 41.0137, \"p99_ttft_ms\": 90.5, \"mean_tpot_ms\": 7.25, "     \
    "\"input_lens\": [1034, 17, 2049, 5], \"output_lens\": [3, 1, 46, 0], "          \
    "\"ttfts\": [0.0137, 0.025, 0.5, 0.0], "                                         \
    "\"itls\": [[0.01, 0.02], [], [0.45], []], "                                     \
    "\"start_times\": [100.75, 100.5, 103.25, 99.0]}\n"

static void a_vllm_benchmark_with_clients_is_a_closed_loop(void **state)
{
    (void)state;
    assert_imports("vllm-bench", VLLM("\"inf\"", "7"),
                   "src,backend,model,system,prec,isl,osl,conc,tp,ttft_ms,tpot_ms\n"
                   "vllm-bench,vllm,Qwen/Qwen3-8B-FP8,,fp8,1033,17,7,,41.0137,7.25\n");
    assert_imports("vllm-bench", VLLM("\"inf\"", "null"),
                   "src,backend,model,system,prec,isl,osl,conc,tp,ttft_ms,tpot_ms\n"
                   "vllm-bench,vllm,Qwen/Qwen3-8B-FP8,,fp8,1033,17,4,,41.0137,7.25\n");
}

static void a_vllm_benchmark_at_a_rate_is_an_open_loop(void **state)
{
    (void)state;
    assert_imports(
        "vllm-bench", VLLM("0.25", "null"),
        "experiment,stage,model,system,tp,precision,stages,question_len,output_len,"
        "ttft_mean_ms,ttft_p90_ms,ttft_p99_ms,e2e_mean_ms,e2e_p90_ms,e2e_p99_ms,"
        "itl_mean_ms\n"
        "vllm-bench,-1,Qwen/"
        "Qwen3-8B-FP8,,,fp8,0.25x12.5,1033,17,41.0137,,90.5,157.0137,"
        ",,7.25\n");
    assert_import_refuses(
        "vllm-bench", VLLM("0.25", "7"),
        "f: request_rate: 0.25 with a max_concurrency of 7 is neither a "
        "closed nor an open loop: measure with one of them");
}

static void requests_of_a_vllm_benchmark_are_in_order_of_arrival(void **state)
{
    (void)state;
    assert_imports(
        "vllm-bench-requests", VLLM("\"inf\"", "7"),
        "id,arrival_s,prompt_tokens,output_tokens,ttft_ms,tpot_ms,latency_ms\n"
        "0,0,17,1,25,,25\n"
        "1,0.25,1034,3,13.7,15,43.7\n"
        "2,2.75,2049,46,500,10,950\n");
}

static void what_is_wrong_in_a_vllm_benchmark_is_named(void **state)
{
    (void)state;
    assert_import_refuses("vllm-bench", "[]", "f: expected an object, is an array");
    assert_import_refuses("vllm-bench", "{}", "f: model_id: is missing");
    assert_import_refuses("vllm-bench", "{\"model_id\": 7}",
                          "f: model_id: expected a string, is an integer");
    assert_import_refuses("vllm-bench-requests", "{}",
                          "f: input_lens: is missing: save it with --save-detailed");
    assert_import_refuses("vllm-bench-requests",
                          "{\"input_lens\": [17], \"output_lens\": []}",
                          "f: output_lens: has 0 elements, input_lens has 1");
    assert_import_refuses("vllm-bench-requests",
                          "{\"input_lens\": [17], \"output_lens\": [7], \"ttfts\": "
                          "[0.1], \"itls\": [[]]}",
                          "f: start_times: is missing: save it with --save-detailed by "
                          "a vLLM that says when "
                          "requests were sent");
    assert_import_refuses(
        "vllm-bench-requests",
        "{\"input_lens\": [17], \"output_lens\": [7], \"ttfts\": [-1], "
        "\"itls\": [[]], \"start_times\": [0]}",
        "f: ttfts[0]: expected seconds");
    assert_import_refuses(
        "vllm-bench-requests",
        "{\"input_lens\": [17], \"output_lens\": [0], \"ttfts\": [0], "
        "\"itls\": [[]], \"start_times\": [0]}",
        "f: no request was answered");
}

#define SPREAD(mean)                    \
    "{\"successful\": {\"mean\": " mean \
    ", \"percentiles\": {\"p90\": 90.5, \"p99\": 99.5}}}"
#define PROMPTS "\"prompt_token_count\": " SPREAD("512.4")
#define OUTPUTS "\"output_token_count\": " SPREAD("137")
#define GAPS "\"inter_token_latency_ms\": " SPREAD("7.25")
#define FIRSTS "\"time_to_first_token_ms\": " SPREAD("41.0137")
#define WHOLES "\"request_latency\": {\"successful\": {\"mean\": 1.0375}}"
#define METRICS \
    "\"metrics\": {" PROMPTS ", " OUTPUTS ", " GAPS ", " FIRSTS ", " WHOLES "}"
#define OLD_REQUEST                                                                  \
    "{\"start_time\": 1750000001.25, \"prompt_tokens\": 512, \"output_tokens\": 1, " \
    "\"time_to_first_token_ms\": 40, \"inter_token_latency_ms\": 0.0, "              \
    "\"request_latency\": 0.04}"
#define NEW_REQUEST                                                   \
    "{\"request_start_time\": 1750000000.5, \"prompt_tokens\": 513, " \
    "\"output_tokens\": 137, \"time_to_first_token_ms\": 41.5, "      \
    "\"inter_token_latency_ms\": 7.25, \"request_latency\": 1.0275}"
#define OLD_ANSWERED ", \"requests\": {\"successful\": [" OLD_REQUEST "]}}"
#define NEW_ANSWERED \
    ", \"requests\": {\"successful\": [" NEW_REQUEST ", {\"output_tokens\": null}]}}"
#define WORKER "\"worker\": {\"backend_model\": \"qwen3-8b\"}"
#define OLD(strategy)                                  \
    "{\"args\": {\"strategy\": " strategy "}, " WORKER \
    ", \"duration\": 60.5, " METRICS OLD_ANSWERED
#define NEW(strategy)                       \
    "{\"config\": {\"strategy\": " strategy \
    "}, \"duration\": 60.5, " METRICS NEW_ANSWERED
#define SYNCHRONOUS "{\"type_\": \"synchronous\"}"
#define CONCURRENT "{\"type_\": \"concurrent\", \"streams\": 17}"
#define THROUGHPUT "{\"type_\": \"throughput\"}"
#define POISSON "{\"type_\": \"poisson\", \"rate\": 1.37}"
#define OLD_REPORT "{\"benchmarks\": [" OLD(SYNCHRONOUS) ", " OLD(CONCURRENT) "]}"
#define NEW_THREE NEW(SYNCHRONOUS) ", " NEW(THROUGHPUT) ", " NEW(POISSON)
#define NEW_REPORT \
    "{\"args\": {\"model\": \"x/qwen3-8b-awq\"}, \"benchmarks\": [" NEW_THREE "]}"

static void an_older_guidellm_report_with_clients_is_a_closed_loop(void **state)
{
    (void)state;
    assert_imports("guidellm", OLD_REPORT,
                   "src,backend,model,system,prec,isl,osl,conc,tp,ttft_ms,tpot_ms\n"
                   "guidellm,,qwen3-8b,,,512,137,1,,41.0137,7.25\n"
                   "guidellm,,qwen3-8b,,,512,137,17,,41.0137,7.25\n");
}

static void a_newer_guidellm_sweep_is_an_open_loop(void **state)
{
    (void)state;
    assert_imports(
        "guidellm", NEW_REPORT,
        "experiment,stage,model,system,tp,precision,stages,question_len,output_len,"
        "ttft_mean_ms,ttft_p90_ms,ttft_p99_ms,e2e_mean_ms,e2e_p90_ms,e2e_p99_ms,"
        "itl_mean_ms\n"
        "guidellm,-1,x/"
        "qwen3-8b-awq,,,int4,1.37x60.5,512,137,41.0137,90.5,99.5,1037.5,,,"
        "7.25\n");
}

static void requests_of_guidellm_are_read_old_and_new(void **state)
{
    (void)state;
    assert_imports(
        "guidellm-requests", "{\"benchmarks\": [" OLD("{}") ", " NEW("{}") "]}",
        "id,arrival_s,prompt_tokens,output_tokens,ttft_ms,tpot_ms,latency_ms\n"
        "0,0,513,137,41.5,7.25,1027.5\n"
        "1,0.75,512,1,40,,40\n");
}

static void what_is_wrong_in_a_guidellm_report_is_named(void **state)
{
    (void)state;
    assert_import_refuses("guidellm", "{}", "f: benchmarks: is missing");
    assert_import_refuses("guidellm", "{\"benchmarks\": []}",
                          "f: benchmarks: none was run at a rate or with a number of "
                          "clients");
    assert_import_refuses("guidellm", "{\"benchmarks\": [7]}",
                          "f: benchmarks[0]: expected an object, is an integer");
    assert_import_refuses("guidellm",
                          "{\"benchmarks\": [" OLD("{\"type_\": \"concurrent\"}") "]}",
                          "f: benchmarks[0].args.strategy.streams: is missing");
    assert_import_refuses(
        "guidellm", "{\"benchmarks\": [" NEW("{\"type_\": \"tidal\"}") "]}",
        "f: benchmarks[0].config.strategy.type_: 'tidal' is not one of synchronous, "
        "concurrent, constant, poisson, throughput");
    assert_import_refuses("guidellm-requests",
                          "{\"benchmarks\": [{\"requests\": {\"successful\": []}}]}",
                          "f: the report holds no answered request with its tokens and "
                          "times");
}

static void reports_cut_off_anywhere_are_refused(void **state)
{
    (void)state;
    assert_survives_truncation("vllm-bench", VLLM("\"inf\"", "7"));
    assert_survives_truncation("vllm-bench-requests", VLLM("\"inf\"", "7"));
    assert_survives_truncation("guidellm", NEW_REPORT);
    assert_survives_truncation("guidellm-requests", OLD_REPORT);
}

static void rows_that_are_filled_in_are_read_as_measurements(void **state)
{
    (void)state;
    struct err err;
    char *made = import_text("vllm-bench-requests", VLLM("\"inf\"", "7"),
                             strlen(VLLM("\"inf\"", "7")), &err);
    write_file("m.csv", made, strlen(made));
    free(made);
    struct measured *measured = measured_open("m.csv", &err);
    struct measured_row row;
    assert_int_equal(measured_next(measured, &row, &err), 1);
    assert_int_equal(measured_next(measured, &row, &err), 1);
    assert_int_equal(row.request.arrival_ns, 250000000);
    assert_int_equal(row.request.tpot_ns, 15000000);
    measured_close(measured);
    made = import_text("guidellm", NEW_REPORT, strlen(NEW_REPORT), &err);
    write_file("m.csv", made, strlen(made));
    free(made);
    measured = measured_open("m.csv", &err);
    assert_int_equal(measured_next(measured, &row, &err), -1);
    assert_string_equal(err.text,
                        "m.csv:2: system: is missing or empty: write what it was "
                        "measured on (`hardware` is read, too)");
    measured_close(measured);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vllm_benchmark_with_clients_is_a_closed_loop),
        cmocka_unit_test(a_vllm_benchmark_at_a_rate_is_an_open_loop),
        cmocka_unit_test(requests_of_a_vllm_benchmark_are_in_order_of_arrival),
        cmocka_unit_test(what_is_wrong_in_a_vllm_benchmark_is_named),
        cmocka_unit_test(an_older_guidellm_report_with_clients_is_a_closed_loop),
        cmocka_unit_test(a_newer_guidellm_sweep_is_an_open_loop),
        cmocka_unit_test(requests_of_guidellm_are_read_old_and_new),
        cmocka_unit_test(what_is_wrong_in_a_guidellm_report_is_named),
        cmocka_unit_test(reports_cut_off_anywhere_are_refused),
        cmocka_unit_test(rows_that_are_filled_in_are_read_as_measurements),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
