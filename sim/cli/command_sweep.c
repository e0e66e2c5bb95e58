#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/command.h"
#include "study/sweep.h"

enum { SHARD };

static const struct command_option own[] = {
    [SHARD] = {"shard", true,
               "I/N: only every N-th point, from the I-th on; I is 1 to N"},
    {NULL, false, NULL},
};

/* "I/N"; 1/1 without. */
static int read_shard(const char *text, struct sweep_request *request)
{
    request->shard = 1;
    request->n_shards = 1;
    if (text == NULL) {
        return COMMAND_DONE;
    }
    char *slash;
    char *end;
    long long i = strtoll(text, &slash, 10);
    long long n = *slash == '/' ? strtoll(slash + 1, &end, 10) : 0;
    if (*text < '0' || *text > '9' || *slash != '/' || slash[1] < '0' ||
        slash[1] > '9' || *end != '\0' || n < 1 || n > SWEEP_MOST_SHARDS || i < 1 ||
        i > n) {
        fprintf(stderr,
                "servesim: --shard: '%.80s' is not I/N with I from 1 to N, N at most "
                "%d; number the tasks of an array from 1: sbatch --array=1-N\n",
                text, SWEEP_MOST_SHARDS);
        return COMMAND_USAGE;
    }
    request->shard = i;
    request->n_shards = n;
    return COMMAND_DONE;
}

static void tell_resumed(const struct sweep *sweep)
{
    if (sweep->n_resumed == sweep->n_points) {
        printf("all %" PRId64 " points are there: nothing to do\n", sweep->n_points);
    } else if (sweep->n_resumed > 0) {
        printf("resumed: %" PRId64 " of %" PRId64 " points are there\n",
               sweep->n_resumed, sweep->n_points);
    }
    if (sweep->journal.n_dropped > 0) {
        printf("dropped: %" PRId64 " line%s of the journal that were not whole\n",
               sweep->journal.n_dropped, sweep->journal.n_dropped == 1 ? "" : "s");
    }
    fflush(stdout);
}

static int play(struct sweep *sweep, const struct command_line *line, struct err *err)
{
    struct sweep_options options = {.n_threads = line->n_threads,
                                    .quiet = line->quiet,
                                    .warnings = stderr,
                                    .interrupted = line->interrupted};
    const struct sweep_table *table = &sweep->table;
    bool is_whole = sweep->request.n_shards == 1;
    if (!line->quiet) {
        tell_resumed(sweep);
    }
    if (sweep_run(sweep, &options, err) != 0 ||
        (is_whole && sweep_check_any(table, err) != 0)) {
        return -1;
    }
    if (line->quiet) {
        return 0;
    }
    if (sweep_table_print(table, stdout, err) != 0) {
        return -1;
    }
    sweep_table_tell(table, stdout, sweep->request.folder);
    return 0;
}

static int run(const struct command_line *line)
{
    struct arena arena = {0};
    struct err err;
    struct sweep sweep = {0};
    struct sweep_request request = {
        .path = line->operands[0],
        .overrides = line->overrides,
        .n_overrides = line->n_overrides,
        .overs = line->overs,
        .n_overs = line->n_overs,
        .folder = line->output,
        .overwrite = line->overwrite,
    };
    if (line->output == NULL) {
        fputs("servesim: sweep: -o DIR is missing: where the points go\n", stderr);
        return COMMAND_USAGE;
    }
    if (read_shard(line->own[SHARD], &request) != COMMAND_DONE) {
        return COMMAND_USAGE;
    }
    int status = sweep_open(&sweep, &request, &arena, &err);
    if (status == 0) {
        status = play(&sweep, line, &err);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    sweep_close(&sweep);
    memory_arena_free(&arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_sweep = {
    .name = "sweep",
    .arguments = "CONFIG [--over section.key=v1,v2,...]... -o DIR "
                 "[-s section.key=value]... [-j N] [--shard I/N] [--overwrite] "
                 "[--quiet]",
    .summary = "Runs a grid of configurations, resumable, in parallel",
    .help =
        "Replays the trace of CONFIG at every combination of the values that --over "
        "gives,\n"
        "or the section [over] of CONFIG, the last one fastest: up to 1,000,000 "
        "points.\n"
        "  --over pool.main.max_num_seqs=8,16,32      these\n"
        "  --over pool.main.replicas=1..8             1 to 8; 0.5..2+0.5 in steps;\n"
        "                                             1..64*2 by a factor\n"
        "  --over slo.ttft_ms+slo.tpot_ms=500:50,1000:30\n"
        "                                             both keys together\n"
        "DIR/sweep.csv has a row per point: what varies, every metric of summary.csv, "
        "why\n"
        "the point cannot be run if it cannot, and whether it is on the Pareto front "
        "of\n"
        "tokens/s per GPU, TPOT, $/Mtok and J/token.  It can be read at any time.\n"
        "The same command again goes on where the last one was stopped, by Ctrl-C or "
        "kill:\n"
        "DIR/journal has every point that was done.  The bytes of sweep.csv depend on\n"
        "neither -j nor interruptions nor shards, which 'servesim merge' puts "
        "together:\n"
        "\n"
        "  servesim sweep configs/examples/policies.ini -o swept/ \\\n"
        "      --over pool.main.max_num_seqs=1..64*2 -j 8\n"
        "  servesim sweep configs/examples/policies.ini -o part1/ \\\n"
        "      --over pool.main.max_num_seqs=1..64*2 --shard 1/2\n"
        "  servesim sweep configs/examples/policies.ini -o part2/ \\\n"
        "      --over pool.main.max_num_seqs=1..64*2 --shard 2/2\n"
        "  servesim merge part1 part2 -o merged/\n",
    .options = "osjfVq",
    .own = own,
    .least_operands = 1,
    .most_operands = 1,
    .run = run,
};
