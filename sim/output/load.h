/* load: how much was asked for, against how much there is: stable or overloaded. */
#ifndef SERVESIM_OUTPUT_LOAD_H
#define SERVESIM_OUTPUT_LOAD_H

#include "engine/sim.h"
#include "output/metrics.h"

struct summary;

/* An estimate, from step prices alone, of the requests per second that one replica of the
 * pool can complete when each has `prompt` and `output` tokens: with the largest batch
 * that fits, a request takes its share of output - 1 decode steps and what its prefill
 * adds to one of them. */
double load_capacity_rps(const struct pool *pool, double prompt, double output);

/* Of all pools; where some compute prompts for others that answer them, the fewer of the
 * two count. */
double load_fleet_rps(const struct pool *pools, int32_t n_pools, double prompt,
                      double output);

/* Offered rate, estimated capacity, their ratio, the measured growth of the queue, and
 * the verdict: "overloaded" if the queue grew by more than 1 % of the time that passed
 * and by more than a second in all, or if it could not because clients gave up (more than
 * 1 % of them, at an estimated load above 1); else "stable". */
void load_metrics(const struct summary *summary, const struct sim *sim,
                  struct metrics *metrics);

#endif
