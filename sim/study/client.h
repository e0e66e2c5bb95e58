/* client: the programs that measure servers, as sources of requests.
 *
 * Closed loop (vllm bench serve, InferenceX, aiperf): `concurrency` clients send at once
 * at time 0, and each sends its next prompt when its last one is answered, until
 * `n_prompts` have been sent; prompt and output lengths are drawn evenly from
 * [range_ratio, 1] x nominal.  The burst at the start is part of what they report, so it
 * is simulated.  Open loop: stages of Poisson arrivals at a rate for a time, all prompts
 * and outputs of one length, `n_distinct` different prompts in turn, which the prefix
 * cache will know after the first round.
 */
#ifndef SERVESIM_STUDY_CLIENT_H
#define SERVESIM_STUDY_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "engine/pool.h"
#include "engine/sim.h"

enum { CLIENT_MOST_STAGES = 16 };

/* What vllm bench serve itself adds to a latency beyond what a light client does: of the
 * front-end constants fitted to both kinds of measurements, 15.2 and 7.3 ms. */
static const int64_t CLIENT_OVERHEAD_NS = 7900000;

/* Share of the memory that benchmarked servers are given: their recipes say 0.9 to 0.95,
 * and rows with little room left do not queue for memory. */
static const int64_t CLIENT_UTILIZATION_NANO = 950000000;

/* Servers that were asked for outputs of one length gave some a few tokens more or less;
 * without it all clients would stay in step for ever, which the measured mean TTFT of
 * such runs excludes.  Chosen on the rows at hand. */
enum { CLIENT_JITTER_TOKENS = 11 };

struct client_stage {
    int64_t rate_nano; /* requests per second, 10^-9 */
    int64_t length_ns;
};

struct client_spec {
    bool closed;
    uint64_t seed;
    int64_t prompt_tokens; /* nominal */
    int64_t output_tokens;
    int64_t range_ratio_nano; /* closed */
    int64_t jitter_tokens; /* closed: outputs are this many tokens longer or shorter */
    int64_t concurrency;
    int64_t n_prompts;
    int64_t n_stages; /* open */
    struct client_stage stages[CLIENT_MOST_STAGES];
    int64_t n_distinct;  /* open; 0: every prompt is its own */
    int64_t overhead_ns; /* to be added to what the server took */
};

/* What the client saw of one request. */
struct client_sample {
    int32_t stage; /* open loop */
    bool completed;
    int64_t ttft_ns;
    int64_t e2e_ns;
    int64_t output_tokens;
    int64_t cached_tokens;
};

struct client_log {
    struct client_sample *samples; /* in the order of sending */
    int64_t n;
    int64_t end_ns; /* when the last one was answered */
    int64_t n_preemptions;
};

/* Plays the client against one pool.  client_log_free() the log, whatever it returns. */
int client_play(struct client_log *log, const struct client_spec *spec,
                const struct pool *pool, struct err *err);
void client_log_free(struct client_log *log);

/* Means in seconds over the completed requests of a stage (-1: of all): TTFT, TPOT (those
 * with two tokens or more), E2E; NAN if there are none. */
struct client_means {
    int64_t n;
    double ttft_s;
    double tpot_s;
    double e2e_s;
};
struct client_means client_means_of(const struct client_log *log, int32_t stage);

/* Nearest-rank percentile `percent` of TTFT or E2E, in seconds. */
enum client_latency { CLIENT_TTFT, CLIENT_E2E };
double client_percentile(const struct client_log *log, int32_t stage,
                         enum client_latency latency, int percent);

#endif
