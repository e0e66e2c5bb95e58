/* fuzz_trace: any bytes, read as a trace file.
 *
 * Rows that are read must be what trace.h promises, and a second pass must go as the
 * first did.
 */
#include "base/check.h"
#include "input/trace_format.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct pass {
    int64_t n_rows;
    int64_t sum;
    int64_t n_failed;
    int result;
    char text[sizeof(struct err)];
};

static void check_label(const char *label, size_t most)
{
    CHECK(label == NULL || (strlen(label) >= 1 && strlen(label) <= most));
    CHECK(label == NULL || strpbrk(label, ",\"\r\n\t") == NULL);
}

static void check_row(const struct trace_row *row, int64_t arrival_ns)
{
    const int64_t most = 1000000000;
    CHECK(row->arrival_ns >= arrival_ns && row->arrival_ns <= most * most);
    CHECK(row->prompt_tokens >= 1 && row->prompt_tokens <= most);
    CHECK(row->output_tokens >= 1 && row->output_tokens <= most);
    CHECK(row->priority >= INT32_MIN && row->priority <= INT32_MAX);
    CHECK(row->deadline_ns >= -1 && row->deadline_ns <= most * most);
    CHECK(row->n_hash_ids >= 0 && (row->n_hash_ids > 0) == (row->hash_ids != NULL));
    CHECK(row->n_hash_ids == 0 ||
          row->n_hash_ids == (row->prompt_tokens - 1) / row->hash_tokens + 1);
    CHECK(row->prefix_tokens >= 0 && row->prefix_tokens <= most);
    CHECK(row->think_ns >= 0 && row->think_ns <= most * most);
    CHECK(row->reasoning_tokens >= 0 && row->reasoning_tokens < row->output_tokens);
    const char *labels[] = {row->request_id, row->tenant, row->session_id, row->prefix,
                            row->model,      row->class,  row->adapter};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        check_label(labels[i], TRACE_LABEL_BYTES);
    }
    check_label(row->parent_id, TRACE_PARENT_BYTES);
}

static void read_pass(struct trace *trace, struct pass *pass)
{
    struct err err = {0};
    struct trace_row row = {0};
    int64_t arrival_ns = 0;
    memset(pass, 0, sizeof *pass);
    while ((pass->result = trace_next(trace, &row, &err)) == 1) {
        check_row(&row, arrival_ns);
        arrival_ns = row.arrival_ns;
        pass->n_rows++;
        pass->sum += row.line + row.prompt_tokens + row.output_tokens + row.priority;
    }
    int64_t line;
    pass->n_failed = trace_failed(trace, &line);
    CHECK(pass->n_failed == 0 || line >= 1);
    for (const char *c = trace_ignored_columns(trace); *c != '\0'; c++) {
        CHECK((unsigned char)*c >= ' ' && *c != 0x7f);
    }
    if (pass->result != 0) {
        memcpy(pass->text, err.text, sizeof err.text);
        CHECK(pass->text[0] != '\0');
    }
}

static void read_file(const char *path, const char *format, bool skip_bad_rows)
{
    struct err err = {0};
    struct trace *trace = trace_open(path, format, skip_bad_rows, &err);
    if (trace == NULL) {
        CHECK(err.text[0] != '\0');
        return;
    }
    struct pass first;
    struct pass second;
    read_pass(trace, &first);
    CHECK(trace_rewind(trace, &err) == 0);
    read_pass(trace, &second);
    CHECK(first.n_rows == second.n_rows && first.sum == second.sum);
    CHECK(first.n_failed == second.n_failed);
    CHECK(first.result == second.result && strcmp(first.text, second.text) == 0);
    char hex[65];
    CHECK(trace_rewind(trace, &err) == 0);
    CHECK(trace_sha256(trace, hex, &err) == 0 && strlen(hex) == 64);
    trace_close(trace);
}

/* A format that may not be the file's: the fuzzer chooses by the length. */
static const char *any_format(size_t length)
{
    const char *first_line;
    int32_t n = 0;
    while (trace_format_name(n, &first_line) != NULL) {
        n++;
    }
    CHECK(n > 0);
    return trace_format_name((int32_t)(length % (size_t)n), &first_line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    int file = memfd_create("trace", MFD_CLOEXEC);
    CHECK(file >= 0);
    CHECK(write(file, bytes, length) == (ssize_t)length);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    read_file(path, NULL, false);
    read_file(path, NULL, true);
    read_file(path, any_format(length), true);
    close(file);
    return 0;
}
