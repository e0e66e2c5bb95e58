#include "study/run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/sim.h"
#include "input/bytes.h"
#include "input/closed.h"
#include "input/config_route.h"
#include "input/workload.h"
#include "output/results.h"
#include "policy/policy.h"
#include "study/calibrated.h"

void run_free_pools(const struct config *config, struct pool *pools)
{
    for (int32_t i = 0; i < config->n_pools; i++) {
        pool_free(&pools[i]);
    }
    free(pools);
}

int run_pools(const struct config *config, struct pool *pools, struct err *err)
{
    for (int32_t i = 0; i < config->n_pools; i++) {
        if (pool_init(&pools[i], &config->pools[i], err) != 0) {
            char reason[sizeof err->text];
            memcpy(reason, err->text, sizeof reason);
            return err_set(err, "%s: %.900s", config->file, reason);
        }
        pools[i].index = i;
    }
    return 0;
}

/* The workload as the engine reads it, with an eye on the files being written, and told
 * on a terminal. */
struct watched {
    struct workload *workload;
    struct results *results;
    struct tenants *tenants;
    FILE *progress;
};

static void tell_progress(const struct watched *watched, int64_t arrival_ns)
{
    const int64_t every = 1 << 17;
    if (watched->progress != NULL && watched->workload->n_given % every == 0) {
        fprintf(watched->progress, "\r%" PRId64 " requests, second %" PRId64 " ",
                watched->workload->n_given, arrival_ns / 1000000000);
    }
}

static int next_arrival(void *state, struct sim_arrival *arrival, struct err *err)
{
    const struct watched *watched = state;
    if (results_failed(watched->results, err)) {
        return -1;
    }
    int got = workload_next(watched->workload, arrival, err);
    if (got > 0) {
        tenants_describe(watched->tenants, arrival);
        tell_progress(watched, arrival->arrival_ns);
    }
    return got;
}

static void warn(FILE *out, const struct workload *workload)
{
    if (out == NULL || workload->trace == NULL) {
        return;
    }
    int64_t line;
    const char *reason;
    const char *path = workload->config->trace;
    const char *ignored = trace_ignored_columns(workload->trace);
    int64_t failed = trace_failed(workload->trace, &line);
    if (failed > 0) {
        fprintf(out,
                "servesim: warning: %s: %" PRId64
                " request%s failed when the trace was "
                "taken (the first on line %" PRId64 ") and %s left out\n",
                path, failed, failed == 1 ? "" : "s", line, failed == 1 ? "is" : "are");
    }
    if (!trace_has_arrivals(workload->trace) &&
        workload->config->mode != CONFIG_CLOSED) {
        fprintf(out,
                "servesim: warning: %s: does not say when requests arrive: all do at "
                "0; with [workload] mode = closed, clients wait for answers\n",
                path);
    }
    int64_t skipped = trace_skipped(workload->trace, &line, &reason);
    if (ignored[0] != '\0') {
        fprintf(out, "servesim: warning: %s: not simulated by this version: %s\n", path,
                ignored);
    }
    if (skipped > 0) {
        fprintf(out, "servesim: warning: %s: %" PRId64 " bad row%s skipped%s:\n", path,
                skipped, skipped == 1 ? " was" : "s were",
                skipped > TRACE_REASONS ? ", among them" : "");
    }
    for (int64_t i = 0; (reason = trace_skipped_reason(workload->trace, i)) != NULL;
         i++) {
        fprintf(out, "  %s\n", reason);
    }
}

int run_write_config(const struct config *config, const char *folder, const char *title,
                     const char *sha256, struct err *err)
{
    return run_write_config_as(config, folder, "config.ini", title, sha256, err);
}

int run_write_config_as(const struct config *config, const char *folder,
                        const char *name, const char *title, const char *sha256,
                        struct err *err)
{
    struct config effective = *config;
    if (strcmp(config->workload.trace, "-") != 0) {
        effective.workload.trace_sha256 = sha256;
    }
    char *buffer = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&buffer, &length);
    if (out == NULL) {
        return err_set(err, "out of memory");
    }
    fprintf(out, "; %s\n", title);
    config_print(&effective, out);
    fclose(out);
    struct text text;
    int status = text_open(&text, folder, name, err);
    if (status == 0) {
        for (char *line = strtok(buffer, "\n"); line != NULL;
             line = strtok(NULL, "\n")) {
            text_printf(&text, "%s%s\n", line[0] == '[' ? "\n" : "", line);
        }
        status = text_close(&text, err);
    }
    free(buffer);
    return status;
}

int run_write_unplayed(const struct config *config, const char *folder,
                       const char *title, struct err *err)
{
    char sha256[65] = "";
    if (config->workload.trace[0] != '\0') {
        struct bytes *trace = bytes_open(config->workload.trace, err);
        if (trace == NULL) {
            return -1;
        }
        int status = bytes_sha256(trace, sha256, err);
        bytes_close(trace);
        if (status != 0) {
            return -1;
        }
    }
    return run_write_config(config, folder, title, sha256, err);
}

/* The requests, when the trace says or when clients send them. */
static struct sim_source arrivals(struct watched *watched,
                                  const struct config_workload *config,
                                  struct closed *closed)
{
    struct sim_source source = {.state = watched, .next = next_arrival};
    if (config->mode == CONFIG_OPEN) {
        return source;
    }
    closed_init(closed, &source, config->concurrency, config->warmup_ns);
    return closed_source(closed);
}

struct parts {
    struct pool *pools;
    struct batch_policy *policies;
    const struct route_ops *route;
    const struct scale_ops **scalers;
    struct results *results;
};

static struct sim_config config_of(const struct config *config,
                                   const struct run_options *options,
                                   const struct parts *parts, const struct probe *probe)
{
    return (struct sim_config){
        .pools = parts->pools,
        .policies = parts->policies,
        .seed = (uint64_t)config->run.seed,
        .n_pools = config->n_pools,
        .route = parts->route,
        .decode_route = policy_route(config->route.decode_policy),
        .disaggregate = &config->disaggregate,
        .routing = &config->route,
        .client_timeout_ns = config->workload.client_timeout_ns,
        .resend = {.most = config->workload.client_retries,
                   .backoff_ns = config->workload.client_backoff_ns,
                   .factor_nano = config->workload.client_backoff_factor_nano},
        .scalers = parts->scalers,
        .sleep = config->sleep,
        .slo = parts->results->options.slo,
        .hold_timeout_ns = config->route.hold_timeout_ns,
        .fail = &config->fail,
        .failures = config->failures,
        .admit = &config->admit,
        .reject_unservable = config->workload.unservable == CONFIG_REJECT,
        .stepwise = options->stepwise,
        .want_itl = config->output.itl != 0,
        .verify = options->verify,
        .tick_ns = config->output.interval_ns, /* peak power is of its intervals */
        .interrupted = options->interrupted,
        .probe = probe,
    };
}

static void note_cut(FILE *out, const struct results *results)
{
    const struct perfetto *perfetto = &results->perfetto;
    if (out != NULL && perfetto->is_cut) {
        fprintf(out,
                "servesim: note: trace.json ends at second %.9g: [output] trace_events "
                "= %" PRId64 " steps and changes are in it\n",
                (double)perfetto->until_ns * 1e-9, perfetto->options.most_events);
    }
}

/* Adds the configuration to the results and puts them in their place. */
static int commit(const struct config *config, struct results *results,
                  const char *sha256, struct err *err)
{
    int status = run_write_config(
        config, results->folder.temporary,
        "The effective configuration of a run of servesim " SERVESIM_VERSION
        ": run it again for the same bytes.",
        sha256, err);
    if (status == 0) {
        return results_commit(results, err);
    }
    folder_discard(&results->folder);
    return status;
}

static int simulate(const struct config *config, const struct run_options *options,
                    const struct parts *parts, struct workload *workload,
                    struct err *err)
{
    struct probe probe = results_probe(parts->results);
    struct sim_config sim_config = config_of(config, options, parts, &probe);
    const struct config_slo *slo = &config->slo;
    int64_t deadline_ns = slo->e2e_ns > 0 ? slo->e2e_ns : slo->ttft_ns;
    struct watched watched = {
        .workload = workload,
        .results = parts->results,
        .tenants = tenants_new(&config->tenants, deadline_ns > 0 ? deadline_ns : -1),
        .progress = options->progress};
    struct closed closed = {0};
    struct sim_source source = arrivals(&watched, &config->workload, &closed);
    struct sim sim;
    char sha256[65] = "";
    bool open = true;
    int status = sim_run(&sim, &sim_config, &source, err);
    if (options->progress != NULL) {
        fputs("\r\033[K", options->progress); /* wipes the line */
    }
    if (status == 0) {
        warn(options->warnings, workload);
        bool is_asked = options->folder != NULL || workload->config->trace_sha256[0];
        status = is_asked ? workload_sha256(workload, sha256, err) : 0;
    }
    if (status == 0) {
        open = false;
        status = results_close(parts->results, &sim, err);
    }
    if (status == 0 && options->folder != NULL) {
        note_cut(options->warnings, parts->results);
        status = commit(config, parts->results, sha256, err);
    }
    if (options->verbose != NULL && status == 0) {
        fprintf(options->verbose,
                "servesim: %" PRId64 " plans, %" PRId64 " sequence-steps walked\n",
                sim.totals.n_steps, sim.totals.sequence_steps);
    }
    if (open) {
        results_discard(parts->results);
    }
    sim_free(&sim);
    closed_free(&closed);
    tenants_free(watched.tenants);
    return status;
}

static void free_parts(const struct parts *parts)
{
    free(parts->policies);
    free(parts->scalers);
    free(parts->results);
}

static struct results_options results_of(const struct config *config,
                                         const struct run_options *options,
                                         const struct pool *pools,
                                         const char *calibration)
{
    const struct config_slo *bounds = &config->slo;
    return (struct results_options){
        .folder = options->folder,
        .overwrite = options->overwrite,
        .steps = config->output.steps != 0,
        .pools = pools,
        .n_pools = config->n_pools,
        .slo = {.ttft_ns = bounds->ttft_ns,
                .tpot_ns = bounds->tpot_ns,
                .itl_ns = bounds->itl_ns,
                .e2e_ns = bounds->e2e_ns},
        .attainment_nano = bounds->attainment_nano,
        .sessions = config->output.sessions != 0,
        .trace_json = config->output.trace_json != 0,
        .trace = {.from_ns = config->output.trace_from_ns,
                  .until_ns = config->output.trace_until_ns,
                  .most_events = config->output.trace_events,
                  .most_requests = config->output.trace_requests},
        .interval_ns = config->output.interval_ns,
        .calibration = calibration,
    };
}

int run_config(const struct config *config, const struct run_options *options,
               struct metrics *metrics, struct err *err)
{
    size_t n = (size_t)config->n_pools;
    struct parts parts = {
        .pools = memory_new(n, sizeof *parts.pools),
        .policies = memory_new(n, sizeof *parts.policies),
        .scalers = memory_new(n, sizeof(const struct scale_ops *)),
        .results = memory_new(1, sizeof *parts.results),
    };
    char calibration[CALIBRATED_TEXT];
    calibrated_print(config->pools, config->n_pools, calibration);
    struct results_options results_options =
        results_of(config, options, parts.pools, calibration);
    struct workload workload;
    struct served served;
    struct arena arena = {0};
    int32_t faulty;
    parts.route = policy_route(config->route.policy);
    for (int32_t i = 0; i < config->n_pools; i++) {
        parts.policies[i] = policy_of(&config->pools[i].scheduler);
        parts.scalers[i] = policy_scale(config->pools[i].scale.policy);
    }
    int status = config_route_served(config, &served, &arena, &faulty, err);
    if (status == 0) {
        status = run_pools(config, parts.pools, err);
    }
    if (status == 0) {
        status = workload_open(&workload, &config->workload, (uint64_t)config->run.seed,
                               options->interrupted, err);
        if (status == 0) {
            workload.served = &served;
            status = results_open(parts.results, &results_options, err);
            if (status == 0) {
                status = simulate(config, options, &parts, &workload, err);
                *metrics = parts.results->metrics;
                results_free(parts.results);
            }
            workload_close(&workload);
        }
    }
    memory_arena_free(&arena);
    run_free_pools(config, parts.pools);
    free_parts(&parts);
    return status;
}
