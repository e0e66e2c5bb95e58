#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/command.h"
#include "input/arrivals.h"
#include "input/config.h"
#include "input/config_pool.h"
#include "input/generate.h"
#include "input/lengths.h"
#include "input/tenants.h"
#include "input/trace_format.h"
#include "input/trace_write.h"
#include "model/llm.h"
#include "output/columns.h"
#include "policy/policy.h"
#include "study/study_columns.h"

/* All keys of a table, or the one called `name`; how many were printed. */
static int32_t print_fields(const char *section, const struct field_table *table,
                            const char *name)
{
    int32_t n = 0;
    for (int32_t i = 0; i < table->n_fields; i++) {
        const struct field *field = &table->fields[i];
        if (name != NULL && strcmp(name, field->key) != 0) {
            continue;
        }
        n++;
        char range[256];
        field_range(field, range);
        printf("[%s] %s\n    %s\n    %s\n", section, field->key, field->help, range);
    }
    return n;
}

static int found(int32_t n, const char *kind, const char *name)
{
    if (n == 0) {
        fprintf(stderr,
                "servesim: there is no key '%s'; 'servesim list %s' has them all\n",
                name, kind);
        return COMMAND_FAILED;
    }
    return COMMAND_DONE;
}

static int print_keys(const char *name)
{
    int32_t n = 0;
    struct field_table tables[CONFIG_POOL_TABLES];
    for (int32_t i = 0; i < config_n_tables; i++) {
        n += print_fields(config_tables[i].name, &config_tables[i], name);
    }
    n += print_fields("tenant.NAME", &tenants_table, name);
    n += print_fields("scale.POOL", &scale_table, name);
    n += print_fields("sleep", &sleep_table, name);
    for (int i = 0; i < CONFIG_STUDY_TABLES; i++) {
        const struct field_table *table = &config_study_tables[i];
        n += print_fields(table->name, table, name);
    }
    config_pool_tables(tables);
    n += print_fields("pool.NAME", &tables[CONFIG_POOL_PRESETS], name);
    for (int32_t i = 0; i < CONFIG_POOL_TABLES; i++) {
        if (i != CONFIG_POOL_PRESETS) {
            n += print_fields("pool.NAME", &tables[i], name);
        }
    }
    return found(n, "keys", name);
}

/* The tables of one section of a workload file; the first holds the key that decides which
 * of the others count. */
static int32_t print_variants(const char *section, const struct field_table *tables,
                              int32_t n_tables, const char *name)
{
    int32_t n = print_fields(section, &tables[0], name);
    for (int32_t i = 1; i < n_tables; i++) {
        char place[120];
        snprintf(place, sizeof place, "%s, %s = %s", section, tables[0].fields[0].key,
                 tables[i].name);
        n += print_fields(place, &tables[i], name);
    }
    return n;
}

/* The keys of the files that `servesim gen` reads. */
static int print_workload_keys(const char *name)
{
    int32_t n =
        print_fields("workload", &generate_table, name) +
        print_variants("arrivals", arrivals_tables, ARRIVALS_TABLES, name) +
        print_fields("modulation", &modulation_table, name) +
        print_variants("prompt, output, followup, turns, prefix_tokens, thinking",
                       lengths_tables, LENGTHS_TABLES, name) +
        print_fields("client.NAME", &talk_client_table, name) +
        print_fields("sessions", &talk_sessions_table, name) +
        print_fields("agent", &talk_agent_table, name) +
        print_variants("gap", pauses_tables, PAUSES_TABLES, name) +
        print_fields("prefix", &prefixes_table, name) +
        print_fields("reasoning", &talk_reasoning_table, name);
    return found(n, "workload-keys", name);
}

/* The first comment line of a preset file says what it is. */
static void print_title(const char *folder, const char *name)
{
    char path[512];
    char line[200] = "";
    if (config_pool_find(folder, name, path)) {
        FILE *file = fopen(path, "r");
        if (file != NULL) {
            if (fgets(line, sizeof line, file) == NULL) {
                line[0] = '\0';
            }
            fclose(file);
        }
    }
    line[strcspn(line, "\n")] = '\0';
    printf("%-16s %s\n", name, line[0] == ';' ? line + 2 : "");
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of the files in one folder of presets, added to `names`. */
static int32_t add_names(const char *root, const char *folder, char **names, int32_t n,
                         int32_t room)
{
    char path[512];
    snprintf(path, sizeof path, "%.400s/configs/%.60s", root, folder);
    DIR *listing = opendir(path);
    if (listing == NULL) {
        return n;
    }
    for (struct dirent *entry; (entry = readdir(listing)) != NULL && n < room;) {
        const char *dot = strrchr(entry->d_name, '.');
        if (dot == NULL || strcmp(dot, ".ini") != 0 || dot == entry->d_name) {
            continue;
        }
        names[n++] = memory_copy(entry->d_name, (size_t)(dot - entry->d_name));
    }
    closedir(listing);
    return n;
}

static void print_presets(const char *folder)
{
    enum { MOST = 1000 };
    char *names[MOST];
    char roots[CONFIG_POOL_ROOTS][400];
    int32_t n = 0;
    config_pool_roots(roots);
    for (int i = 0; i < CONFIG_POOL_ROOTS; i++) {
        n = add_names(roots[i], folder, names, n, MOST);
    }
    qsort(names, (size_t)n, sizeof names[0], compare_names);
    for (int32_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0) {
            print_title(folder, names[i]);
        }
    }
    for (int32_t i = 0; i < n; i++) {
        free(names[i]);
    }
}

static int read_model(const char *path, struct llm *llm, struct err *err)
{
    struct arena arena = {0};
    struct settings file = {0};
    field_defaults(&llm_table, llm, &arena);
    int status =
        settings_read(&file, path, &arena, err) != 0 ||
                settings_apply(&file, "model", &llm_table, 1, llm, &arena, err) != 0 ||
                settings_check_given(&file, "model", &llm_table, 1, llm, err) != 0
            ? -1
            : llm_check(llm, err);
    llm->source = ""; /* it goes with the arena */
    memory_arena_free(&arena);
    return status;
}

/* What follows from a model's dimensions, behind them. */
static void print_counts(const struct llm *llm)
{
    printf("\n; parameters: %" PRId64 "\n; active parameters: %" PRId64
           "\n; bytes of weights: %" PRId64 "\n; bytes of KV per token: %" PRId64 "\n",
           llm_params(llm), llm_active_params(llm), llm_weight_bytes(llm),
           llm_kv_bytes_per_token(llm, 1));
}

static int print_file(const char *folder, const char *name)
{
    char path[512];
    struct llm llm;
    struct err err;
    bool is_model = strcmp(folder, "models") == 0;
    FILE *file = config_pool_find(folder, name, path) ? fopen(path, "r") : NULL;
    if (file == NULL) {
        fprintf(
            stderr,
            "servesim: there is no '%s' among the %s; 'servesim list %s' has them\n",
            name, folder, folder);
        return COMMAND_FAILED;
    }
    if (is_model && read_model(path, &llm, &err) != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
        fclose(file);
        return COMMAND_FAILED;
    }
    printf("; %s\n", path);
    for (int c; (c = fgetc(file)) != EOF;) {
        putchar(c);
    }
    fclose(file);
    if (is_model) {
        print_counts(&llm);
    }
    return COMMAND_DONE;
}

static void print_batching(void)
{
    for (const struct batch_ops *const *at = policy_batching_all; *at != NULL; at++) {
        printf("%-16s %s\n", (*at)->name, (*at)->help);
    }
}

static void print_formats(void)
{
    const char *first_line;
    const char *name;
    struct err unknown; /* formats that are only read are no error */
    for (int32_t i = 0; (name = trace_format_name(i, &first_line)) != NULL; i++) {
        bool is_written = trace_write_find(name, &unknown) != NULL;
        printf("%-16s %-12s %s\n", name, is_written ? "read, write" : "read",
               first_line);
    }
}

static void print_orders(void)
{
    for (const struct order_ops *const *at = policy_order_all; *at != NULL; at++) {
        printf("%-16s %s\n", (*at)->name, (*at)->help);
    }
}

static void print_routes(void)
{
    for (const struct route_ops *const *at = policy_route_all; *at != NULL; at++) {
        printf("%-16s %s\n", (*at)->name, (*at)->help);
    }
}

static void print_scalers(void)
{
    for (const struct scale_ops *const *at = policy_scale_all; *at != NULL; at++) {
        printf("%-16s %s\n", (*at)->name, (*at)->help);
    }
}

/* The columns of a result file, or of all, among those of a list that ends with NULL;
 * `.csv` need not be said.  How many of these and of the `n` before were printed. */
static int32_t print_columns_of(const struct columns *const *at, const char *file,
                                int32_t n)
{
    for (; *at != NULL; at++) {
        const struct columns *columns = *at;
        size_t stem = strcspn(columns->file, ".");
        if (file != NULL && strcmp(file, columns->file) != 0 &&
            (strlen(file) != stem || strncmp(file, columns->file, stem) != 0)) {
            continue;
        }
        printf("%s%s: %s\n", n++ > 0 ? "\n" : "", columns->file, columns->help);
        for (int32_t i = 0; i < columns->n; i++) {
            const struct column *column = &columns->list[i];
            printf("    %-28s %s%s%s%s\n", column->name, column->help,
                   column->unit[0] != '\0' ? " [" : "", column->unit,
                   column->unit[0] != '\0' ? "]" : "");
        }
    }
    return n;
}

/* Of runs, then of studies. */
static int print_columns(const char *file)
{
    if (print_columns_of(study_columns_all, file,
                         print_columns_of(columns_all, file, 0)) == 0) {
        fprintf(stderr,
                "servesim: no result file is called '%s'; 'servesim list columns' has "
                "them all\n",
                file);
        return COMMAND_FAILED;
    }
    return COMMAND_DONE;
}

static const char kinds[] =
    "accelerators, models, engines, policies, prices, batching, order, route, scale, "
    "formats, keys, columns";

/* Files that can be named in a configuration: those of a pool, and books of prices. */
static bool is_folder(const char *kind)
{
    for (int i = 0; i < CONFIG_POOL_PRESETS; i++) {
        if (strcmp(kind, config_pool_presets[i].folder) == 0) {
            return true;
        }
    }
    return strcmp(kind, "prices") == 0;
}

static int run(const struct command_line *line)
{
    if (line->n_operands == 0) {
        printf("servesim list KIND, with KIND one of %s\n", kinds);
        return COMMAND_DONE;
    }
    const char *kind = line->operands[0];
    const char *name = line->n_operands > 1 ? line->operands[1] : NULL;
    if (is_folder(kind)) {
        if (name != NULL) {
            return print_file(kind, name);
        }
        print_presets(kind);
        return COMMAND_DONE;
    }
    if (strcmp(kind, "batching") == 0) {
        print_batching();
    } else if (strcmp(kind, "order") == 0) {
        print_orders();
    } else if (strcmp(kind, "route") == 0) {
        print_routes();
    } else if (strcmp(kind, "scale") == 0) {
        print_scalers();
    } else if (strcmp(kind, "formats") == 0) {
        print_formats();
    } else if (strcmp(kind, "keys") == 0) {
        return print_keys(name);
    } else if (strcmp(kind, "columns") == 0) {
        return print_columns(name);
    } else if (strcmp(kind, "workload-keys") == 0) {
        return print_workload_keys(name);
    } else {
        fprintf(stderr, "servesim list: '%s' is not one of %s\n", kind, kinds);
        return COMMAND_USAGE;
    }
    return COMMAND_DONE;
}

const struct command command_list = {
    .name = "list",
    .arguments = "[KIND [NAME]]",
    .summary = "Lists accelerators, models, engines, policies and every key",
    .help =
        "KIND is one of accelerators, models, engines, policies, prices, batching,\n"
        "order, route, scale, formats, keys, workload-keys, columns.  With the\n"
        "NAME of a file or key it prints that one.\n\n"
        "  servesim list accelerators\n"
        "  servesim list accelerators h100-sxm\n"
        "  servesim list keys max_num_seqs\n"
        "  servesim list columns bill.csv\n",
    .options = "",
    .least_operands = 0,
    .most_operands = 2,
    .run = run,
};
