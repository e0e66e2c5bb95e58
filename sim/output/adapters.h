/* adapters: how LoRA adapters fared (engine/lora.h).
 *
 *   lora_loads          adapters brought to a slot of the GPUs
 *   lora_downloads      of these, such as were not in host memory either
 *   lora_load_time_s    by which both made steps longer
 *   lora_skipped        requests that were set aside because their adapter had no slot
 *   lora_mean_adapters  different ones in a step, over all steps of replicas with slots
 */
#ifndef SERVESIM_OUTPUT_ADAPTERS_H
#define SERVESIM_OUTPUT_ADAPTERS_H

#include "engine/sim.h"
#include "output/metrics.h"

/* Adds them, if any pool serves adapters. */
void adapters_metrics(const struct sim *sim, struct metrics *metrics);

#endif
