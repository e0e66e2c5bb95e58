#include <math.h>
#include <string.h>

#include "policy/policy.h"
#include "study/predict_case.h"

/* A log of requests, sent when they were sent, to one server. */
struct replay {
    const struct predict_case *cases;
    struct predict_result *results;
    int32_t n_cases;
    int32_t n_sent;
};

static int next(void *state, struct sim_arrival *arrival, struct err *err)
{
    struct replay *replay = state;
    (void)err;
    if (replay->n_sent == replay->n_cases) {
        return 0;
    }
    const struct predict_case *of = &replay->cases[replay->n_sent++];
    *arrival = (struct sim_arrival){
        .arrival_ns = of->row.request.arrival_ns,
        .prompt_tokens = of->row.request.prompt_tokens,
        .output_tokens = of->row.request.output_tokens,
        .deadline_ns = -1,
        .counted = true,
        .file = "request",
        .line = of->row.line,
    };
    return 1;
}

static void finish(void *state, struct probe_record *record)
{
    struct replay *replay = state;
    struct predict_result *result = &replay->results[record->id];
    double ttft_s = (double)(record->first_token_ns - record->arrival_ns) * 1e-9;
    double e2e_s = (double)(record->finish_ns - record->arrival_ns) * 1e-9;
    result->played = record->status == REQUEST_COMPLETED;
    result->value_s[PREDICT_TTFT] = ttft_s;
    result->value_s[PREDICT_E2E] = e2e_s;
    if (record->output_tokens > 1) {
        result->value_s[PREDICT_TPOT] =
            (e2e_s - ttft_s) / (double)(record->output_tokens - 1);
    }
}

static void tick(void *state, struct sim *sim, int64_t at_ns)
{
    (void)state;
    (void)sim;
    (void)at_ns;
}

/* `status` of the pool or the run: every case that was not played says why. */
static void refuse_rest(const struct replay *replay, const struct err *err)
{
    for (int32_t i = 0; i < replay->n_cases; i++) {
        if (!replay->results[i].played) {
            snprintf(replay->results[i].refusal, sizeof replay->results[i].refusal,
                     "%.390s", err->text);
        }
    }
}

void predict_replay(const struct predict_case *cases, int32_t n_cases,
                    struct predict_result *results)
{
    struct replay replay = {.cases = cases, .results = results, .n_cases = n_cases};
    struct pool pool;
    struct err err = {.text = "the request was not completed"};
    for (int32_t i = 0; i < n_cases; i++) {
        memset(&results[i], 0, sizeof results[i]);
        for (int j = 0; j < N_PREDICT_METRICS; j++) {
            results[i].value_s[j] = NAN;
        }
    }
    if (pool_init(&pool, &cases[0].config, &err) == 0) {
        struct batch_policy policy = policy_of(&cases[0].config.scheduler);
        struct probe probe = {.state = &replay, .finish = finish, .tick = tick};
        struct sim_config config = {
            .pools = &pool,
            .policies = &policy,
            .n_pools = 1,
            .route = policy_route("round_robin"),
            .probe = &probe,
        };
        struct sim_source source = {.state = &replay, .next = next};
        struct sim sim;
        sim_run(&sim, &config, &source, &err);
        sim_free(&sim);
    }
    pool_free(&pool);
    refuse_rest(&replay, &err);
}

void predict_replay_fill(struct predict_case *of, const struct config *base)
{
    const struct measured_request *row = &of->row.request;
    const int64_t values[] = {[PREDICT_TTFT] = row->ttft_ns,
                              [PREDICT_TPOT] = row->tpot_ns,
                              [PREDICT_E2E] = row->latency_ns};
    for (int i = PREDICT_TTFT; i <= PREDICT_E2E; i++) {
        of->measured_s[i] = values[i] != MEASURED_NONE ? (double)values[i] * 1e-9 : NAN;
    }
    of->config = base->pools[0];
    of->has_config = true;
}
