#include "cli/command.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/parallel.h"

extern const struct command command_run;
extern const struct command command_compare;
extern const struct command command_diff;
extern const struct command command_capacity;
extern const struct command command_sweep;
extern const struct command command_merge;
extern const struct command command_check;
extern const struct command command_list;
extern const struct command command_gen;
extern const struct command command_trace;
extern const struct command command_roofline;
extern const struct command command_import;
extern const struct command command_validate;
extern const struct command command_calibrate;
extern const struct command command_size;
extern const struct command command_tune;
extern const struct command command_report;

static const struct command *const commands[] = {
    &command_run,    &command_compare,  &command_diff,     &command_capacity,
    &command_size,   &command_tune,     &command_sweep,    &command_merge,
    &command_check,  &command_list,     &command_gen,      &command_trace,
    &command_import, &command_roofline, &command_validate, &command_calibrate,
    &command_report};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

struct option_help {
    char letter;
    const char *name; /* --name */
    bool takes_value;
    const char *help;
};

static const struct option_help known_options[] = {
    {'o', "output", true, "where results go"},
    {'s', "set", true, "section.key=value: overrides the file; may be repeated"},
    {'V', "over", true, "section.key=v1,v2,...: a variant per value; may be repeated"},
    {'j', "threads", true, "how many at a time; default: the machine's cores"},
    {'f', "overwrite", false, "replace results that are there"},
    {'b', "on-bad-row", true,
     "stop (the default) or skip: what to do with unreadable rows"},
    {'q', "quiet", false, "print no table"},
    {'v', "verbose", false, "tell on stderr what the engine did"},
    {'1', "stepwise", false,
     "visit every sequence in every step: slow, and the same bytes"},
    {'h', "help", false, "print this"},
};
enum { N_OPTIONS = sizeof known_options / sizeof known_options[0] };

static void print_commands(FILE *out)
{
    fputs("usage: servesim COMMAND ...\n\n"
          "Replays request traces through the batching scheduler of an LLM server on "
          "modelled\n"
          "accelerators, and writes latency, KV-cache use, energy and cost to CSV.\n\n",
          out);
    for (int i = 0; i < N_COMMANDS; i++) {
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    }
    fputs("\n'servesim COMMAND --help' tells more; 'servesim --version' the version.\n",
          out);
}

static void print_help(const struct command *command)
{
    printf("usage: servesim %s %s\n\n%s.\n\n%s\noptions:\n", command->name,
           command->arguments, command->summary, command->help);
    const struct command_option *own = command->own;
    for (; own != NULL && own->name != NULL; own++) {
        char left[40];
        snprintf(left, sizeof left, "    --%s%s", own->name,
                 own->takes_value ? " VALUE" : "");
        printf("  %-24s %s\n", left, own->help);
    }
    for (int i = 0; i < N_OPTIONS; i++) {
        const struct option_help *option = &known_options[i];
        if (option->letter != 'h' && strchr(command->options, option->letter) == NULL) {
            continue;
        }
        char left[40];
        const char *value = option->takes_value ? " VALUE" : "";
        if (option->letter == 'o' || option->letter == 's' || option->letter == 'v' ||
            option->letter == 'h' || option->letter == 'q' || option->letter == 'j') {
            snprintf(left, sizeof left, "-%c, --%s%s", option->letter, option->name,
                     value);
        } else {
            snprintf(left, sizeof left, "    --%s%s", option->name, value);
        }
        printf("  %-24s %s\n", left, option->help);
    }
}

static int usage_error(const struct command *command, const char *what,
                       const char *value)
{
    fprintf(stderr, "servesim %s: %s%s%s\nusage: servesim %s %s\n", command->name, what,
            value != NULL ? ": " : "", value != NULL ? value : "", command->name,
            command->arguments);
    return COMMAND_USAGE;
}

/* As many as `text` says, or NULL: as the machine has cores. */
static int read_threads(struct command_line *line, const char *text)
{
    char *end = NULL;
    long n = text != NULL ? strtol(text, &end, 10) : sysconf(_SC_NPROCESSORS_ONLN);
    if (text == NULL) {
        n = n < 1 ? 1 : n > PARALLEL_MOST ? PARALLEL_MOST : n;
    } else if (*text < '0' || *text > '9' || *end != '\0' || n < 1 ||
               n > PARALLEL_MOST) {
        fprintf(stderr, "servesim: --threads: '%.80s' is not a number from 1 to %d\n",
                text, PARALLEL_MOST);
        return COMMAND_FAILED;
    }
    line->n_threads = (int32_t)n;
    return COMMAND_DONE;
}

/* Books one option of the command's; false if its value is none. */
static bool take_value(struct command_line *line, char letter, const char *value)
{
    bool skip;
    switch (letter) {
    case 'o':
        line->output = value;
        return true;
    case 's':
        line->overrides[line->n_overrides++] = value;
        return true;
    case 'b': /* short for a setting of the workload */
        skip = strcmp(value, "skip") == 0;
        line->overrides[line->n_overrides++] =
            skip ? "workload.on_bad_row=skip" : "workload.on_bad_row=stop";
        return skip || strcmp(value, "stop") == 0;
    case 'V':
        line->overs[line->n_overs++] = value;
        return true;
    case 'j':
        line->threads = value;
        return true;
    case 'f':
        line->overwrite = true;
        return true;
    case 'q':
        line->quiet = true;
        return true;
    case 'v':
        line->verbose = true;
        return true;
    default:
        line->stepwise = true;
        return true;
    }
}

/* The option that getopt_long() stopped at as the user wrote it: `word` is the last one it
 * read, `known` the long option if it knew it, else NULL. */
static void option_name(int letter, const char *word, const char *known, char name[80])
{
    int meant = letter == '?' || letter == ':' ? optopt : letter;
    if (known != NULL) {
        snprintf(name, 80, "--%s", known);
    } else if (meant == 0 || strncmp(word, "--", 2) == 0) {
        snprintf(name, 80, "%.*s", (int)strcspn(word, "="), word);
    } else {
        snprintf(name, 80, "-%c", meant);
    }
}

/* getopt's values for the command's own options start above all letters. */
enum { FIRST_OWN = 256 };

static void fill_options(const struct command *command,
                         struct option options[N_OPTIONS + COMMAND_MOST_OWN + 1])
{
    memset(options, 0, (N_OPTIONS + COMMAND_MOST_OWN + 1) * sizeof *options);
    for (int i = 0; i < N_OPTIONS; i++) {
        options[i].name = known_options[i].name;
        options[i].has_arg =
            known_options[i].takes_value ? required_argument : no_argument;
        options[i].val = (unsigned char)known_options[i].letter;
    }
    const struct command_option *own = command->own;
    for (int i = 0; own != NULL && own[i].name != NULL; i++) {
        options[N_OPTIONS + i].name = own[i].name;
        options[N_OPTIONS + i].has_arg =
            own[i].takes_value ? required_argument : no_argument;
        options[N_OPTIONS + i].val = FIRST_OWN + i;
    }
}

/* Books the option that getopt_long() found; COMMAND_DONE, or what is wrong is told. */
static int take_option(const struct command *command, int letter, const char *name,
                       struct command_line *line)
{
    if (letter == ':') {
        return usage_error(command, "an option lacks its value", name);
    }
    if (letter >= FIRST_OWN) {
        line->own[letter - FIRST_OWN] = optarg != NULL ? optarg : "";
        return COMMAND_DONE;
    }
    if (letter == '?' || strchr(command->options, letter) == NULL) {
        return usage_error(command, "no such option", name);
    }
    if (line->n_overrides == COMMAND_MOST_OVERRIDES ||
        (letter == 'V' && line->n_overs == COMMAND_MOST_OVERS)) {
        return usage_error(command, "too many settings", name);
    }
    if (!take_value(line, (char)letter, optarg)) {
        return usage_error(command, "the option does not take that value", name);
    }
    return COMMAND_DONE;
}

static int run_command(const struct command *command, int argc, char **argv,
                       struct command_line *line)
{
    struct option options[N_OPTIONS + COMMAND_MOST_OWN + 1];
    fill_options(command, options);
    opterr = 0;
    optind = 1;
    for (;;) {
        int index = -1;
        int letter = getopt_long(argc, argv, ":o:s:j:qvh", options, &index);
        char name[80];
        if (letter == -1) {
            break;
        }
        if (letter == 'h') {
            print_help(command);
            return COMMAND_DONE;
        }
        option_name(letter, argv[optind - 1], index >= 0 ? options[index].name : NULL,
                    name);
        if (take_option(command, letter, name, line) != COMMAND_DONE) {
            return COMMAND_USAGE;
        }
    }
    for (int i = optind; i < argc; i++) {
        if (line->n_operands == command->most_operands) {
            return usage_error(command, "one argument too many", argv[i]);
        }
        line->operands[line->n_operands++] = argv[i];
    }
    if (line->n_operands < command->least_operands) {
        return usage_error(command, "an argument is missing", NULL);
    }
    int status = read_threads(line, line->threads);
    return status == COMMAND_DONE ? command->run(line) : status;
}

int command_main(int argc, char **argv, const volatile sig_atomic_t *interrupted)
{
    if (argc < 2) {
        print_commands(stderr);
        return COMMAND_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_commands(stdout);
        return COMMAND_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("servesim " SERVESIM_VERSION);
        return COMMAND_DONE;
    }
    for (int i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[1], commands[i]->name) == 0) {
            struct command_line *line = memory_new(1, sizeof *line);
            line->interrupted = interrupted;
            int status = run_command(commands[i], argc - 1, argv + 1, line);
            free(line);
            return status;
        }
    }
    fprintf(stderr, "servesim: no command '%s'; 'servesim --help' lists them\n",
            argv[1]);
    return COMMAND_USAGE;
}
