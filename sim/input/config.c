#include "input/config.h"

#include <string.h>

#include "input/config_disaggregate.h"
#include "input/config_lora.h"
#include "input/config_policies.h"
#include "input/config_pool.h"
#include "input/config_prices.h"
#include "input/config_route.h"
#include "input/config_scale.h"
#include "input/config_speculative.h"
#include "input/config_workload.h"
#include "input/failures.h"
#include "input/settings.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

static const char pool_prefix[] = "pool.";

#define RUN(member) offsetof(struct config_run, member)
#define WORKLOAD(member) offsetof(struct config_workload, member)
#define SLO(member) offsetof(struct config_slo, member)
#define HOST(member) offsetof(struct tier_config, levels[TIER_HOST].member)
#define DISK(member) offsetof(struct tier_config, levels[TIER_DISK].member)
#define OUTPUT(member) offsetof(struct config_output, member)
#define TABLE(label, rows, at)                                                   \
    {                                                                            \
        .name = label, .fields = rows, .n_fields = sizeof rows / sizeof rows[0], \
        .base = offsetof(struct config, at)                                      \
    }

static const struct field run_fields[] = {
    {"seed", FIELD_COUNT, RUN(seed), "", "1", "0", "9223372036854775807", NULL,
     "seed of all random streams; replaying a trace as it is draws nothing"},
};

static const struct field workload_fields[] = {
    {"trace", FIELD_TEXT, WORKLOAD(trace), "", "", NULL, NULL, NULL,
     "the trace to replay, plain, .gz or .zst; - is standard input; this or generator"},
    {"trace_sha256", FIELD_TEXT, WORKLOAD(trace_sha256), "", "", NULL, NULL, NULL,
     "refuse the trace if its bytes have another sha256"},
    {"format", FIELD_TEXT, WORKLOAD(format), "", "auto", NULL, NULL, NULL,
     "of the trace, by a name of `servesim list formats`; auto: its first line tells"},
    {"generator", FIELD_TEXT, WORKLOAD(generator), "", "", NULL, NULL, NULL,
     "the description of a workload, as `servesim gen` takes it: its requests are "
     "drawn "
     "while they are served; this or trace"},
    {"generator_sha256", FIELD_TEXT, WORKLOAD(generator_sha256), "", "", NULL, NULL,
     NULL, "refuse the description if its bytes have another sha256"},
    {"resample", FIELD_TIME, WORKLOAD(resample_ns), "s", "0", "0", "1000000000", NULL,
     "draw blocks of so much of the trace's time, again and again, with the run's "
     "seed, "
     "and hold its rows in memory; 0: the trace as it is"},
    {"detick", FIELD_TIME, WORKLOAD(detick_ns), "s", "0", "0", "1000000", NULL,
     "spread the arrivals of one instant, drawn with the run's seed, over a tick of "
     "this "
     "length (Mooncake's conversations: 3), or up to the next instant; 0: as they are"},
    {"from", FIELD_TIME, WORKLOAD(from_ns), "s", "0", "0", "1000000000", NULL,
     "leave out what the trace has before this time, which becomes 0"},
    {"until", FIELD_TIME, WORKLOAD(until_ns), "s", "0", "0", "1000000000", NULL,
     "and what it has from this time on; 0: to its end"},
    {"mode", FIELD_CHOICE, WORKLOAD(mode), "", "open", NULL, NULL, "open|closed",
     "open: requests arrive when the trace says; closed: each of `concurrency` clients "
     "sends the next one when its last one has left"},
    {"concurrency", FIELD_COUNT, WORKLOAD(concurrency), "", "0", "0", "1000000", NULL,
     "clients, with mode = closed; 0: none"},
    {"rate_scale", FIELD_NANO, WORKLOAD(rate_scale_nano), "", "1", "0.000001",
     "1000000", NULL, "requests arrive this many times faster"},
    {"rate_rps", FIELD_NANO, WORKLOAD(rate_rps_nano), "", "0", "0", "1000000000", NULL,
     "scale arrivals to this mean rate in requests per second; of a generator: the "
     "rate "
     "that it draws with; 0: as in the trace or the generator"},
    {"limit", FIELD_COUNT, WORKLOAD(limit), "", "0", "0", "2000000000", NULL,
     "replay only this many requests; of a generator or with resample: draw so many; "
     "0: all"},
    {"repeat", FIELD_COUNT, WORKLOAD(repeat), "", "1", "1", "1000000", NULL,
     "play the trace this many times in a row"},
    {"unservable", FIELD_CHOICE, WORKLOAD(unservable), "", "stop", NULL, NULL,
     "stop|reject", "what to do with a request that can never fit"},
    {"on_bad_row", FIELD_CHOICE, WORKLOAD(on_bad_row), "", "stop", NULL, NULL,
     "stop|skip", "what to do with a row of the trace that cannot be read"},
    {"session_prefix", FIELD_FLAG, WORKLOAD(session_prefix), "", "no", NULL, NULL, NULL,
     "a request begins with all that its session_id has said before"},
    {"infer_sessions", FIELD_FLAG, WORKLOAD(infer_sessions), "", "no", NULL, NULL, NULL,
     "a request that tells nothing of its prompt continues the longest that it can"},
    {"client_timeout", FIELD_TIME, WORKLOAD(client_timeout_ns), "s", "0", "0",
     "1000000000", NULL, "clients give up this long after they asked; 0: never"},
    {"client_retries", FIELD_COUNT, WORKLOAD(client_retries), "", "0", "0", "1000000",
     NULL,
     "how often a client sends a request again that timed out, was shed or failed"},
    {"client_backoff", FIELD_TIME, WORKLOAD(client_backoff_ns), "s", "1", "0.000001",
     "1000000000", NULL, "how long it waits before the first time"},
    {"client_backoff_factor", FIELD_NANO, WORKLOAD(client_backoff_factor_nano), "", "2",
     "1", "1000", NULL, "by how much that grows from one time to the next"},
    {"warmup", FIELD_TIME, WORKLOAD(warmup_ns), "s", "0", "0", "1000000000", NULL,
     "requests that arrive this soon after the first are simulated but not counted"},
    {"cooldown", FIELD_TIME, WORKLOAD(cooldown_ns), "s", "0", "0", "1000000000", NULL,
     "nor are those that arrive within this before the last one"},
    {"count_from", FIELD_COUNT, WORKLOAD(count_from), "", "0", "0", "2000000000", NULL,
     "nor are so many requests, the first"},
    {"count_to", FIELD_COUNT, WORKLOAD(count_to), "", "0", "0", "2000000000", NULL,
     "nor are requests from this one on, the first being 0; 0: all are"},
};

static const struct field slo_fields[] = {
    {"ttft_ms", FIELD_TIME, SLO(ttft_ns), "ms", "0", "0", "1000000000", NULL,
     "bound on the time to first token; 0: none"},
    {"tpot_ms", FIELD_TIME, SLO(tpot_ns), "ms", "0", "0", "1000000000", NULL,
     "bound on the time per output token after the first; 0: none"},
    {"itl_ms", FIELD_TIME, SLO(itl_ns), "ms", "0", "0", "1000000000", NULL,
     "bound on every gap between output tokens; 0: none"},
    {"e2e_ms", FIELD_TIME, SLO(e2e_ns), "ms", "0", "0", "1000000000", NULL,
     "bound on the whole request; 0: none"},
    {"attainment", FIELD_NANO, SLO(attainment_nano), "", "0.99", "0", "1", NULL,
     "share of requests that must meet all bounds"},
    {"require", FIELD_TEXT, SLO(require), "", "", NULL, NULL, NULL,
     "list of bounds on metrics of summary.csv that studies keep, too: "
     "p99_ttft_ms <= 500, request_goodput >= 20"},
};

static const struct field offload_fields[] = {
    {"host", FIELD_BYTES, HOST(bytes), "GB", "0", "0", "1000000", NULL,
     "host memory of a replica (of each data-parallel rank) for what its prefix cache "
     "forgets; 0: none"},
    {"host_blocks", FIELD_COUNT, HOST(n_blocks), "", "0", "0", "1000000000000", NULL,
     "the same in KV blocks"},
    {"host_bandwidth", FIELD_BANDWIDTH, HOST(bytes_per_s), "GB/s", "25", "0.001",
     "100000", NULL, "from host memory to one GPU"},
    {"host_block_us", FIELD_FEMTO, HOST(block_fs), "us", "0", "0", "1000000", NULL,
     "time to fetch a block; 0: its bytes over host_bandwidth"},
    {"host_latency_us", FIELD_FEMTO, HOST(latency_fs), "us", "0", "0", "1000000000",
     NULL, "and of a request's fetch, whatever its size"},
    {"disk", FIELD_BYTES, DISK(bytes), "GB", "0", "0", "1000000000", NULL,
     "disk of a replica for what its host memory forgets; 0: none"},
    {"disk_blocks", FIELD_COUNT, DISK(n_blocks), "", "0", "0", "1000000000000", NULL,
     "the same in KV blocks"},
    {"disk_bandwidth", FIELD_BANDWIDTH, DISK(bytes_per_s), "GB/s", "3", "0.001",
     "100000", NULL, "from disk to one GPU"},
    {"disk_block_us", FIELD_FEMTO, DISK(block_fs), "us", "0", "0", "1000000000", NULL,
     "time to fetch a block; 0: its bytes over disk_bandwidth"},
    {"disk_latency_us", FIELD_FEMTO, DISK(latency_fs), "us", "0", "0", "1000000000",
     NULL, "and of a request's fetch, whatever its size"},
    {"fetch", FIELD_CHOICE, offsetof(struct tier_config, fetch), "", "cheaper", NULL,
     NULL, "always|never|cheaper",
     "cheaper: blocks are fetched if computing them takes longer"},
};

static const struct field output_fields[] = {
    {"interval", FIELD_TIME, OUTPUT(interval_ns), "s", "10", "0.000001", "1000000000",
     NULL, "length of a row of timeline.csv"},
    {"steps", FIELD_FLAG, OUTPUT(steps), "", "no", NULL, NULL, NULL,
     "write steps.csv: every step, every request in it"},
    {"itl", FIELD_FLAG, OUTPUT(itl), "", "yes", NULL, NULL, NULL,
     "collect the distribution of inter-token latency"},
    {"sessions", FIELD_FLAG, OUTPUT(sessions), "", "no", NULL, NULL, NULL,
     "write sessions.csv: a row per session, each in memory until the end"},
    {"trace_json", FIELD_FLAG, OUTPUT(trace_json), "", "no", NULL, NULL, NULL,
     "write trace.json, for ui.perfetto.dev: steps, counters, requests"},
    {"trace_from", FIELD_TIME, OUTPUT(trace_from_ns), "s", "0", "0", "1000000000", NULL,
     "where it begins"},
    {"trace_until", FIELD_TIME, OUTPUT(trace_until_ns), "s", "0", "0", "1000000000",
     NULL, "where it ends; 0: with the run"},
    {"trace_events", FIELD_COUNT, OUTPUT(trace_events), "", "100000", "1", "10000000",
     NULL, "most steps and changes in it: with more it ends early"},
    {"trace_requests", FIELD_COUNT, OUTPUT(trace_requests), "", "1000", "0", "10000",
     NULL, "most requests in it: the first in its time"},
};

const struct field_table config_tables[] = {
    TABLE("run", run_fields, run),
    TABLE("workload", workload_fields, workload),
    TABLE("slo", slo_fields, slo),
    {.name = "speculative",
     .fields = speculative_fields,
     .n_fields = SPECULATIVE_FIELDS,
     .base = offsetof(struct config, speculative)},
    TABLE("lora", adapter_fields, lora),
    {.name = "route",
     .fields = config_route_fields,
     .n_fields = CONFIG_ROUTE_FIELDS,
     .base = offsetof(struct config, route)},
    TABLE("admit", admit_fields, admit),
    TABLE("offload", offload_fields, offload),
    {.name = "disaggregate",
     .fields = disaggregate_fields,
     .n_fields = DISAGGREGATE_FIELDS,
     .base = offsetof(struct config, disaggregate)},
    TABLE("fail", fail_config_fields, fail),
    TABLE("power", meter_fields, power),
    {.name = "price",
     .fields = price_terms_fields,
     .n_fields = PRICE_TERMS_FIELDS,
     .base = offsetof(struct config, price)},
    TABLE("output", output_fields, output),
};
const int32_t config_n_tables = sizeof config_tables / sizeof config_tables[0];

/* [speculative] has the keys of a model beside its own. */
static bool is_speculative(const struct field_table *table)
{
    return table->fields == speculative_fields;
}

static int read_sections(struct config *config, struct settings *settings,
                         struct arena *arena, struct err *err)
{
    for (int32_t i = 0; i < config_n_tables; i++) {
        const struct field_table *table = &config_tables[i];
        if (is_speculative(table)) {
            if (config_speculative_read(config, settings, arena, err) != 0) {
                return -1;
            }
            continue;
        }
        field_defaults(table, config, arena);
        if (settings_apply(settings, table->name, table, 1, config, arena, err) != 0 ||
            settings_check_given(settings, table->name, table, 1, config, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int read_pool(struct config *config, struct settings *settings,
                     const struct settings_section *section, struct arena *arena,
                     struct err *err)
{
    const char *name = section->name + strlen(pool_prefix);
    if (name[0] == '\0' || strspn(name, NAME_LETTERS) != strlen(name)) {
        return err_set(err,
                       "%s:%d: [%s]: a pool's name is letters, digits, '_' and '-'",
                       settings->file, (int)section->line, section->name);
    }
    struct pool_config *pool = &config->pools[config->n_pools++];
    if (config_pool_read(pool, settings, section->name, name, arena, err) != 0 ||
        config_prices_apply(pool, settings, section->name, config->price.book, arena,
                            err) != 0) {
        return -1;
    }
    pool->offload = config->offload;
    pool->meter = config->power;
    pool->price_terms = config->price;
    return 0;
}

static int read_pools(struct config *config, struct settings *settings,
                      struct arena *arena, struct err *err)
{
    const struct settings_section *section = NULL;
    int32_t n = 0;
    while ((section = settings_next(settings, pool_prefix, section)) != NULL) {
        n++;
    }
    if (n == 0) {
        return err_set(err, "%s: no [pool.NAME] section says what serves the requests",
                       settings->file);
    }
    if (n > CONFIG_MOST_POOLS) {
        return err_set(err,
                       "%s: %d [pool.NAME] sections are more than the %d there may be",
                       settings->file, (int)n, CONFIG_MOST_POOLS);
    }
    config->pools = ARENA_NEW(arena, (size_t)n, struct pool_config);
    while ((section = settings_next(settings, pool_prefix, section)) != NULL) {
        if (read_pool(config, settings, section, arena, err) != 0) {
            return -1;
        }
    }
    return 0;
}

int config_one_pool(const struct config *config, const char *what, struct err *err)
{
    if (config->n_pools == 1) {
        return 0;
    }
    return err_set(err, "%s: %s looks at one [pool.NAME], and there are %d",
                   config->file, what, (int)config->n_pools);
}

static int check_workload(const struct config *config, struct err *err)
{
    struct err reason;
    if (config_workload_check(&config->workload, &reason) == 0) {
        return 0;
    }
    return err_set(err, "%s: %.900s", config->file, reason.text);
}

static int check_output(const struct config *config, struct err *err)
{
    const struct config_output *output = &config->output;
    if (output->trace_until_ns == 0 || output->trace_until_ns > output->trace_from_ns) {
        return 0;
    }
    return err_set(err, "%s: [output] trace_until: is not after trace_from",
                   config->file);
}

int config_read(struct config *config, const char *path, const char *const *overrides,
                int32_t n_overrides, struct arena *arena, struct err *err)
{
    struct settings settings = {0};
    *config = (struct config){.file = memory_arena_text(arena, path)};
    if (settings_read(&settings, path, arena, err) != 0) {
        return -1;
    }
    for (int32_t i = 0; i < n_overrides; i++) {
        if (settings_override(&settings, overrides[i], arena, err) != 0) {
            return -1;
        }
    }
    if (read_sections(config, &settings, arena, err) != 0 ||
        config_workload_read(config, &settings, arena, err) != 0 ||
        tenants_read(&config->tenants, &settings, arena, err) != 0 ||
        read_pools(config, &settings, arena, err) != 0 ||
        config_scale_read(config, &settings, arena, err) != 0 ||
        config_study_read(&config->study, &settings, arena, err) != 0 ||
        settings_check_used(&settings,
                            "run, workload, slo, speculative, lora, tenant.NAME, "
                            "pool.NAME, scale.POOL, sleep, route, admit, offload, "
                            "disaggregate, "
                            "fail, power, price, output, study, capacity, size, "
                            "tune, over",
                            err) != 0 ||
        config_policies_check(config, &settings, err) != 0 ||
        config_route_check(config, &settings, arena, err) != 0 ||
        config_speculative_apply(config, &settings, err) != 0 ||
        config_lora_apply(config, &settings, err) != 0 ||
        config_disaggregate_check(config, &settings, err) != 0) {
        return -1;
    }
    if (check_workload(config, err) != 0 || check_output(config, err) != 0) {
        return -1;
    }
    return failures_read(config, arena, err);
}

void config_print(const struct config *config, FILE *out)
{
    for (int32_t i = 0; i < config_n_tables; i++) {
        fprintf(out, "%s[%s]\n", i > 0 ? "\n" : "", config_tables[i].name);
        if (is_speculative(&config_tables[i])) {
            config_speculative_print(config, out);
        } else {
            settings_print(out, &config_tables[i], config);
        }
    }
    tenants_print(&config->tenants, out);
    for (int32_t i = 0; i < config->n_pools; i++) {
        fprintf(out, "\n[pool.%s]\n", config->pools[i].name);
        config_pool_print(&config->pools[i], out);
    }
    config_scale_print(config, out);
    config_study_print(&config->study, out);
}
