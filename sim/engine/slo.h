/* slo: whether a request met the bounds of [slo].
 *
 * Compared on integers: (e2e - ttft) <= bound x (outputs - 1) for TPOT, so no rounding
 * decides.  TTFT = first output token - arrival; TPOT = (E2E - TTFT) / (outputs - 1),
 * with at least two outputs; ITL = every gap between successive output tokens; TTFAT = first
 * token of the answer - arrival, which is TTFT where nothing is reasoned before.
 */
#ifndef SERVESIM_ENGINE_SLO_H
#define SERVESIM_ENGINE_SLO_H

#include <stdbool.h>

#include "base/wide.h"
#include "engine/probe.h"

/* Bounds in nanoseconds; 0: none. */
struct slo {
    int64_t ttft_ns;
    int64_t tpot_ns;
    int64_t itl_ns;
    int64_t e2e_ns;
    int64_t ttfat_ns;
};

static inline bool slo_any(const struct slo *slo)
{
    return slo->ttft_ns > 0 || slo->tpot_ns > 0 || slo->itl_ns > 0 || slo->e2e_ns > 0 ||
           slo->ttfat_ns > 0;
}

/* A request that did not complete has missed whatever bound there is. */
static inline bool slo_met(const struct slo *slo, const struct probe_record *record)
{
    if (record->status != REQUEST_COMPLETED) {
        return false;
    }
    int64_t ttft_ns = record->first_token_ns - record->arrival_ns;
    int64_t e2e_ns = record->finish_ns - record->arrival_ns;
    return (slo->ttft_ns == 0 || ttft_ns <= slo->ttft_ns) &&
           (slo->e2e_ns == 0 || e2e_ns <= slo->e2e_ns) &&
           (slo->ttfat_ns == 0 ||
            record->first_answer_ns - record->arrival_ns <= slo->ttfat_ns) &&
           (slo->itl_ns == 0 || record->max_gap_ns <= slo->itl_ns) &&
           (slo->tpot_ns == 0 ||
            e2e_ns - ttft_ns <= (wide)slo->tpot_ns * (record->output_tokens - 1));
}

#endif
