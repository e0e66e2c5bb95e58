#include "output/adapters.h"

void adapters_metrics(const struct sim *sim, struct metrics *metrics)
{
    const wide fs_per_s = 1000000000000000;
    int64_t n_slots = 0;
    int64_t n_loads = 0;
    int64_t n_downloads = 0;
    int64_t n_skipped = 0;
    wide loaded_fs = 0;
    wide adapters = 0;
    wide steps = 0;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct replica *replica = &sim->replicas[i];
        if (replica->lora.of == NULL) {
            continue;
        }
        n_slots += replica->lora.of->max_loras;
        n_loads += replica->lora.n_loads;
        n_downloads += replica->lora.n_downloads;
        n_skipped += replica->lora.n_skipped;
        loaded_fs += replica->lora.loaded_fs;
        adapters += replica->sums.adapting.steps;
        steps += replica->sums.work.steps;
    }
    if (n_slots == 0) {
        return;
    }
    metrics_integer(metrics, "lora_loads", n_loads, "");
    metrics_integer(metrics, "lora_downloads", n_downloads, "");
    metrics_ratio(metrics, "lora_load_time_s", loaded_fs, fs_per_s, 9, "s");
    metrics_integer(metrics, "lora_skipped", n_skipped, "requests");
    metrics_ratio(metrics, "lora_mean_adapters", adapters, steps, 6, "");
}
