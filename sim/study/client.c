#include "study/client.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "policy/policy.h"

/* A client at work: what it has sent, and who is free to send more. */
struct playing {
    const struct client_spec *spec;
    struct client_log *log;
    struct rng prompts;
    struct rng outputs;
    struct rng gaps;
    int64_t n_sent;
    /* closed: when clients became free that have not sent since, a ring */
    int64_t *free_ns;
    int64_t first_free;
    int64_t n_free;
    int32_t stage;
    double stage_at_s; /* within the stage */
};

static int64_t draw(struct rng *rng, int64_t nominal, int64_t range_ratio_nano)
{
    int64_t least = (int64_t)((double)nominal * (double)range_ratio_nano * 1e-9);
    least = least > 1 ? least : 1;
    return least >= nominal ? nominal : least + rng_below(rng, nominal - least + 1);
}

static int next_closed(struct playing *playing, struct sim_arrival *arrival)
{
    const struct client_spec *spec = playing->spec;
    if (playing->n_free == 0 || playing->n_sent == spec->n_prompts) {
        return 0;
    }
    arrival->arrival_ns = playing->free_ns[playing->first_free];
    playing->first_free = (playing->first_free + 1) % spec->concurrency;
    playing->n_free--;
    arrival->prompt_tokens =
        draw(&playing->prompts, spec->prompt_tokens, spec->range_ratio_nano);
    arrival->output_tokens =
        draw(&playing->outputs, spec->output_tokens, spec->range_ratio_nano);
    int64_t jitter = spec->jitter_tokens;
    if (jitter > 0) {
        arrival->output_tokens += rng_below(&playing->outputs, 2 * jitter + 1) - jitter;
        arrival->output_tokens =
            arrival->output_tokens > 1 ? arrival->output_tokens : 1;
    }
    return 1;
}

static int64_t stage_start_ns(const struct client_spec *spec, int32_t stage)
{
    int64_t at_ns = 0;
    for (int32_t i = 0; i < stage; i++) {
        at_ns += spec->stages[i].length_ns;
    }
    return at_ns;
}

static int next_open(struct playing *playing, struct sim_arrival *arrival)
{
    const struct client_spec *spec = playing->spec;
    for (;;) {
        if (playing->stage == spec->n_stages) {
            return 0;
        }
        const struct client_stage *stage = &spec->stages[playing->stage];
        double mean_s = 1e9 / (double)stage->rate_nano;
        playing->stage_at_s += gsl_ran_exponential(playing->gaps.generator, mean_s);
        if (playing->stage_at_s * 1e9 < (double)stage->length_ns) {
            break;
        }
        playing->stage++;
        playing->stage_at_s = 0;
    }
    arrival->arrival_ns = stage_start_ns(spec, playing->stage) +
                          (int64_t)floor(playing->stage_at_s * 1e9 + 0.5);
    arrival->prompt_tokens = spec->prompt_tokens;
    arrival->output_tokens = spec->output_tokens;
    if (spec->n_distinct > 0) {
        arrival->parts = memory_new(1, sizeof *arrival->parts);
        arrival->parts[0].id = playing->n_sent % spec->n_distinct;
        arrival->parts[0].tokens = spec->prompt_tokens;
        arrival->n_parts = 1;
    }
    return 1;
}

static int next(void *state, struct sim_arrival *arrival, struct err *err)
{
    struct playing *playing = state;
    (void)err;
    *arrival =
        (struct sim_arrival){.deadline_ns = -1, .counted = true, .file = "client"};
    int got = playing->spec->closed ? next_closed(playing, arrival)
                                    : next_open(playing, arrival);
    if (got > 0) {
        struct client_log *log = playing->log;
        if (log->n == playing->n_sent) { /* grows by doubling; requests are numbered */
            log->n = log->n * 2 + 64;
            log->samples =
                memory_grow(log->samples, (size_t)log->n, sizeof *log->samples);
        }
        log->samples[playing->n_sent++] =
            (struct client_sample){.stage = playing->stage};
    }
    return got;
}

/* Closed loop: whose request is answered may send another. */
static void finished(void *state, const struct probe_record *record)
{
    struct playing *playing = state;
    int64_t at = playing->first_free + playing->n_free++;
    playing->free_ns[at % playing->spec->concurrency] = record->finish_ns;
}

static void finish(void *state, struct probe_record *record)
{
    struct playing *playing = state;
    struct client_sample *sample = &playing->log->samples[record->id];
    playing->log->n_preemptions += record->n_preemptions;
    playing->log->end_ns = record->finish_ns;
    sample->completed = record->status == REQUEST_COMPLETED;
    sample->ttft_ns = record->first_token_ns - record->arrival_ns;
    sample->e2e_ns = record->finish_ns - record->arrival_ns;
    sample->output_tokens = record->output_tokens;
    sample->cached_tokens = record->cached_tokens;
}

static void tick(void *state, struct sim *sim, int64_t at_ns)
{
    (void)state;
    (void)sim;
    (void)at_ns;
}

int client_play(struct client_log *log, const struct client_spec *spec,
                const struct pool *pool, struct err *err)
{
    *log = (struct client_log){0};
    int64_t n_clients = spec->closed ? spec->concurrency : 0;
    struct playing playing = {
        .spec = spec,
        .log = log,
        .n_free = n_clients, /* all at time 0 */
        .free_ns = memory_new((size_t)n_clients + 1, sizeof(int64_t)),
    };
    rng_init(&playing.prompts, spec->seed, "client prompts");
    rng_init(&playing.outputs, spec->seed, "client outputs");
    rng_init(&playing.gaps, spec->seed, "client gaps");
    struct batch_policy policy = policy_of(&pool->config->scheduler);
    struct probe probe = {.state = &playing, .finish = finish, .tick = tick};
    struct sim_config config = {
        .pools = pool,
        .policies = &policy,
        .n_pools = 1,
        .route = policy_route("round_robin"),
        .probe = &probe,
    };
    struct sim_source source = {
        .state = &playing, .next = next, .finished = spec->closed ? finished : NULL};
    struct sim sim;
    int status = sim_run(&sim, &config, &source, err);
    sim_free(&sim);
    free(playing.free_ns);
    log->n = playing.n_sent;
    rng_free(&playing.prompts);
    rng_free(&playing.outputs);
    rng_free(&playing.gaps);
    return status;
}

void client_log_free(struct client_log *log)
{
    free(log->samples);
}

static bool belongs(const struct client_sample *sample, int32_t stage)
{
    return sample->completed && (stage < 0 || sample->stage == stage);
}

struct client_means client_means_of(const struct client_log *log, int32_t stage)
{
    struct client_means means = {0};
    int64_t n_tpot = 0;
    for (int64_t i = 0; i < log->n; i++) {
        const struct client_sample *sample = &log->samples[i];
        if (!belongs(sample, stage)) {
            continue;
        }
        means.n++;
        means.ttft_s += (double)sample->ttft_ns * 1e-9;
        means.e2e_s += (double)sample->e2e_ns * 1e-9;
        if (sample->output_tokens > 1) {
            n_tpot++;
            means.tpot_s += (double)(sample->e2e_ns - sample->ttft_ns) * 1e-9 /
                            (double)(sample->output_tokens - 1);
        }
    }
    means.ttft_s = means.n > 0 ? means.ttft_s / (double)means.n : NAN;
    means.e2e_s = means.n > 0 ? means.e2e_s / (double)means.n : NAN;
    means.tpot_s = n_tpot > 0 ? means.tpot_s / (double)n_tpot : NAN;
    return means;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

double client_percentile(const struct client_log *log, int32_t stage,
                         enum client_latency latency, int percent)
{
    int64_t *values = memory_new((size_t)log->n + 1, sizeof *values);
    int64_t n = 0;
    for (int64_t i = 0; i < log->n; i++) {
        const struct client_sample *sample = &log->samples[i];
        if (belongs(sample, stage)) {
            values[n++] = latency == CLIENT_TTFT ? sample->ttft_ns : sample->e2e_ns;
        }
    }
    qsort(values, (size_t)n, sizeof *values, compare);
    int64_t rank = (n * percent + 99) / 100;
    double value = n > 0 ? (double)values[rank - 1] * 1e-9 : NAN;
    free(values);
    return value;
}
