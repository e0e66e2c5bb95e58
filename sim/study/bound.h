/* bound: what no replica of a pool can do better, by the roofline, without a simulation.
 *
 * Busy time per request, and so the highest request rate of a replica; the least TTFT, TPOT
 * and E2E of a request that has an idle replica to itself.  They hold for every run of this
 * program, whatever comes when and whatever the policies do: tests/property/test_bound_runs.c
 * looks for a run that beats them.  Why they hold is in study/bound_sums.h and bound_price.h.
 *
 * A search prunes with them: a fleet of n replicas cannot serve more than n times most_rps,
 * and if more requests than an SLO lets miss it could not meet it on an idle replica, no
 * number of replicas meets it.
 *
 * Requests that lose work to failures, that a client sends again or a drafter slows down cost
 * more, never less; slow replicas and limits of power likewise.  A pool of role prefill does
 * a request's prompt, one of role decode its output: their bounds are of that part, and of
 * requests that have it done there; `min_prompt_tokens`, splitwise and limits that a prompt
 * is too long for let it be done elsewhere.  (The struct is bound_result: `enum bound` is model/cost.h's.)
 */
#ifndef SERVESIM_STUDY_BOUND_H
#define SERVESIM_STUDY_BOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/pool.h"
#include "engine/slo.h"
#include "study/bound_sums.h"

/* Lengths of the requests of a workload; zeroed it is empty and ready. */
struct bound_mix {
    struct bound_length *lengths;
    int64_t n_lengths;
    int64_t room;
    int64_t n_requests;
    bool is_sorted;
};

struct bound_result {
    double
        busy_s_per_request; /* of a replica, all its ranks together; the mean at least */
    double most_rps;        /* of a replica */
    double least_ttft_s;    /* of any request of the mix */
    double least_tpot_s;    /* likewise; 0 if none has two tokens of output */
};

/* Adds a request.  `shares`: its row says of what its prompt consists, so that a prefix
 * cache may spare it. */
void bound_mix_add(struct bound_mix *mix, int64_t prompt_tokens, int64_t output_tokens,
                   bool shares);
void bound_mix_free(struct bound_mix *mix);

/* The bounds of a pool that was worked out, for a mix of at least one request. */
void bound_of(const struct pool *pool, struct bound_mix *mix,
              struct bound_result *result);

/* The same where a share of the requests meets the SLO's bounds on TPOT and ITL, which holds
 * batches down: study/bound_pace.h.  most_rps is 0 where that cannot be. */
void bound_of_slo(const struct pool *pool, struct bound_mix *mix, const struct slo *slo,
                  double share, struct bound_result *result);

/* What a request (`n` is not looked at) takes at least, in seconds, on an idle replica: from
 * its arrival to its first token; from there to its last one. */
double bound_ttft_s(const struct pool *pool, const struct bound_length *length);
double bound_output_s(const struct pool *pool, const struct bound_length *length);

/* The share of the mix's requests that cannot meet the bounds, whatever the fleet. */
double bound_unmet_share(const struct pool *pool, struct bound_mix *mix,
                         const struct slo *slo);

#endif
