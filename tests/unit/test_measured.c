#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "input/measured.h"

#define CLOSED                                                               \
    "src,day,backend,backend_version,model,system,prec,isl,osl,range_ratio," \
    "conc,tp,dp,ep,ttft_ms,tpot_ms,split\n"
#define OPEN \
    "model,hardware,precision,stages,question_len,output_len,ttft_mean_ms,e2e_mean_ms"
#define SHORT "model,system,prec,isl,osl,conc,ttft_ms,tpot_ms\n"

static struct measured *open_text(const char *text)
{
    struct err err = {0};
    write_file("m.csv", text, strlen(text));
    struct measured *measured = measured_open("m.csv", &err);
    assert_string_equal(err.text, "");
    return measured;
}

static struct measured_row only_row(const char *text, enum measured_kind kind)
{
    struct err err = {0};
    struct measured_row row;
    struct measured *measured = open_text(text);
    assert_int_equal(measured_kind(measured), kind);
    if (measured_next(measured, &row, &err) != 1) {
        fail_msg("no row: %s", err.text);
    }
    struct measured_row next;
    assert_int_equal(measured_next(measured, &next, &err), 0);
    measured_close(measured);
    return row;
}

static void assert_refused(const char *text, const char *message)
{
    struct err err = {0};
    write_file("m.csv", text, strlen(text));
    struct measured *measured = measured_open("m.csv", &err);
    if (measured != NULL) {
        struct measured_row row;
        int result;
        while ((result = measured_next(measured, &row, &err)) == 1) {
        }
        assert_int_equal(result, -1);
        measured_close(measured);
    }
    assert_string_equal(err.text, message);
}

static void a_closed_loop_row_is_read_exactly(void **state)
{
    (void)state;
    struct measured_row row = only_row(
        CLOSED "dbdump,2026-04-20,vllm,0.17.0,Kimi-K2.5,b200_sxm,fp4,1024,4099,"
               "0.8,37,8,3,5,74.1410004,7.0616,train\r\n\n",
        MEASURED_CLOSED);
    assert_int_equal(row.line, 2);
    assert_string_equal(row.server.source, "dbdump");
    assert_string_equal(row.server.day, "2026-04-20");
    assert_string_equal(row.server.backend, "vllm");
    assert_string_equal(row.server.backend_version, "0.17.0");
    assert_string_equal(row.server.model, "Kimi-K2.5");
    assert_string_equal(row.server.system, "b200_sxm");
    assert_string_equal(row.server.precision, "fp4");
    assert_string_equal(row.server.split, "train");
    assert_int_equal(row.server.tensor_parallel, 8);
    assert_int_equal(row.server.pipeline_parallel, 1);
    assert_int_equal(row.server.data_parallel, 3);
    assert_int_equal(row.server.expert_parallel, 5);
    assert_int_equal(row.closed.prompt_tokens, 1024);
    assert_int_equal(row.closed.output_tokens, 4099);
    assert_int_equal(row.closed.range_ratio_nano, 800000000);
    assert_int_equal(row.closed.concurrency, 37);
    assert_int_equal(row.closed.ttft_ns, 74141000);
    assert_int_equal(row.closed.tpot_ns, 7061600);
}

static void what_a_closed_loop_row_leaves_out_has_its_default(void **state)
{
    (void)state;
    struct measured_row row =
        only_row("hardware,model,prec,isl,osl,conc,ttft_ms,tpot_ms,tp\n"
                 "L40S,\"a,b\",fp8,17,1e3,7,1.37e2,0.0137,\n",
                 MEASURED_CLOSED);
    assert_string_equal(row.server.system, "L40S");
    assert_string_equal(row.server.model, "a,b");
    assert_string_equal(row.server.day, "");
    assert_int_equal(row.server.tensor_parallel, 1);
    assert_int_equal(row.server.data_parallel, 1);
    assert_int_equal(row.closed.output_tokens, 1000);
    assert_int_equal(row.closed.range_ratio_nano, 1000000000);
    assert_int_equal(row.closed.ttft_ns, 137000000);
    assert_int_equal(row.closed.tpot_ns, 13700);
}

static void an_open_loop_row_has_its_stages(void **state)
{
    (void)state;
    struct measured_row row =
        only_row(OPEN ",stage,total_kv_blocks,e2e_p99_ms,gpu_mem_util\n"
                      "m,H100,FP8,2.5x600;0.0137x40.5,447,248,"
                      "62.73990005145178,5270.0895077289615,1,"
                      "8253,,0.9\n",
                 MEASURED_OPEN);
    assert_int_equal(row.open.n_stages, 2);
    assert_int_equal(row.open.stages[0].rate_nano, 2500000000);
    assert_int_equal(row.open.stages[0].length_ns, 600000000000);
    assert_int_equal(row.open.stages[1].rate_nano, 13700000);
    assert_int_equal(row.open.stages[1].length_ns, 40500000000);
    assert_int_equal(row.open.stage, 1);
    assert_int_equal(row.open.total_kv_blocks, 8253);
    assert_int_equal(row.open.max_num_seqs, MEASURED_NONE);
    assert_int_equal(row.open.system_prompt_tokens, 0);
    assert_int_equal(row.open.question_tokens, 447);
    assert_int_equal(row.open.gpu_memory_utilization_nano, 900000000);
    assert_int_equal(row.open.ttft_mean_ns, 62739900);
    assert_int_equal(row.open.e2e_mean_ns, 5270089508);
    assert_int_equal(row.open.e2e_p99_ns, MEASURED_NONE);
}

static void steps_requests_and_intervals_are_told_apart(void **state)
{
    (void)state;
    struct measured_row step = only_row(
        "model,hardware,tensor_parallel,prompt_size,batch_size,token_size,"
        "prompt_time,token_time\nbloom-176b,a100-80gb,8,128,3,127,79.6684,47.6121\n",
        MEASURED_STEP);
    assert_int_equal(step.step.batch_size, 3);
    assert_int_equal(step.step.prompt_ns, 79668400);
    assert_int_equal(step.step.token_ns, 47612100);
    assert_int_equal(step.server.tensor_parallel, 8);
    struct measured_row request =
        only_row("id,arrival_s,prompt_tokens,output_tokens,sched_delay_ms,queued_s,"
                 "ttft_ms,tpot_ms,"
                 "latency_ms\n7,0.2651,1034,769,0.01,0.3887,302.5321,,25232.291\n",
                 MEASURED_REQUEST);
    assert_string_equal(request.request.id, "7");
    assert_int_equal(request.request.arrival_ns, 265100000);
    assert_int_equal(request.request.sched_delay_ns, 10000);
    assert_int_equal(request.request.queued_ns, 388700000);
    assert_int_equal(request.request.tpot_ns, MEASURED_NONE);
    assert_int_equal(request.request.latency_ns, 25232291000);
    struct measured_row interval =
        only_row("t_s,running,kv_used_fraction,preemptions\n15.5,3.5,0.0137,4\n",
                 MEASURED_SERVER);
    assert_int_equal(interval.interval.t_ns, 15500000000);
    assert_int_equal(interval.interval.running_nano, 3500000000);
    assert_int_equal(interval.interval.waiting_nano, MEASURED_NONE);
    assert_int_equal(interval.interval.kv_used_nano, 13700000);
    assert_int_equal(interval.interval.n_preemptions, 4);
}

static void bad_cells_are_refused_by_column_and_value(void **state)
{
    (void)state;
    static const struct {
        const char *row;
        const char *message;
    } cases[] = {
        {"m,H100,fp8,1.5,17,7,1,1",
         "isl: '1.5' is not a whole number from 1 to 1000000000"},
        {"m,H100,fp8,17,17,0,1,1",
         "conc: '0' is not a whole number from 1 to 1000000000"},
        {"m,H100,fp8,17,17,7,nan,1",
         "ttft_ms: 'nan' is not a time in milliseconds of more than 0"},
        {"m,H100,fp8,17,17,7,1,-3",
         "tpot_ms: '-3' is not a time in milliseconds of more than 0"},
        {"m,H100,fp8,17,17,7,1,1e300",
         "tpot_ms: '1e300' is not a time in milliseconds of more than 0"},
        {"m,H100,fp8,17,17,7,1,1ms",
         "tpot_ms: '1ms' is not a time in milliseconds of more than 0"},
        {",H100,fp8,17,17,7,1,1", "model: '' is empty: write what was measured"},
        {"m,,fp8,17,17,7,1,1", "system: is missing or empty: write what it was "
                               "measured on (`hardware` is read, "
                               "too)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        char message[512];
        snprintf(text, sizeof text, SHORT "m,H100,fp8,17,17,7,1,1\n%s\n", cases[i].row);
        snprintf(message, sizeof message, "m.csv:3: %s", cases[i].message);
        assert_refused(text, message);
    }
    assert_refused(
        SHORT "m,H100,fp8,17",
        "m.csv:2: the last line ends after 4 of 8 columns: the file is cut off");
}

static void bad_stages_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "2.5",
        "x",
        "2.5x",
        "x600",
        "2.5x600;",
        ";2.5x600",
        "0x600",
        "2.5x0",
        "-1x60",
        "1x2x3",
        "1e3x2",
        "1x1;1x1;1x1;1x1;1x1;1x1;1x1;1x1;1x1;1x1;1x1;1x1;1x1;1x1;1x1;1x1;1x1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[512];
        char message[512];
        bool is_long = strlen(bad[i]) > 64;
        snprintf(text, sizeof text, OPEN "\nm,H100,FP8,%s,447,248,1,1\n", bad[i]);
        snprintf(message, sizeof message,
                 "m.csv:2: stages: '%.64s%s' is not stages of requests per second x "
                 "seconds such as 2.5x600;6.0x600 (at most 16)",
                 bad[i], is_long ? "..." : "");
        assert_refused(text, message);
    }
    assert_refused(
        OPEN ",stage\nm,H100,FP8,2.5x600;3x7,447,248,1,1,2\n",
        "m.csv:2: stage: 2 is not one of the 2 stages, counted from 0 (-1: all "
        "of them)");
}

static void files_of_no_known_kind_are_refused(void **state)
{
    (void)state;
    assert_refused("", "m.csv: the file is empty");
    assert_refused(
        "model,prompt_size\n",
        "m.csv:1: the first line 'model,prompt_size' is of no kind of "
        "measurements known here, which have a column conc (closed loop), "
        "stages (open loop), batch_size (steps), arrival_s (requests), t_s (a "
        "server's metrics)");
    assert_refused(
        "t_s,running,t_s\n",
        "m.csv:1: column 't_s' is there twice (needed: t_s; optional: running, "
        "waiting, kv_used_fraction, preemptions, prefix_hits, prefix_queries, "
        "prompt_tokens, generation_tokens, ttft_mean_ms, itl_mean_ms, "
        "e2e_mean_ms, n_requests)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_loop_row_is_read_exactly),
        cmocka_unit_test(what_a_closed_loop_row_leaves_out_has_its_default),
        cmocka_unit_test(an_open_loop_row_has_its_stages),
        cmocka_unit_test(steps_requests_and_intervals_are_told_apart),
        cmocka_unit_test(bad_cells_are_refused_by_column_and_value),
        cmocka_unit_test(bad_stages_are_refused),
        cmocka_unit_test(files_of_no_known_kind_are_refused),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
