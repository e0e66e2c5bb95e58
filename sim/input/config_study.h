/* config_study: what studies are told: the sections [study], [capacity], [size], [tune]
 * and [over].
 *
 * A run has no use for them: they are checked wherever they stand, and config.ini has those
 * that the file had.
 */
#ifndef SERVESIM_INPUT_CONFIG_STUDY_H
#define SERVESIM_INPUT_CONFIG_STUDY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/field.h"
#include "base/memory.h"
#include "input/settings.h"

/* [study]: how often everything is simulated, and what of it counts. */
struct config_study_runs {
    int64_t seeds;
    int64_t draws;
    int64_t percent;
    int64_t requests; /* of each run; 0: as the workload says */
    int64_t warmup_nano;
    int64_t cooldown_nano;
};

struct config_study_capacity {
    int64_t precision_nano;
    int64_t least_rps_nano; /* 0: none */
    int64_t most_rps_nano;
    const char *
        best_of; /* "" or "section.key": of variants that differ in it the best is told */
};

/* Lists are texts "a, b, c"; "" where the configuration's own value is the only one. */
struct config_study_size {
    const char *accelerators;
    const char *exclude;
    const char *tensor_parallel;
    const char *pipeline_parallel;
    const char *policies;
    const char *max_num_seqs;
    const char *max_num_batched_tokens;
    int64_t most_replicas;
    int64_t most_gpus;
    int64_t mixed;
    int64_t disaggregate;
    int64_t notch_nano;
    int64_t interval_ns;
};

enum config_study_goal {
    CONFIG_STUDY_COST,
    CONFIG_STUDY_THROUGHPUT,
    CONFIG_STUDY_LATENCY,
};

struct config_study_tune {
    int64_t goal; /* enum config_study_goal */
    const char *flags;
    const char *latency; /* the metric that goal = latency lowers */
    int64_t bursts_nano;
    int64_t rounds;
    int64_t disaggregate;
    int64_t interval_ns;
};

struct config_study {
    struct config_study_runs runs;
    struct config_study_capacity capacity;
    struct config_study_size size;
    struct config_study_tune tune;
    const char *const *overs; /* [over] NAME = section.key=v1,v2: study/grid.h; a value
                                 that begins with ',' continues the one above */
    int32_t n_overs;
    uint32_t given; /* bit i: the file has the section of config_study_tables[i] */
};

enum { CONFIG_STUDY_TABLES = 4 };

/* Their bases are offsets in struct config_study. */
extern const struct field_table config_study_tables[CONFIG_STUDY_TABLES];

int config_study_read(struct config_study *study, struct settings *settings,
                      struct arena *arena, struct err *err);

/* The sections that the file had. */
void config_study_print(const struct config_study *study, FILE *out);

#endif
