#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/command.h"
#include "input/config_pool.h"
#include "study/roofline_compare.h"
#include "study/roofline_tables.h"
#include "study/run.h"
#include "study/worked.h"

enum { MOST_PIECE = 300 };

enum own { BATCH, CONTEXT, PROMPT, TPOT, AGAINST, CONVENTION, TABLE, WORKED };

static const struct command_option own_options[] = {
    [BATCH] = {"batch", true, "decoding sequences: 1,2,4 ... (1 to 512)"},
    [CONTEXT] = {"context", true, "tokens that each attends to (512,4096,32768)"},
    [PROMPT] = {"prompt", true, "prompt lengths (512 to 32768)"},
    [TPOT] = {"tpot-ms", true, "bound on a step for the concurrency (50)"},
    [AGAINST] = {"against", true, "other accelerators, on which the same is priced"},
    [CONVENTION] = {"convention", true, "count as a text does; 'list' lists them"},
    [TABLE] = {"table", true, "a reference table; 'list' lists them"},
    [WORKED] = {"worked", false, "the worked examples, as CSV"},
    {.name = NULL},
};

static const struct field batch_field = {"--batch", FIELD_COUNT, 0,    "",         NULL,
                                         "1",       "1000000",   NULL, "sequences"};
static const struct field context_field = {
    "--context", FIELD_COUNT, 0, "", NULL, "1", "100000000", NULL, "tokens"};
static const struct field prompt_field = {"--prompt", FIELD_COUNT, 0,    "",      NULL,
                                          "1",        "100000000", NULL, "tokens"};
static const struct field tpot_field = {
    "--tpot-ms", FIELD_TIME, 0, "ms", NULL, "1 ns", "1 h", NULL, "bound on a step"};

static int read_one(const struct field *field, const char *text, int64_t *value,
                    struct err *err)
{
    struct arena arena = {0};
    struct err reason;
    int status = field_read(field, value, text, &arena, &reason);
    memory_arena_free(&arena);
    return status == 0 ? 0 : err_set(err, "%s: %.900s", field->key, reason.text);
}

/* Takes the next of a list's pieces off `rest`; false if there is none. */
static bool next_piece(const char **rest, char piece[MOST_PIECE])
{
    if (*rest == NULL) {
        return false;
    }
    int length = (int)strcspn(*rest, ",");
    snprintf(piece, MOST_PIECE, "%.*s", length, *rest);
    *rest = (*rest)[length] == ',' ? *rest + length + 1 : NULL;
    return true;
}

static int read_list(const struct field *field, const char *text, const char *standard,
                     struct roofline_list *list, struct err *err)
{
    const char *rest = text != NULL ? text : standard;
    char piece[MOST_PIECE];
    list->n = 0;
    while (next_piece(&rest, piece)) {
        if (list->n == ROOFLINE_FILES_MOST) {
            return err_set(err, "%s: more than %d numbers", field->key,
                           ROOFLINE_FILES_MOST);
        }
        if (read_one(field, piece, &list->values[list->n++], err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* The name most like `typed`, ready to stand at the end of a sentence. */
static void suggest(const struct field *names, int32_t n, const char *typed,
                    const char *option, char text[120])
{
    struct field_table table = {.fields = names, .n_fields = n};
    const char *nearest = field_nearest(&table, 1, typed);
    if (nearest != NULL) {
        snprintf(text, 120, "did you mean '%s'?", nearest);
    } else {
        snprintf(text, 120, "'servesim roofline %s list' has them", option);
    }
}

static int find_convention(const char *name, const struct roofline_convention **by,
                           struct err *err)
{
    struct field names[20] = {{0}};
    char hint[120];
    int32_t n = 0;
    *by = NULL;
    if (name == NULL) {
        return 0;
    }
    *by = roofline_convention_find(name);
    if (*by != NULL) {
        return 0;
    }
    for (; roofline_convention_all[n].name != NULL; n++) {
        names[n].key = roofline_convention_all[n].name;
    }
    suggest(names, n, name, "--convention", hint);
    return err_set(err, "--convention: there is no '%.100s'; %s", name, hint);
}

static int find_table(const char *name, const struct roofline_table **table,
                      struct err *err)
{
    struct field names[40] = {{0}};
    char hint[120];
    int32_t n = 0;
    *table = roofline_tables_find(name);
    if (*table != NULL) {
        return 0;
    }
    for (; roofline_tables_all[n].name != NULL; n++) {
        names[n].key = roofline_tables_all[n].name;
    }
    suggest(names, n, name, "--table", hint);
    return err_set(err, "--table: there is no '%.100s'; %s", name, hint);
}

static int read_request(const struct command_line *line,
                        struct roofline_request *request, struct err *err)
{
    request->tpot_ns = 50000000;
    if (line->own[TPOT] != NULL &&
        read_one(&tpot_field, line->own[TPOT], &request->tpot_ns, err) != 0) {
        return -1;
    }
    return read_list(&batch_field, line->own[BATCH], "1,2,4,8,16,32,64,128,256,512",
                     &request->batches, err) != 0 ||
                   read_list(&context_field, line->own[CONTEXT], "512,4096,32768",
                             &request->contexts, err) != 0 ||
                   read_list(&prompt_field, line->own[PROMPT],
                             "512,1024,2048,4096,8192,16384,32768", &request->prompts,
                             err) != 0 ||
                   find_convention(line->own[CONVENTION], &request->by, err) != 0
               ? -1
               : 0;
}

/* A configuration's first pool, as the model has it. */
struct machine {
    struct config config;
    struct pool *pools;
    struct roofline roofline;
};

static void machine_free(struct machine *machine)
{
    if (machine->pools != NULL) {
        roofline_free(&machine->roofline);
        run_free_pools(&machine->config, machine->pools);
    }
}

/* Reads the configuration and works out its first pool; *fits is false if all that is
 * wrong is that the model does not fit.  Whatever it returns, machine_free() frees. */
static int machine_read(struct machine *machine, const struct command_line *line,
                        const char *const *overrides, int32_t n_overrides, bool *fits,
                        struct arena *arena, struct err *err)
{
    memset(machine, 0, sizeof *machine);
    *fits = true;
    if (config_read(&machine->config, line->operands[0], overrides, n_overrides, arena,
                    err) != 0 ||
        config_one_pool(&machine->config, "servesim roofline", err) != 0) {
        return -1;
    }
    machine->pools =
        memory_new((size_t)machine->config.n_pools, sizeof *machine->pools);
    if (run_pools(&machine->config, machine->pools, err) != 0) {
        *fits = strstr(err->text, " does not fit on ") == NULL;
        return -1;
    }
    return roofline_init(&machine->roofline, &machine->pools[0], err);
}

/* Another accelerator for the same pool, or why it cannot serve it. */
struct rival {
    char name[MOST_PIECE];
    struct machine machine;
    bool fits;
    struct err refused;
};

enum { MOST_RIVALS = 20 };

static int rival_read(struct rival *rival, const struct command_line *line,
                      const struct machine *one, struct arena *arena, struct err *err)
{
    const char *overrides[COMMAND_MOST_OVERRIDES + 1];
    char text[512];
    if (!config_pool_find("accelerators", rival->name, text)) {
        return err_set(err,
                       "--against: there is no configs/accelerators/%s.ini; 'servesim "
                       "list accelerators' has them",
                       rival->name);
    }
    memcpy(overrides, line->overrides, (size_t)line->n_overrides * sizeof *overrides);
    snprintf(text, sizeof text, "pool.%.90s.accelerator=%s", one->config.pools[0].name,
             rival->name);
    overrides[line->n_overrides] = memory_arena_text(arena, text);
    int status = machine_read(&rival->machine, line, overrides, line->n_overrides + 1,
                              &rival->fits, arena, &rival->refused);
    if (status == 0 || !rival->fits) {
        return 0;
    }
    *err = rival->refused;
    return -1;
}

/* All of --against, before anything is printed; *n of them are to be freed. */
static int rivals_read(struct rival rivals[MOST_RIVALS], int32_t *n,
                       const struct command_line *line, const struct machine *one,
                       struct arena *arena, struct err *err)
{
    const char *rest = line->own[AGAINST];
    char name[MOST_PIECE];
    while (next_piece(&rest, name)) {
        if (*n == MOST_RIVALS) {
            return err_set(err, "--against: more than %d accelerators", MOST_RIVALS);
        }
        struct rival *rival = &rivals[(*n)++];
        snprintf(rival->name, sizeof rival->name, "%s", name);
        if (rival_read(rival, line, one, arena, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static void rival_print(const struct rival *rival, const struct machine *one,
                        const struct roofline_request *request)
{
    if (rival->fits) {
        roofline_compare_print(stdout, &one->roofline, &rival->machine.roofline,
                               request);
    } else {
        printf("\n%s: %s\n", rival->name, rival->refused.text);
    }
}

static int run_machine(const struct command_line *line,
                       const struct roofline_request *request, struct arena *arena,
                       struct err *err)
{
    struct machine machine;
    struct rival *rivals = memory_new(MOST_RIVALS, sizeof *rivals);
    int32_t n_rivals = 0;
    bool fits;
    int status = machine_read(&machine, line, line->overrides, line->n_overrides, &fits,
                              arena, err);
    if (status == 0) {
        status = rivals_read(rivals, &n_rivals, line, &machine, arena, err);
    }
    if (status == 0 && line->output != NULL) {
        status = roofline_files_write(&machine.roofline, request, line->output,
                                      line->overwrite, err);
    }
    if (status == 0 && !line->quiet) {
        roofline_files_print(stdout, &machine.roofline, request);
    }
    for (int32_t i = 0; i < n_rivals; i++) {
        if (status == 0) {
            rival_print(&rivals[i], &machine, request);
        }
        machine_free(&rivals[i].machine);
    }
    free(rivals);
    machine_free(&machine);
    return status;
}

static void list_conventions(void)
{
    const struct roofline_convention *at = roofline_convention_all;
    for (; at->name != NULL; at++) {
        printf("%-16s %s\n", at->name, at->help);
    }
}

static void list_tables(void)
{
    const struct roofline_table *at = roofline_tables_all;
    for (; at->name != NULL; at++) {
        printf("%-16s %s\n", at->name, at->title);
    }
}

static void print_worked(void)
{
    puts("id,quantity,convention,value");
    for (int i = 0; i < WORKED_LISTS; i++) {
        for (const struct worked *row = worked_all[i]; row->id != NULL; row++) {
            printf("%s,%s,%s,%.10g\n", row->id, row->formula, row->convention,
                   worked_value(row));
        }
    }
}

static bool is_list(const char *value)
{
    return value != NULL && strcmp(value, "list") == 0;
}

/* What needs no configuration; false if something is left to do. */
static bool run_reference(const struct command_line *line, int *status, struct err *err)
{
    const struct roofline_table *table;
    const struct roofline_convention *by;
    if (is_list(line->own[TABLE])) {
        list_tables();
    } else if (is_list(line->own[CONVENTION])) {
        list_conventions();
    } else if (line->own[WORKED] != NULL) {
        print_worked();
    } else if (line->own[TABLE] != NULL) {
        *status = find_convention(line->own[CONVENTION], &by, err);
        *status = *status != 0 ? -1 : find_table(line->own[TABLE], &table, err);
        if (*status == 0) {
            roofline_tables_print(stdout, table, by);
        }
    } else {
        return false;
    }
    return true;
}

static int run(const struct command_line *line)
{
    struct arena arena = {0};
    struct roofline_request request;
    struct err err;
    int status = 0;
    if (!run_reference(line, &status, &err)) {
        if (line->n_operands == 0) {
            fputs("servesim: roofline: expected CONFIG, --table, --worked or "
                  "--convention list\n",
                  stderr);
            return COMMAND_USAGE;
        }
        status = read_request(line, &request, &err);
        status = status != 0 ? -1 : run_machine(line, &request, &arena, &err);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    memory_arena_free(&arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_roofline = {
    .name = "roofline",
    .arguments = "[CONFIG] [-s section.key=value]... [-o DIR] [--table NAME] ...",
    .summary = "Prices single steps: ridges, batches, regimes, cost; no trace",
    .help = "For the first pool of CONFIG: ridge points, critical batch sizes, and for "
            "every batch\n"
            "and context the step time by three rooflines, what bounds it, MFU, MBU, "
            "tokens per\n"
            "second and per dollar, energy, and where the memory bandwidth goes.  -o "
            "writes them\n"
            "as machine.csv, critical.csv, decode.csv and prefill.csv.\n\n"
            "  servesim roofline configs/examples/demo.ini\n"
            "  servesim roofline configs/examples/demo.ini --against "
            "h200-sxm,b200-sxm\n"
            "  servesim roofline --table critical-batch\n",
    .options = "sofq",
    .own = own_options,
    .least_operands = 0,
    .most_operands = 1,
    .run = run,
};
