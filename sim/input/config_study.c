#include "input/config_study.h"

#include <string.h>

#define RUNS(member) offsetof(struct config_study_runs, member)
#define CAPACITY(member) offsetof(struct config_study_capacity, member)
#define SIZE(member) offsetof(struct config_study_size, member)
#define TUNE(member) offsetof(struct config_study_tune, member)
#define TABLE(label, rows, at)                                                   \
    {                                                                            \
        .name = label, .fields = rows, .n_fields = sizeof rows / sizeof rows[0], \
        .base = offsetof(struct config_study, at)                                \
    }

static const char over[] = "over";

static const struct field runs_fields[] = {
    {"seeds", FIELD_COUNT, RUNS(seeds), "", "3", "1", "1000", NULL,
     "a bound is held against the mean of runs with so many seeds, from [run] seed on"},
    {"draws", FIELD_COUNT, RUNS(draws), "", "5", "1", "1000", NULL,
     "deployments drawn from what is known of the engine's step times (tpot_sd), at "
     "evenly spaced quantiles; 1: the median alone"},
    {"percent", FIELD_COUNT, RUNS(percent), "", "80", "1", "99", NULL,
     "how much an interval covers"},
    {"requests", FIELD_COUNT, RUNS(requests), "", "0", "0", "2000000000", NULL,
     "of each run; a shorter trace is repeated; 0: as [workload] says"},
    {"warmup", FIELD_NANO, RUNS(warmup_nano), "", "0.1", "0", "0.9", NULL,
     "share of the requests, the first, that are simulated but not counted"},
    {"cooldown", FIELD_NANO, RUNS(cooldown_nano), "", "0.1", "0", "0.9", NULL,
     "likewise of the last"},
};

static const struct field capacity_fields[] = {
    {"precision", FIELD_NANO, CAPACITY(precision_nano), "", "0.01", "0.0001", "1", NULL,
     "rates tried are powers of 1 + this: the bracket's width"},
    {"least_rps", FIELD_NANO, CAPACITY(least_rps_nano), "", "0", "0", "1000000000",
     NULL, "no rate below this is tried; 0: any"},
    {"most_rps", FIELD_NANO, CAPACITY(most_rps_nano), "", "0", "0", "1000000000", NULL,
     "nor one above this; 0: any"},
    {"best_of", FIELD_TEXT, CAPACITY(best_of), "", "", NULL, NULL, NULL,
     "section.key that --over varies: of variants that differ in it alone, the "
     "cheapest "
     "per token is told"},
};

static const struct field size_fields[] = {
    {"accelerators", FIELD_TEXT, SIZE(accelerators), "", "", NULL, NULL, NULL,
     "list of accelerators to try, or all; empty: the pool's own"},
    {"exclude", FIELD_TEXT, SIZE(exclude), "", "", NULL, NULL, NULL,
     "list of accelerators not to try"},
    {"tensor_parallel", FIELD_TEXT, SIZE(tensor_parallel), "", "", NULL, NULL, NULL,
     "list of tensor parallel degrees to try; empty: the pool's own"},
    {"pipeline_parallel", FIELD_TEXT, SIZE(pipeline_parallel), "", "", NULL, NULL, NULL,
     "list of pipeline stages to try"},
    {"policies", FIELD_TEXT, SIZE(policies), "", "", NULL, NULL, NULL,
     "list of scheduler presets to try"},
    {"max_num_seqs", FIELD_TEXT, SIZE(max_num_seqs), "", "", NULL, NULL, NULL,
     "list of limits on the sequences of a step to try"},
    {"max_num_batched_tokens", FIELD_TEXT, SIZE(max_num_batched_tokens), "", "", NULL,
     NULL, NULL, "list of token budgets to try"},
    {"most_replicas", FIELD_COUNT, SIZE(most_replicas), "", "1000", "1", "100000", NULL,
     "no fleet has more"},
    {"most_gpus", FIELD_COUNT, SIZE(most_gpus), "", "0", "0", "1000000", NULL,
     "nor more GPUs; 0: any number"},
    {"mixed", FIELD_FLAG, SIZE(mixed), "", "no", NULL, NULL, NULL,
     "try fleets of two pools that differ, too"},
    {"disaggregate", FIELD_FLAG, SIZE(disaggregate), "", "no", NULL, NULL, NULL,
     "try fleets that prefill and decode apart, too"},
    {"notch", FIELD_NANO, SIZE(notch_nano), "", "0.2", "0", "0.9", NULL,
     "what the SLO costs is told for bounds this share tighter and looser; 0: not"},
    {"interval", FIELD_TIME, SIZE(interval_ns), "s", "3600", "0.001", "1000000000",
     NULL, "GPUs over time are told in steps of this"},
};

static const struct field tune_fields[] = {
    {"goal", FIELD_CHOICE, TUNE(goal), "", "cost", NULL, NULL,
     "cost|throughput|latency",
     "cost: dollars per million tokens at the highest rate within [slo]; throughput: "
     "that rate per GPU; latency: a latency at the workload's rate"},
    {"flags", FIELD_TEXT, TUNE(flags), "", "", NULL, NULL, NULL,
     "list of keys to tune; empty: all that apply"},
    {"latency", FIELD_TEXT, TUNE(latency), "", "p99_e2el_ms", NULL, NULL, NULL,
     "the metric that goal = latency lowers"},
    {"bursts", FIELD_NANO, TUNE(bursts_nano), "", "1.25", "1", "100", NULL,
     "with goal = latency the rate is also tried this many times higher; the worse "
     "counts"},
    {"rounds", FIELD_COUNT, TUNE(rounds), "", "3", "1", "100", NULL,
     "how often all flags are gone through at most"},
    {"disaggregate", FIELD_FLAG, TUNE(disaggregate), "", "no", NULL, NULL, NULL,
     "tell the best ratio of prefill to decode replicas by hour, and when it pays"},
    {"interval", FIELD_TIME, TUNE(interval_ns), "s", "3600", "0.001", "1000000000",
     NULL, "what an hour is, for that"},
};

const struct field_table config_study_tables[CONFIG_STUDY_TABLES] = {
    TABLE("study", runs_fields, runs),
    TABLE("capacity", capacity_fields, capacity),
    TABLE("size", size_fields, size),
    TABLE("tune", tune_fields, tune),
};

static int read_overs(struct config_study *study, struct settings *settings,
                      struct arena *arena, struct err *err)
{
    const struct settings_section *section = settings_next(settings, over, NULL);
    while (section != NULL && strcmp(section->name, over) != 0) {
        section = settings_next(settings, over, section);
    }
    if (section == NULL) {
        return 0;
    }
    int32_t n = 0;
    for (const struct settings_entry *at = section->first; at != NULL; at = at->next) {
        n++;
    }
    if (n == 0) {
        return err_set(err, "%s:%d: [over]: no key says what varies", settings->file,
                       (int)section->line);
    }
    const char **overs = ARENA_NEW(arena, (size_t)n, const char *);
    for (const struct settings_entry *at = section->first; at != NULL; at = at->next) {
        bool goes_on = at->value[0] == ',';
        if (goes_on && study->n_overs == 0) {
            return settings_refuse(at, "continues a list that is not there", err);
        }
        const char *before = goes_on ? overs[--study->n_overs] : "";
        size_t room = strlen(before) + strlen(at->value) + 1;
        char *text = ARENA_NEW(arena, room, char);
        snprintf(text, room, "%s%s", before, at->value);
        overs[study->n_overs++] = text;
    }
    study->overs = overs;
    settings_use_section(settings, over);
    return 0;
}

int config_study_read(struct config_study *study, struct settings *settings,
                      struct arena *arena, struct err *err)
{
    for (int i = 0; i < CONFIG_STUDY_TABLES; i++) {
        const struct field_table *table = &config_study_tables[i];
        field_defaults(table, study, arena);
        if (settings_apply(settings, table->name, table, 1, study, arena, err) != 0) {
            return -1;
        }
        const struct settings_section *section = NULL;
        while ((section = settings_next(settings, table->name, section)) != NULL) {
            if (strcmp(section->name, table->name) == 0) {
                study->given |= 1U << i;
            }
        }
    }
    if (study->runs.warmup_nano + study->runs.cooldown_nano > 900000000) {
        return err_set(err,
                       "%s: [study] warmup and cooldown together leave less than a "
                       "tenth of the requests",
                       settings->file);
    }
    return read_overs(study, settings, arena, err);
}

/* In lines that settings_read() takes: cut at commas. */
static void print_over(const char *over_text, int32_t i, FILE *out)
{
    const int most = 150;
    int part = 0;
    while (*over_text != '\0') {
        int length = (int)strlen(over_text);
        for (int at = most; length > most && at > 0; at--) {
            length = over_text[at] == ',' ? at : length;
        }
        fprintf(out, "axis_%d_%d = %.*s\n", (int)i + 1, ++part, length, over_text);
        over_text += length;
    }
}

void config_study_print(const struct config_study *study, FILE *out)
{
    for (int i = 0; i < CONFIG_STUDY_TABLES; i++) {
        if ((study->given >> i & 1U) != 0) {
            fprintf(out, "\n[%s]\n", config_study_tables[i].name);
            settings_print(out, &config_study_tables[i], study);
        }
    }
    if (study->n_overs > 0) {
        fprintf(out, "\n[%s]\n", over);
        for (int32_t i = 0; i < study->n_overs; i++) {
            print_over(study->overs[i], i, out);
        }
    }
}
