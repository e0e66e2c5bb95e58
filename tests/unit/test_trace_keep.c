#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "input/trace.h"

static const char text[] = "arrival_s,prompt_tokens,output_tokens\n"
                           "0.5,11,1\n1.25,12,1\n1.25,13,1\n7,14,1\n9.5,15,1\n";

/* What is left, as "arrival in ms:prompt ...". */
static void assert_keeps(int64_t from_ms, int64_t until_ms, const char *expected)
{
    struct err err;
    struct trace_row row;
    char kept[200] = "";
    write_file("t.csv", text, sizeof text - 1);
    struct trace *trace = trace_open("t.csv", NULL, false, &err);
    assert_non_null(trace);
    trace_keep(trace, from_ms * 1000000, until_ms * 1000000);
    for (int pass = 0; pass < 2; pass++) { /* and again after a rewind */
        kept[0] = '\0';
        while (trace_next(trace, &row, &err) == 1) {
            size_t used = strlen(kept);
            snprintf(kept + used, sizeof kept - used, " %d:%d",
                     (int)(row.arrival_ns / 1000000), (int)row.prompt_tokens);
        }
        assert_string_equal(kept, expected);
        assert_int_equal(trace_rewind(trace, &err), 0);
    }
    trace_close(trace);
}

static void rows_within_are_kept_and_counted_from_the_beginning(void **state)
{
    (void)state;
    assert_keeps(0, 0, " 500:11 1250:12 1250:13 7000:14 9500:15");
    assert_keeps(1250, 0, " 0:12 0:13 5750:14 8250:15");
    assert_keeps(0, 1250, " 500:11");
    assert_keeps(600, 9500, " 650:12 650:13 6400:14");
    assert_keeps(1251, 7000, "");
    assert_keeps(9501, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_within_are_kept_and_counted_from_the_beginning),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
