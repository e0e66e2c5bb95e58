#include "study/calibrate_write.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "input/bytes.h"
#include "input/settings.h"
#include "output/whole.h"
#include "study/calibrate_report.h"

int calibrate_write_hash(const char *path, char hex[65], struct err *err)
{
    hex[0] = '\0';
    if (strcmp(path, "-") == 0) {
        return 0;
    }
    struct bytes *bytes = bytes_open(path, err);
    if (bytes == NULL) {
        return -1;
    }
    int status = bytes_sha256(bytes, hex, err);
    bytes_close(bytes);
    return status;
}

/* What a user typed may hold anything; a comment is one line of printable ASCII. */
static void print_clean(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        fputc(*text >= ' ' && *text <= '~' ? *text : '?', out);
    }
}

/* Words on lines of at most 88 columns, each a comment. */
static void print_wrapped(FILE *out, const char *text)
{
    enum { COLUMNS = 88 };
    size_t column = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column == 0 || column + 1 + length > COLUMNS) {
            fputs(column == 0 ? ";" : "\n;", out);
            column = 1;
        }
        char word[180];
        snprintf(word, sizeof word, "%.*s", length < 179 ? (int)length : 179, text);
        fputc(' ', out);
        print_clean(out, word);
        column += length + 1;
        text += length + (text[length] == ' ' ? 1 : 0);
    }
    fputc('\n', out);
}

static void print_file(FILE *out, const char *path, const char *hex)
{
    if (path != NULL) {
        fputs("; ", out);
        print_clean(out, path);
        fprintf(out, "\n;   sha256 %s\n",
                hex[0] != '\0' ? hex : "of standard input: none");
    }
}

/* Errors of the rows held out, else of those fitted. */
static struct calibrate_errors expected(const struct calibrate *of, bool is_first)
{
    return calibrate_report_errors(
        &of->rows, of->logs_held != NULL ? of->logs_held : of->logs, is_first);
}

/* What was fitted says too little of what was not: without rows held out an engine claims
 * no more than the preset it comes from. */
static int64_t sd_nano(const struct calibrate *of, bool is_first)
{
    double sd = expected(of, is_first).about_one;
    int64_t nano = (int64_t)(fmin(floor(sd * 1e3 + 0.5), 10000) * 1e6);
    int64_t preset = is_first ? of->before.ttft_sd_nano : of->before.tpot_sd_nano;
    return of->logs_held != NULL || nano > preset ? nano : preset;
}

void calibrate_write_finish(struct calibrate *of, const struct calibrate_origin *origin,
                            struct arena *arena)
{
    char text[240];
    of->constants.tpot_sd_nano = sd_nano(of, false);
    of->constants.ttft_sd_nano = sd_nano(of, true);
    snprintf(text, sizeof text,
             "servesim calibrate: %" PRId32 " constants of %.40s fitted to %" PRId32
             " rows of %" PRId32 " deployments, sha256 %.12s",
             of->keys.n, of->engine_name, of->rows.n_cases, of->rows.n_deployments,
             origin->measured_sha256[0] != '\0' ? origin->measured_sha256 : "unknown");
    for (char *c = text; *c != '\0'; c++) {
        *c = *c >= ' ' && *c <= '~' && *c != ';' ? *c : '?';
    }
    of->constants.source = memory_arena_text(arena, text);
}

struct contents {
    const struct calibrate *of;
    const struct calibrate_origin *origin;
};

static int write_engine(const void *context, FILE *out, struct err *err)
{
    const struct contents *contents = context;
    const struct calibrate *of = contents->of;
    const struct calibrate_rows *rows = &of->rows;
    (void)err;
    print_wrapped(out, contents->origin->command);
    print_file(out, of->options->path, contents->origin->measured_sha256);
    print_file(out, contents->origin->config, contents->origin->config_sha256);
    fprintf(out,
            ";\n; %" PRId32 " of %" PRId32 " rows, %" PRId32 " deployments, %s loss.  "
            "What is not listed\n; is as %.60s has it.\n;\n",
            rows->n_cases, rows->n_read, rows->n_deployments,
            calibrate_loss_name(of->loss.kind), of->engine_name);
    calibrate_report_constants(out, of, "; ");
    fputs(";\n", out);
    calibrate_report_print_errors(out, of, "; ");
    fprintf(out, ";\n; tpot_sd and ttft_sd are of the rows %s.\n\n[engine]\n",
            of->logs_held != NULL ? "held out"
                                  : "that were fitted, but no less than before");
    settings_print(out, &constants_table, &of->constants);
    return 0;
}

int calibrate_write(const struct calibrate *of, const struct calibrate_origin *origin,
                    const char *path, struct err *err)
{
    struct contents contents = {.of = of, .origin = origin};
    return whole_write(path, write_engine, &contents, err);
}
