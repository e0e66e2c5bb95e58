/* config: everything a run is told, from one INI file, the files it names and -s.
 *
 * A pool's keys come from five tables (the pool's own, and those of its accelerator,
 * model, engine constants, scheduler and cost), all settable inline.  `accelerator`,
 * `model`, `engine` and `policy` name files in configs/ whose values stand where the pool
 * does not say otherwise.  config_print() writes every effective value, so that the
 * result reads no other file than the trace or its generator.
 */
#ifndef SERVESIM_INPUT_CONFIG_H
#define SERVESIM_INPUT_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/field.h"
#include "base/memory.h"
#include "engine/admit.h"
#include "engine/disaggregate.h"
#include "engine/fail_config.h"
#include "engine/pool.h"
#include "engine/route.h"
#include "engine/sleep.h"
#include "input/config_study.h"
#include "input/tenants.h"

/* Which pools could serve a request is a bit of 64 each. */
enum { CONFIG_MOST_POOLS = 64 };

struct config_run {
    int64_t seed;
};

enum config_unservable { CONFIG_STOP, CONFIG_REJECT };

enum config_mode { CONFIG_OPEN, CONFIG_CLOSED };

struct generate_spec;

struct config_workload {
    const char *trace;        /* "" with a generator */
    const char *trace_sha256; /* "" if the file is not to be checked */
    const char *format;       /* of the trace; "auto": as its first line tells */
    const char *generator;    /* "" with a trace */
    const char *generator_sha256;
    const struct generate_spec *spec; /* what the generator says; NULL: there is none */
    int64_t resample_ns;              /* length of the blocks; 0: the trace as it is */
    int64_t detick_ns;                /* 0: arrivals as the trace has them */
    int64_t from_ns;     /* of the trace's time: what is before is not played */
    int64_t until_ns;    /* 0: to its end */
    int64_t mode;        /* enum config_mode */
    int64_t concurrency; /* clients of the closed mode; 0: none */
    int64_t rate_scale_nano;
    int64_t rate_rps_nano; /* 0: as the trace has it */
    int64_t limit;         /* 0: all */
    int64_t repeat;
    int64_t unservable;     /* enum config_unservable */
    int64_t on_bad_row;     /* 0: stop, 1: skip */
    int64_t session_prefix; /* flags */
    int64_t infer_sessions;
    int64_t client_timeout_ns;
    int64_t client_retries;
    int64_t client_backoff_ns;
    int64_t client_backoff_factor_nano;
    int64_t warmup_ns;
    int64_t cooldown_ns;
    int64_t count_from;
    int64_t count_to; /* 0: to the end */
};

/* Bounds on latency; 0: none. */
struct config_slo {
    int64_t ttft_ns;
    int64_t tpot_ns;
    int64_t itl_ns;
    int64_t e2e_ns;
    int64_t attainment_nano;
    const char *require; /* "metric<=value, ...", for studies: study/goal.h */
};

/* [offload] is struct tier_config: engine/tier.h. */

/* [route] is struct route_config: engine/route.h. */

struct config_output {
    int64_t interval_ns;
    int64_t steps;
    int64_t itl;
    int64_t sessions;
    int64_t trace_json;
    int64_t trace_from_ns;
    int64_t trace_until_ns; /* 0: the end */
    int64_t trace_events;
    int64_t trace_requests;
};

struct config {
    const char *file;
    struct config_run run;
    struct config_workload workload;
    struct config_slo slo;
    struct speculative_config speculative;
    struct adapter_config lora;
    struct tenants_config tenants;
    struct route_config route;
    struct admit_config admit;
    struct tier_config offload;
    struct disaggregate_config disaggregate;
    struct fail_config fail;
    struct fail_events failures; /* of fail.events */
    struct meter_config power;
    struct price_terms price;
    struct config_output output;
    struct pool_config *pools;
    int32_t n_pools;
    struct sleep_config sleep;
    bool has_sleep; /* pools share their GPUs */
    struct config_study study;
};

/* The sections of the file, each a struct above; [pool.NAME] is in input/config_pool.h,
 * [tenant.NAME] in input/tenants.h, [scale.POOL] and [sleep] in input/config_scale.h.  The
 * tables' bases are offsets in struct config. */
extern const struct field_table config_tables[];
extern const int32_t config_n_tables;

/* Reads the file at `path`, then the overrides ("section.key=value"). */
int config_read(struct config *config, const char *path, const char *const *overrides,
                int32_t n_overrides, struct arena *arena, struct err *err);

/* -1 and `err` if `what`, which looks at one pool, would have several. */
int config_one_pool(const struct config *config, const char *what, struct err *err);

/* Writes every effective value as an INI file that config_read() reads back. */
void config_print(const struct config *config, FILE *out);

#endif
