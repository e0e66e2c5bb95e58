#include "study/sweep_table.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "output/text.h"
#include "study/sweep_pareto.h"

static const char error_name[] = "error";

/* What is best has the least; more throughput is better, so it counts as negative. */
static const struct measure {
    const char *metric;
    const char *title;
    double sign;
    int decimals;
} measures[SWEEP_PARETO_VALUES] = {
    {"usd_per_million_tokens", "USD/Mtok", 1, 4},
    {"output_throughput_per_gpu", "tok/s/GPU", -1, 1},
    {"mean_tpot_ms", "TPOT ms", 1, 2},
    {"joules_per_output_token", "J/token", 1, 3},
};

/* Adds the names of the row that are new.  A row mostly has the names of the others, in
 * their order: each is looked for first behind the one before it. */
static int add_names(struct sweep_table *table, const struct sweep_journal_row *row,
                     struct err *err)
{
    int32_t next = 0;
    for (int32_t i = 0; i < row->n; i++) {
        const char *name = row->fields[i].name;
        if (next < table->n_names && strcmp(table->names[next], name) == 0) {
            next++;
            continue;
        }
        int32_t at = 0;
        while (at < table->n_names && strcmp(table->names[at], name) != 0) {
            at++;
        }
        if (at == SWEEP_TABLE_MOST_NAMES) {
            return err_set(err, "%s: has more than %d metrics", table->journal->path,
                           SWEEP_TABLE_MOST_NAMES);
        }
        if (at == table->n_names) {
            table->names[table->n_names++] = memory_copy(name, strlen(name));
        }
        next = at + 1;
    }
    return 0;
}

/* Whether the row has all four values. */
static bool measure_row(const struct sweep_journal_row *row,
                        struct sweep_pareto_point *point)
{
    point->id = row->point;
    for (int i = 0; i < SWEEP_PARETO_VALUES; i++) {
        const char *text = sweep_journal_value(row, measures[i].metric);
        char *end;
        if (text == NULL || *text == '\0') {
            return false;
        }
        point->values[i] = measures[i].sign * strtod(text, &end);
        if (*end != '\0' || !isfinite(point->values[i])) {
            return false;
        }
    }
    return true;
}

static void mark(struct sweep_table *table, struct sweep_pareto_point *points,
                 int64_t n)
{
    sweep_pareto_mark(points, n);
    for (int64_t i = 0; i < n; i++) {
        table->pareto[points[i].id] = points[i].is_best ? '1' : '0';
        if (points[i].is_best) {
            table->best[table->n_best++] = points[i].id;
        }
    }
}

static int read_all(struct sweep_table *table, struct sweep_pareto_point *points,
                    struct sweep_journal_row *row, struct err *err)
{
    int64_t n = 0;
    for (int64_t i = 0; i < table->grid->n_points; i++) {
        if (table->places[i].length == 0) {
            continue;
        }
        if (sweep_journal_read(table->journal, &table->places[i], row, err) != 0) {
            return -1;
        }
        const char *error = sweep_journal_value(row, error_name);
        table->n_done++;
        if (error != NULL) {
            if (table->first_error == NULL) {
                table->first_error = memory_copy(error, strlen(error));
                table->first_failed = i;
            }
            table->n_failed++;
            continue;
        }
        if (add_names(table, row, err) != 0) {
            return -1;
        }
        n += measure_row(row, &points[n]);
    }
    mark(table, points, n);
    return 0;
}

int sweep_table_init(struct sweep_table *table, const struct grid *grid,
                     struct sweep_journal *journal, struct err *err)
{
    size_t n = (size_t)grid->n_points;
    *table = (struct sweep_table){
        .grid = grid,
        .journal = journal,
        .places = sweep_journal_places(journal),
        .pareto = memory_new(n, 1),
        .best = memory_new(n, sizeof *table->best),
    };
    memset(table->pareto, ' ', n);
    struct sweep_pareto_point *points = memory_new(n, sizeof *points);
    struct sweep_journal_row row = {0};
    int status = read_all(table, points, &row, err);
    free(row.line);
    free(points);
    return status;
}

void sweep_table_free(struct sweep_table *table)
{
    for (int32_t i = 0; i < table->n_names; i++) {
        free(table->names[i]);
    }
    free(table->places);
    free(table->pareto);
    free(table->best);
    free(table->first_error);
}

static void write_heads(const struct sweep_table *table, struct text *text)
{
    text_string(text, "point,");
    for (int32_t i = 0; i < table->grid->n_keys; i++) {
        text_printf(text, "%s,", table->grid->keys[i].name);
    }
    for (int32_t i = 0; i < table->n_names; i++) {
        text_printf(text, "%s,", table->names[i]);
    }
    text_string(text, "error,pareto\n");
}

static void write_values(const struct sweep_table *table, struct text *text,
                         const struct sweep_journal_row *row)
{
    int32_t next = 0;
    for (int32_t i = 0; i < table->n_names; i++) {
        const char *name = table->names[i];
        const char *value = "";
        if (next < row->n && strcmp(row->fields[next].name, name) == 0) {
            value = row->fields[next++].value;
        } else { /* the row has it elsewhere or not at all */
            const char *found = sweep_journal_value(row, name);
            value = found != NULL ? found : "";
        }
        text_quoted(text, value);
        text_string(text, ",");
    }
}

static int write_rows(const struct sweep_table *table, struct text *text,
                      struct sweep_journal_row *row, struct err *err)
{
    for (int64_t i = 0; i < table->grid->n_points; i++) {
        if (table->places[i].length == 0) {
            continue;
        }
        if (sweep_journal_read(table->journal, &table->places[i], row, err) != 0) {
            return -1;
        }
        struct arena arena = {0};
        struct grid_point point;
        grid_point(&point, table->grid, i, &arena);
        text_integer(text, i);
        for (int32_t k = 0; k < table->grid->n_keys; k++) {
            text_string(text, ",");
            text_quoted(text, point.values[k]);
        }
        text_string(text, ",");
        memory_arena_free(&arena);
        write_values(table, text, row);
        const char *error = sweep_journal_value(row, error_name);
        text_quoted(text, error != NULL ? error : "");
        text_string(text, table->pareto[i] == '1'   ? ",1\n"
                          : table->pareto[i] == '0' ? ",0\n"
                                                    : ",\n");
        if (text_failed(text, err)) {
            return -1;
        }
    }
    return 0;
}

int sweep_table_write(const struct sweep_table *table, const char *folder,
                      struct err *err)
{
    static const char beside[] = "sweep.csv.tmp";
    char from[600];
    char to[600];
    struct text text;
    snprintf(from, sizeof from, "%s/%s", folder, beside);
    snprintf(to, sizeof to, "%s/sweep.csv", folder);
    if (unlink(from) != 0 && errno != ENOENT) { /* of one that was killed */
        return err_set(err, "%s: cannot be removed: %s", from, strerror(errno));
    }
    if (text_open(&text, folder, beside, err) != 0) {
        return -1;
    }
    struct sweep_journal_row row = {0};
    struct err ignored;
    write_heads(table, &text);
    int status = write_rows(table, &text, &row, err);
    free(row.line);
    if (text_close(&text, status == 0 ? err : &ignored) != 0) {
        status = -1;
    }
    if (status == 0 && rename(from, to) != 0) {
        status = err_set(err, "%s: cannot be put in place: %s", to, strerror(errno));
    }
    if (status != 0) {
        unlink(from);
    }
    return status;
}

int sweep_table_update(const struct grid *grid, struct sweep_journal *journal,
                       const char *folder, struct err *err)
{
    struct sweep_table table;
    int status = sweep_table_init(&table, grid, journal, err);
    if (status == 0) {
        status = sweep_table_write(&table, folder, err);
    }
    sweep_table_free(&table);
    return status;
}

/* One column of what is printed: its words, the first of them the title. */
enum { WORD = 48, N_LINES = SWEEP_TABLE_MOST_PRINTED + 1 };

struct printed {
    char words[N_LINES][WORD];
    bool is_number;
};

static void print_columns(const struct printed *columns, int32_t n, int32_t n_lines,
                          FILE *out)
{
    int widths[GRID_MOST_KEYS + SWEEP_PARETO_VALUES + 1] = {0};
    for (int32_t c = 0; c < n; c++) {
        for (int32_t l = 0; l < n_lines; l++) {
            int length = (int)strlen(columns[c].words[l]);
            widths[c] = length > widths[c] ? length : widths[c];
        }
    }
    for (int32_t l = 0; l < n_lines; l++) {
        for (int32_t c = 0; c < n; c++) {
            int width = columns[c].is_number ? widths[c] : c + 1 < n ? -widths[c] : 0;
            fprintf(out, "%s%*s", c > 0 ? "  " : "", width, columns[c].words[l]);
        }
        fputc('\n', out);
    }
}

static int fill_line(const struct sweep_table *table, int32_t line, int64_t at,
                     struct printed *columns, struct sweep_journal_row *row,
                     struct err *err)
{
    const struct grid *grid = table->grid;
    if (sweep_journal_read(table->journal, &table->places[at], row, err) != 0) {
        return -1;
    }
    struct arena arena = {0};
    struct grid_point point;
    grid_point(&point, grid, at, &arena);
    snprintf(columns[0].words[line], WORD, "%" PRId64, at);
    for (int i = 0; i < SWEEP_PARETO_VALUES; i++) {
        const char *value = sweep_journal_value(row, measures[i].metric);
        snprintf(columns[1 + i].words[line], WORD, "%.*f", measures[i].decimals,
                 value != NULL ? strtod(value, NULL) : 0);
    }
    for (int32_t k = 0; k < grid->n_keys; k++) {
        snprintf(columns[1 + SWEEP_PARETO_VALUES + k].words[line], WORD, "%.*s",
                 WORD - 1, point.values[k]);
    }
    memory_arena_free(&arena);
    return 0;
}

int sweep_table_print(const struct sweep_table *table, FILE *out, struct err *err)
{
    int32_t n = table->n_best < SWEEP_TABLE_MOST_PRINTED ? (int32_t)table->n_best
                                                         : SWEEP_TABLE_MOST_PRINTED;
    int32_t n_columns = 1 + SWEEP_PARETO_VALUES + table->grid->n_keys;
    if (n == 0) {
        return 0;
    }
    struct printed *columns = memory_new((size_t)n_columns, sizeof *columns);
    snprintf(columns[0].words[0], WORD, "point");
    for (int32_t c = 0; c <= SWEEP_PARETO_VALUES; c++) {
        columns[c].is_number = true;
        snprintf(columns[c].words[0], WORD, "%s",
                 c == 0 ? "point" : measures[c - 1].title);
    }
    for (int32_t k = 0; k < table->grid->n_keys; k++) {
        snprintf(columns[1 + SWEEP_PARETO_VALUES + k].words[0], WORD, "%.*s", WORD - 1,
                 table->grid->keys[k].shown);
    }
    struct sweep_journal_row row = {0};
    int status = 0;
    for (int32_t i = 0; i < n && status == 0; i++) {
        status = fill_line(table, i + 1, table->best[i], columns, &row, err);
    }
    if (status == 0) {
        char all[40] = "";
        if (n < table->n_best) {
            snprintf(all, sizeof all, " of %" PRId64, table->n_best);
        }
        fprintf(out,
                "%" PRId32 "%s point%s that no other beats, the cheapest first:\n\n", n,
                all, n == 1 ? "" : "s");
        print_columns(columns, n_columns, n + 1, out);
        fputc('\n', out);
    }
    free(row.line);
    free(columns);
    return status;
}

void sweep_table_tell(const struct sweep_table *table, FILE *out, const char *folder)
{
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') {
        length--;
    }
    if (table->n_failed > 0) {
        fprintf(out, "%" PRId64 " cannot be run; the first, point %" PRId64 ": %s\n",
                table->n_failed, table->first_failed, table->first_error);
    }
    fprintf(out, "%" PRId64 " point%s in %.*s/sweep.csv\n", table->n_done,
            table->n_done == 1 ? "" : "s", (int)length, folder);
}
