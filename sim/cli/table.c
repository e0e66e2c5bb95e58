#include "cli/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A value from the metrics with as many decimals as people read; "-" where it is empty. */
static void shorten(const struct metrics *metrics, const char *name, double scale,
                    int decimals, char text[32])
{
    const char *value = metrics_value(metrics, name);
    if (value[0] == '\0') {
        snprintf(text, 32, "-");
    } else {
        snprintf(text, 32, "%.*f", decimals, strtod(value, NULL) * scale);
    }
}

static void print_value(FILE *out, const char *label, const struct metrics *metrics,
                        const char *name, double scale, int decimals, const char *unit)
{
    char value[32];
    shorten(metrics, name, scale, decimals, value);
    fprintf(out, "%-26s %14s%s%s\n", label, value, unit[0] != '\0' ? " " : "", unit);
}

/* A count that is told only where it is not 0. */
static void print_trouble(FILE *out, const char *label, const struct metrics *metrics,
                          const char *name)
{
    if (strcmp(metrics_value(metrics, name), "0") != 0) {
        print_value(out, label, metrics, name, 1, 0, "");
    }
}

static void print_latency(FILE *out, const char *label, const struct metrics *metrics,
                          const char *of)
{
    static const char *const columns[] = {"mean", "median", "p90", "p99", "max"};
    fprintf(out, "%-14s", label);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        char name[40];
        char value[32];
        snprintf(name, sizeof name, "%s_%s_ms", columns[i], of);
        shorten(metrics, name, 1, 2, value);
        fprintf(out, " %12s", value);
    }
    fputs("\n", out);
}

static void print_load(FILE *out, const struct metrics *metrics)
{
    const char *verdict = metrics_value(metrics, "load_verdict");
    if (strcmp(verdict, "stable") != 0 && strcmp(verdict, "overloaded") != 0) {
        fprintf(out, "load: %s\n\n", verdict);
        return;
    }
    char offered[32];
    char capacity[32];
    char load[32];
    char growth[32];
    shorten(metrics, "offered_rate", 1, 2, offered);
    shorten(metrics, "estimated_capacity", 1, 2, capacity);
    shorten(metrics, "estimated_load", 100, 0, load);
    shorten(metrics, "queue_growth", 1000, 1, growth);
    fprintf(out, "load: %s req/s offered, about %s req/s capacity (%s %%): %s\n",
            offered, capacity, load, verdict);
    const char *size = growth + (growth[0] == '-');
    if (strcmp(size, "0.0") == 0) {
        fputs("      the queueing delay neither grew nor shrank\n\n", out);
        return;
    }
    fprintf(out, "      the queueing delay %s by %s ms per second of arrivals\n\n",
            growth[0] == '-' ? "shrank" : "grew", size);
}

static void print_degree(FILE *out, const char *name, int64_t degree)
{
    if (degree > 1) {
        fprintf(out, " (%s %" PRId64 ")", name, degree);
    }
}

static void print_pool(FILE *out, const struct pool_config *pool)
{
    const struct layout *layout = &pool->layout;
    if (pool->accelerator_name[0] == '\0' || pool->model_name[0] == '\0') {
        fprintf(out, "cost = linear on %" PRId64 " x replica", pool->n_replicas);
    } else {
        fprintf(out, "%s on %" PRId64 " x %s", pool->model_name,
                pool->n_replicas * layout_gpus(layout), pool->accelerator_name);
    }
    print_degree(out, "tensor_parallel", layout->tp);
    print_degree(out, "pipeline_parallel", layout->pp);
    print_degree(out, "data_parallel", layout->dp);
    fputs("\n", out);
}

static void print_title(FILE *out, const struct config *config)
{
    for (int32_t i = 0; i < config->n_pools; i++) {
        if (config->n_pools > 1) {
            fprintf(out, "%s: ", config->pools[i].name);
        }
        print_pool(out, &config->pools[i]);
    }
    const struct config_workload *workload = &config->workload;
    if (workload->generator[0] != '\0') {
        fprintf(out, "generator %s\n\n", workload->generator);
    } else if (workload->resample_ns > 0) {
        fprintf(out, "trace %s, resampled in blocks of %.9g s\n\n", workload->trace,
                (double)workload->resample_ns * 1e-9);
    } else {
        fprintf(out, "trace %s\n\n", workload->trace);
    }
}

static bool has_accelerator(const struct config *config)
{
    for (int32_t i = 0; i < config->n_pools; i++) {
        if (config->pools[i].accelerator_name[0] != '\0') {
            return true;
        }
    }
    return false;
}

static void print_throughput(FILE *out, const struct config *config,
                             const struct metrics *metrics)
{
    const struct config_slo *slo = &config->slo;
    print_value(out, "Completed requests", metrics, "completed", 1, 0, "");
    print_trouble(out, "Rejected requests", metrics, "rejected");
    print_trouble(out, "Timed-out requests", metrics, "timed_out");
    print_trouble(out, "Shed requests", metrics, "shed");
    print_trouble(out, "Failed requests", metrics, "failed");
    print_value(out, "Duration", metrics, "duration", 1, 2, "s");
    print_value(out, "Request throughput", metrics, "request_throughput", 1, 3,
                "req/s");
    print_value(out, "Output token throughput", metrics, "output_throughput", 1, 2,
                "tok/s");
    print_value(out, "Total token throughput", metrics, "total_token_throughput", 1, 2,
                "tok/s");
    if (config_has_bounds(slo)) {
        print_value(out, "Request goodput", metrics, "request_goodput", 1, 3, "req/s");
        print_value(out, "Requests within SLO", metrics, "slo_attainment", 100, 2, "%");
    }
}

static void print_latencies(FILE *out, const struct metrics *metrics)
{
    fprintf(out, "\n%-14s %12s %12s %12s %12s %12s\n", "ms", "mean", "median", "p90",
            "p99", "max");
    print_latency(out, "TTFT", metrics, "ttft");
    if (metrics_find(metrics, "mean_ttfat_ms") != NULL) {
        print_latency(out, "TTFAT", metrics, "ttfat");
    }
    print_latency(out, "TPOT", metrics, "tpot");
    print_latency(out, "ITL", metrics, "itl");
    print_latency(out, "E2E", metrics, "e2el");
    print_latency(out, "Queue", metrics, "queue");
    fputs("\n", out);
}

static void print_bill(FILE *out, const struct metrics *metrics)
{
    print_value(out, "Cost", metrics, "total_cost_usd", 1, 4, "USD");
    print_value(out, "Cost per million tokens", metrics, "usd_per_million_tokens", 1, 4,
                "USD");
    print_value(out, "... of output", metrics, "usd_per_million_output_tokens", 1, 4,
                "USD");
    print_value(out, "Energy", metrics, "total_energy_j", 1.0 / 3.6e6, 4,
                "kWh (uncalibrated)");
    print_value(out, "Energy per output token", metrics, "joules_per_output_token", 1,
                3, "J (uncalibrated)");
}

void table_print(FILE *out, const struct config *config, const struct metrics *metrics,
                 const char *folder)
{
    print_title(out, config);
    print_throughput(out, config, metrics);
    print_latencies(out, metrics);
    print_load(out, metrics);
    print_value(out, "Busy", metrics, "busy_share", 100, 2, "% of the time");
    print_value(out, "Running (mean)", metrics, "mean_running", 1, 2, "requests");
    print_value(out, "KV cache used (mean)", metrics, "mean_kv_used_fraction", 100, 2,
                "%");
    print_value(out, "Preemptions", metrics, "preemptions", 1, 0, "");
    if (has_accelerator(config)) {
        print_value(out, "MFU", metrics, "mfu", 100, 2, "%");
        print_value(out, "MBU", metrics, "mbu", 100, 2, "%");
        print_bill(out, metrics);
    }
    fprintf(out, "%-26s %s\n", "Calibration", metrics_value(metrics, "calibration"));
    if (folder != NULL) {
        fprintf(out, "\nwritten to %s\n", folder);
    }
}

static void print_bytes(FILE *out, const char *label, int64_t bytes)
{
    fprintf(out, "  %-34s %12.3f GB\n", label, (double)bytes * 1e-9);
}

void table_ledger(FILE *out, const struct pool_config *config,
                  const struct ledger *ledger)
{
    fprintf(out, "memory of one %s (1 GB = 10^9 bytes)\n", config->accelerator_name);
    print_bytes(out, "capacity", ledger->memory_bytes);
    print_bytes(out, "- left to others", ledger->reserved_bytes);
    print_bytes(out, "- weights", ledger->weight_bytes);
    if (ledger->draft_bytes > 0) {
        print_bytes(out, "- weights that draft", ledger->draft_bytes);
    }
    if (ledger->lora_bytes > 0) {
        print_bytes(out, "- LoRA adapters", ledger->lora_bytes);
    }
    print_bytes(out, "- activations at the profiling peak", ledger->activation_bytes);
    print_bytes(out, "- graphs and runtime", ledger->runtime_bytes);
    if (ledger->state_bytes > 0) {
        print_bytes(out, "- state of linear layers", ledger->state_bytes);
    }
    if (ledger->window_bytes > 0) {
        print_bytes(out, "- windows of a full batch", ledger->window_bytes);
    }
    print_bytes(out, "= KV cache", ledger->kv_bytes);
    fprintf(out, "  %-34s %12" PRId64 " of %" PRId64 " tokens, %.3f MB each\n",
            "KV blocks", ledger->n_blocks, config->block_tokens,
            (double)ledger->block_bytes * 1e-6);
    fprintf(out, "  %-34s %12" PRId64 " tokens\n", "room (one block stays unused)",
            (ledger->n_blocks - 1) * config->block_tokens);
}
