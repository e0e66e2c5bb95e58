/* A trace is drawn row by row: its length costs no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "../support/files.h"
#include "input/generate.h"

enum { SHORT = 40000, LONG = 1000000, MOST_MORE_KIB = 2500, N_CLIENTS = 300 };

/* The address sanitizer keeps what was freed, 256 MiB of it: no measure of what is in use. */
const char *__asan_default_options(void); /* NOLINT(bugprone-reserved-identifier) */
const char *__asan_default_options(void)  /* NOLINT(bugprone-reserved-identifier) */
{
    return "quarantine_size_mb=0";
}

static const char lengths[] =
    "[workload]\nrequests = 1000000\n"
    "[prompt]\ndistribution = quantiles\nquantiles = 0:12, 0.5:300, 1:4000\n"
    "[output]\ndistribution = gamma_mix\nw = 0.3, 0.7\nshape = 0.6, 40\nscale = 137, "
    "25\n";

static int64_t most_resident_kib(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

static void draw_rows(struct generate_draw *draw, int64_t n)
{
    struct trace_row row;
    struct err err = {""};
    int64_t before_ns = 0;
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(generate_next(draw, &row, &err), 1);
        assert_true(row.arrival_ns >= before_ns && row.prompt_tokens > 0 &&
                    row.output_tokens > 0);
        before_ns = row.arrival_ns;
    }
}

/* Tables of lengths fill as they are asked, 2 MiB at most: 2.5 bytes a row here. */
static void assert_streams(const char *arrivals)
{
    char text[1024];
    struct arena arena = {NULL};
    struct generate_spec spec;
    struct generate_draw draw;
    struct err err = {""};
    int length = snprintf(text, sizeof text, "[arrivals]\n%s%s", arrivals, lengths);
    write_file("w.ini", text, (size_t)length);
    generate_read(&spec, "w.ini", NULL, 0, &arena, &err);
    assert_string_equal(err.text, "");
    generate_start(&draw, &spec);
    draw_rows(&draw, SHORT);
    int64_t before_kib = most_resident_kib();
    draw_rows(&draw, LONG - SHORT);
    assert_true(most_resident_kib() - before_kib < MOST_MORE_KIB);
    generate_stop(&draw);
    memory_arena_free(&arena);
}

static void rates_that_change_take_no_memory(void **state)
{
    (void)state;
    assert_streams("process = gamma\ncv = 2\nrate_rps = 41\n[modulation]\n"
                   "period_s = 1h\nprofile = 0:1, 20min:7, 40min:2\nramp_factor = 3\n"
                   "ramp_s = 1000\nspike_every_s = 60\n");
    assert_streams(
        "process = mmpp\nstates = 7:62s, 400:1s, 0:5s\nswitching = uniform\n");
}

static void clients_take_theirs_once(void **state)
{
    (void)state;
    for (int i = 0; i < N_CLIENTS; i++) {
        char path[64];
        snprintf(path, sizeof path, "chunk-%d-trace.csv", i);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        for (int window = 0; window < 40; window++) {
            fprintf(file, "%d,%g,3,Weibull,1,1\n", 600 * window, 0.37 + 0.01 * i);
        }
        assert_int_equal(fclose(file), 0);
    }
    assert_streams("process = servegen\nclients = .\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_that_change_take_no_memory),
        cmocka_unit_test(clients_take_theirs_once),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
