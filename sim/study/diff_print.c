#include "study/diff_print.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output/whole.h"

enum { WORD = 64, MOST_NAME = 48, MOST_VALUE = 34 };

/* A value for people: numbers with six digits, long texts cut. */
static void show(const struct diff_row *row, const char *value, char word[WORD])
{
    if (value == NULL) {
        snprintf(word, WORD, "-");
    } else if (row->is_number) {
        snprintf(word, WORD, "%.6g", strtod(value, NULL));
    } else if (strlen(value) > MOST_VALUE) {
        snprintf(word, WORD, "%.*s...", MOST_VALUE - 3, value);
    } else {
        snprintf(word, WORD, "%s", value[0] != '\0' ? value : "(empty)");
    }
}

/* "+12.3 %"; empty where it is of nothing. */
static void show_percent(const struct diff_row *row, char word[WORD])
{
    word[0] = '\0';
    if (row->is_number && isfinite(row->percent)) {
        snprintf(word, WORD, fabs(row->percent) < 1000 ? "%+.2f %%" : "%+.3g %%",
                 row->percent);
    }
}

static bool is_shown(const struct diff_row *row, double least_percent)
{
    return !row->is_number || !isfinite(row->percent) ||
           fabs(row->percent) >= least_percent;
}

/* The widest name, value before and value after. */
static void measure(const struct diff_rows *rows, double least_percent, int widths[3])
{
    for (int32_t i = 0; i < rows->n; i++) {
        const struct diff_row *row = &rows->list[i];
        char words[3][WORD];
        snprintf(words[0], WORD, "%.*s", MOST_NAME, row->name);
        show(row, row->before, words[1]);
        show(row, row->after, words[2]);
        for (int j = 0; j < 3 && is_shown(row, least_percent); j++) {
            int length = (int)strlen(words[j]);
            widths[j] = length > widths[j] ? length : widths[j];
        }
    }
}

static void print_keys(FILE *out, const struct diff_rows *rows)
{
    int widths[3] = {0};
    measure(rows, 0, widths);
    if (rows->n == 0) {
        fprintf(out, "configuration: the same %" PRId32 " keys\n", rows->n_compared);
        return;
    }
    fprintf(out, "configuration: %" PRId32 " of %" PRId32 " keys differ\n", rows->n,
            rows->n_compared);
    for (int32_t i = 0; i < rows->n; i++) {
        const struct diff_row *row = &rows->list[i];
        char words[2][WORD];
        show(row, row->before, words[0]);
        show(row, row->after, words[1]);
        fprintf(out, "  %-*.*s  %-*s  %s\n", widths[0], MOST_NAME, row->name, widths[1],
                words[0], words[1]);
    }
}

static const char *judgement(int better)
{
    return better > 0 ? "better" : better < 0 ? "worse" : "";
}

static void print_metric(FILE *out, const struct diff_row *row, const int widths[3])
{
    char words[4][WORD] = {"", "", "", ""};
    char line[512];
    show(row, row->before, words[0]);
    show(row, row->after, words[1]);
    if (row->is_number) {
        snprintf(words[2], WORD, "%+.4g", row->change);
    }
    show_percent(row, words[3]);
    snprintf(line, sizeof line, "  %-*.*s  %*s  %*s  %10s  %10s  %-6s  %s", widths[0],
             MOST_NAME, row->name, widths[1], words[0], widths[2], words[1], words[2],
             words[3], judgement(row->better), row->is_number ? row->unit : "");
    size_t length = strlen(line);
    while (length > 0 && line[length - 1] == ' ') {
        length--;
    }
    fprintf(out, "%.*s\n", (int)length, line);
}

static void print_metrics(FILE *out, const struct diff_rows *rows, double least_percent)
{
    int widths[3] = {6, 6, 5}; /* of the words above them */
    int32_t n_hidden = 0;
    int32_t n_judged[2] = {0};
    measure(rows, least_percent, widths);
    if (rows->n == 0) {
        fprintf(out, "metrics: the same %" PRId32 " values\n", rows->n_compared);
        return;
    }
    fprintf(out, "metrics: %" PRId32 " of %" PRId32 " differ\n", rows->n,
            rows->n_compared);
    fprintf(out, "  %-*s  %*s  %*s  %10s\n", widths[0], "metric", widths[1], "before",
            widths[2], "after", "change");
    for (int32_t i = 0; i < rows->n; i++) {
        const struct diff_row *row = &rows->list[i];
        n_judged[0] += row->better > 0;
        n_judged[1] += row->better < 0;
        if (is_shown(row, least_percent)) {
            print_metric(out, row, widths);
        } else {
            n_hidden++;
        }
    }
    if (n_hidden > 0) {
        fprintf(out, "  %" PRId32 " that changed by less than %g %% are not shown\n",
                n_hidden, least_percent);
    }
    fprintf(out, "  better in %" PRId32 ", worse in %" PRId32 "\n", n_judged[0],
            n_judged[1]);
}

static void print_ones(FILE *out, const char *title,
                       const struct diff_requests_one *list, int32_t n)
{
    if (n > 0) {
        fprintf(out, "  %s:\n", title);
    }
    for (int32_t i = 0; i < n; i++) {
        double change_ns = (double)(list[i].after_ns - list[i].before_ns);
        fprintf(out, "    %-12s %12.6f s %12.6f s  %+12.6f s\n", list[i].id,
                (double)list[i].before_ns * 1e-9, (double)list[i].after_ns * 1e-9,
                change_ns * 1e-9);
    }
}

/* Where the rows of both files stop to be of the same requests. */
static void print_rest(FILE *out, const struct diff_requests *requests)
{
    if (requests->is_other) {
        fprintf(out,
                "  from row %" PRId64 " on they are not the same requests (id, prompt, "
                "output), of %" PRId64 " and %" PRId64 "\n",
                requests->n_both + 1, requests->n_rows[0], requests->n_rows[1]);
    } else if (requests->n_rows[0] != requests->n_rows[1]) {
        fprintf(out, "  one run has more requests: %" PRId64 " and %" PRId64 "\n",
                requests->n_rows[0], requests->n_rows[1]);
    }
}

static void print_requests(FILE *out, const struct diff_requests *requests)
{
    static const char *const titles[N_DIFF_REQUESTS_TIMES] = {"TTFT", "TPOT", "E2E"};
    if (requests->n_both > 0 && requests->n_differ == 0) {
        fprintf(out, "requests: the same %" PRId64 " rows\n", requests->n_both);
        print_rest(out, requests);
        return;
    }
    fprintf(out, "requests: %" PRId64 " of %" PRId64 " that both have differ\n",
            requests->n_differ, requests->n_both);
    print_rest(out, requests);
    if (requests->n_only[0] + requests->n_only[1] > 0) {
        fprintf(out, "  completed before only: %" PRId64 ", after only: %" PRId64 "\n",
                requests->n_only[0], requests->n_only[1]);
    }
    for (int i = 0; i < N_DIFF_REQUESTS_TIMES; i++) {
        const struct diff_requests_change *change = &requests->changes[i];
        if (change->n == 0) {
            continue;
        }
        fprintf(out,
                "  %-4s  %" PRId64 " faster, %" PRId64 " slower, %" PRId64
                " the same; in the mean %+.6f s\n",
                titles[i], change->n_faster, change->n_slower,
                change->n - change->n_faster - change->n_slower,
                (double)change->sum_ns / (double)change->n * 1e-9);
    }
    print_ones(out, "E2E grew most", requests->slower, requests->n_slower);
    print_ones(out, "E2E shrank most", requests->faster, requests->n_faster);
}

void diff_print(FILE *out, const struct diff *diff, double least_percent)
{
    fprintf(out, "before: %s\nafter:  %s\n\n", diff->folders[0], diff->folders[1]);
    print_keys(out, &diff->keys);
    fputc('\n', out);
    print_metrics(out, &diff->metrics, least_percent);
    fputc('\n', out);
    print_requests(out, &diff->requests);
}

/* A value of CSV: in quotes where it needs them. */
static void put_word(FILE *out, const char *word)
{
    bool needs = word != NULL && strpbrk(word, ",\"\n") != NULL;
    fputs(needs ? ",\"" : ",", out);
    for (; word != NULL && *word != '\0'; word++) {
        fputs(*word == '"' ? "\"\"" : (char[]){*word, '\0'}, out);
    }
    fputs(needs ? "\"" : "", out);
}

static void write_rows(FILE *out, const char *kind, const struct diff_rows *rows)
{
    for (int32_t i = 0; i < rows->n; i++) {
        const struct diff_row *row = &rows->list[i];
        fputs(kind, out);
        put_word(out, row->name);
        put_word(out, row->unit);
        put_word(out, row->before);
        put_word(out, row->after);
        if (!row->is_number) {
            fputs(",,,\n", out);
            continue;
        }
        fprintf(out, ",%.12g,", row->change);
        if (isfinite(row->percent)) {
            fprintf(out, "%.6f", row->percent);
        }
        fprintf(out, ",%s\n", judgement(row->better));
    }
}

static void write_count(FILE *out, const char *name, int64_t before, int64_t after)
{
    fprintf(out, "requests,%s,,%" PRId64 ",%" PRId64 ",%" PRId64 ",,\n", name, before,
            after, after - before);
}

static int write_csv(const void *context, FILE *out, struct err *err)
{
    const struct diff *diff = context;
    const struct diff_requests *requests = &diff->requests;
    (void)err; /* who has the file looks for errors */
    fputs("kind,name,unit,before,after,change,percent,better\n", out);
    write_rows(out, "configuration", &diff->keys);
    write_rows(out, "metric", &diff->metrics);
    write_count(out, "rows", requests->n_rows[0], requests->n_rows[1]);
    write_count(out, "completed_in_one_only", requests->n_only[0], requests->n_only[1]);
    fprintf(out,
            "requests,same_requests,,,,%" PRId64 ",,\n"
            "requests,rows_that_differ,,,,%" PRId64 ",,\n",
            requests->n_both, requests->n_differ);
    for (int i = 0; i < N_DIFF_REQUESTS_TIMES; i++) {
        const struct diff_requests_change *change = &requests->changes[i];
        const char *name = diff_requests_name((enum diff_requests_time)i);
        fprintf(out,
                "requests,%s_faster,,,,%" PRId64 ",,\nrequests,%s_slower,,,,%" PRId64
                ",,\n",
                name, change->n_faster, name, change->n_slower);
        if (change->n > 0) {
            fprintf(out, "requests,%s_mean_change,s,,,%.9f,,\n", name,
                    (double)change->sum_ns / (double)change->n * 1e-9);
        }
    }
    return 0;
}

int diff_print_csv(const struct diff *diff, const char *path, struct err *err)
{
    return whole_write(path, write_csv, diff, err);
}
