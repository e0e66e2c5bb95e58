#include "study/capacity_files.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "study/calibrated.h"

static const struct column list[] = {
    {"meets_rps", "req/s",
     "the highest rate that meets [slo], with everything below it that was tried; 0: "
     "none does"},
    {"fails_rps", "req/s", "the next rate, which fails; empty: it was not tried"},
    {"low_rps", "req/s", "where the interval begins; empty: there is none"},
    {"high_rps", "req/s", "where it ends"},
    {"percent", "%", "how much the interval covers"},
    {"model_sd", "",
     "standard deviation of log(capacity) by what is not known of the steps"},
    {"sampling_se", "", "standard error of log(capacity) by what traffic comes"},
    {"monotone", "", "no: a rate above one that fails meets all the same"},
    {"again_rps", "req/s", "the highest such rate"},
    {"replicas", "", "at the start"},
    {"gpus", "", "at the start"},
    {"rps_per_replica", "req/s", "at meets_rps, as all that follows"},
    {"rps_per_gpu", "req/s", "likewise of GPUs"},
    {"output_tokens_per_s_per_gpu", "tokens/s", "output tokens per second and GPU"},
    {"tokens_per_s_per_user", "tokens/s", "1 / mean TPOT"},
    {"usd_per_hour", "usd", "what the fleet costs"},
    {"usd_per_million_tokens", "usd", "input and output"},
    {"usd_per_million_low", "usd", "at the interval's upper end"},
    {"usd_per_million_high", "usd", "at its lower end; empty: no bound"},
    {"usd_per_million_output_tokens", "usd", "all costs over output tokens"},
    {"joules_per_output_token", "J", "energy of the facility over output tokens"},
    {"mean_ttft_ms", "ms", "mean over the seeds, as the latencies that follow"},
    {"p99_ttft_ms", "ms", "99th percentile"},
    {"mean_tpot_ms", "ms", "mean"},
    {"p99_tpot_ms", "ms", "99th percentile"},
    {"slo_attainment", "", "share of requests within all bounds of [slo]"},
    {"price_basis", "", "whose prices the dollars are"},
    {"calibration", "", "what the steps rest on"},
    {"best", "",
     "1: the cheapest per million tokens of those that differ in [capacity] best_of "
     "alone; 1 without it"},
    {"reason", "", "what decides at the next rate, or why there is no answer"},
};

const struct columns capacity_files_columns = {
    .file = "capacity.csv",
    .help = "one row per variant, behind a column for each key that varies",
    .list = list,
    .n = sizeof list / sizeof list[0],
};

static const struct column trial_list[] = {
    {"variant", "", "the values of the keys that vary; empty: nothing does"},
    {"search", "", "answer: all seeds, median steps; draw: all seeds; seed: one alone"},
    {"z", "", "steps are exp(z tpot_sd) times as long"},
    {"seed", "", "the first of them: [run] seed"},
    {"seeds", "", "how many runs"},
    {"rate_rps", "req/s", "what was offered"},
    {"meets", "", "1: all criteria hold"},
    {"overloaded_seeds", "", "runs whose queue grew"},
    {"lost_share", "", "of the requests, that never finished"},
    {"metric", "", "a criterion of [slo]"},
    {"bound", "", "what it is held against"},
    {"mean", "", "over the seeds; empty: no run says it"},
    {"standard_error", "", "of the mean"},
    {"reason", "", "what decided"},
};

const struct columns capacity_files_trials = {
    .file = "trials.csv",
    .help = "one row per criterion of each rate that was simulated",
    .list = trial_list,
    .n = sizeof trial_list / sizeof trial_list[0],
};

static void write_real(struct text *text, double value)
{
    if (isfinite(value)) {
        text_printf(text, "%.6g", value);
    }
    text_string(text, ",");
}

static void write_rate(struct text *text, double rate_rps)
{
    char rate[CAPACITY_TEXT];
    capacity_print_rate(rate_rps, rate);
    text_printf(text, "%s,", rate);
}

static void write_answer(struct text *text, const struct capacity_variant *variant)
{
    const struct capacity *answer = &variant->answer;
    const struct capacity_interval *interval = &variant->interval;
    bool meets = variant->fits && answer->meets >= 0;
    write_rate(text, meets ? capacity_rps(answer) : 0);
    if (variant->fits && answer->fails >= 0) {
        write_rate(text, answer->tries[answer->fails].rate_rps);
    } else {
        text_string(text, ",");
    }
    write_real(text, meets ? interval->low_rps : NAN);
    write_real(text, meets ? interval->high_rps : NAN);
    text_printf(text, "%" PRId64 ",", variant->config.study.runs.percent);
    write_real(text, interval->model > 0 ? interval->model : NAN);
    write_real(text, interval->sampling > 0 ? interval->sampling : NAN);
    bool is_monotone = !variant->fits || answer->is_monotone;
    text_string(text, is_monotone ? "yes," : "no,");
    write_real(text, is_monotone ? NAN : answer->again_rps);
}

static void write_figures(struct text *text, const struct capacity_variant *variant)
{
    struct capacity_figures figures;
    const struct trial_result none = {
        .usd_per_hour = NAN,
        .usd_per_million = NAN,
        .usd_per_million_output = NAN,
        .joules_per_output = NAN,
        .mean_ttft_ms = NAN,
        .p99_ttft_ms = NAN,
        .mean_tpot_ms = NAN,
        .p99_tpot_ms = NAN,
        .attainment = NAN,
    };
    bool meets = variant->fits && variant->answer.meets >= 0;
    const struct trial_result *at = meets ? capacity_result(&variant->answer) : &none;
    capacity_study_figures(variant, &figures);
    const double values[] = {
        figures.n_replicas,
        figures.n_gpus,
        figures.rps_per_replica,
        figures.rps_per_gpu,
        figures.output_per_gpu,
        figures.output_per_user,
        at->usd_per_hour,
        at->usd_per_million,
        figures.usd_low,
        figures.usd_high,
        at->usd_per_million_output,
        at->joules_per_output,
        at->mean_ttft_ms,
        at->p99_ttft_ms,
        at->mean_tpot_ms,
        at->p99_tpot_ms,
        at->attainment,
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        write_real(text, values[i]);
    }
}

static int write_capacity(const struct capacity_study *study, const char *folder,
                          struct err *err)
{
    struct text text;
    if (text_open(&text, folder, capacity_files_columns.file, err) != 0) {
        return -1;
    }
    for (int32_t k = 0; k < study->grid.n_keys; k++) {
        text_printf(&text, "%s,", study->grid.keys[k].name);
    }
    columns_write_header(&text, &capacity_files_columns);
    for (int32_t i = 0; i < study->n_variants; i++) {
        const struct capacity_variant *variant = &study->variants[i];
        const struct capacity *answer = &variant->answer;
        char calibration[CALIBRATED_TEXT];
        calibrated_print(variant->config.pools, variant->config.n_pools, calibration);
        for (int32_t k = 0; k < study->grid.n_keys; k++) {
            text_quoted(&text, variant->values[k]);
            text_string(&text, ",");
        }
        write_answer(&text, variant);
        write_figures(&text, variant);
        bool is_paid = variant->fits && variant->answer.meets >= 0;
        text_printf(&text, "%s,",
                    is_paid ? capacity_result(&variant->answer)->price_basis : "");
        text_printf(&text, "%s,%d,", calibration, variant->is_best);
        text_quoted(&text, !variant->fits ? variant->reason.text
                           : answer->fails >= 0
                               ? answer->tries[answer->fails].result.verdict.reason
                               : "not tried above");
        text_string(&text, "\n");
    }
    return text_close(&text, err);
}

/* The tries of one search, a row per criterion. */
static void write_tries(struct text *text, const struct capacity_variant *variant,
                        const struct capacity *capacity, const char *search, double z,
                        int32_t seed)
{
    int64_t first = variant->config.run.seed + (seed > 0 ? seed : 0);
    int32_t n = seed >= 0 ? 1 : variant->spec.n_seeds;
    for (int32_t i = 0; i < capacity->n_tries; i++) {
        const struct capacity_try *try = &capacity->tries[i];
        const struct goal_verdict *verdict = &try->result.verdict;
        double factor = trial_ttft_factor(&variant->config, z);
        struct goal goal = variant->spec.goal;
        goal_scale_ttft(&goal, 1 / factor);
        for (int32_t k = 0; k < goal.n; k++) {
            text_quoted(text, variant->label);
            text_printf(text, ",%s,%.6g,%" PRId64 ",%" PRId32 ",", search, z, first, n);
            write_rate(text, try->rate_rps);
            text_printf(text, "%d,%" PRId32 ",%.6g,%s,%.6g,", verdict->meets,
                        verdict->n_overloaded, verdict->lost_share, goal.list[k].metric,
                        goal.list[k].bound);
            write_real(text, verdict->mean[k]);
            write_real(text, verdict->sd[k]);
            text_quoted(text, verdict->reason);
            text_string(text, "\n");
        }
    }
}

static int write_trials(const struct capacity_study *study, const char *folder,
                        struct err *err)
{
    struct text text;
    if (text_open(&text, folder, capacity_files_trials.file, err) != 0) {
        return -1;
    }
    columns_write_header(&text, &capacity_files_trials);
    for (int32_t i = 0; i < study->n_variants; i++) {
        const struct capacity_variant *variant = &study->variants[i];
        write_tries(&text, variant, &variant->answer, "answer", 0, -1);
        for (int32_t k = 0; k < variant->interval.n; k++) {
            const struct capacity_again *again = &variant->interval.list[k];
            write_tries(&text, variant, &again->capacity,
                        again->seed < 0 ? "draw" : "seed", again->z, again->seed);
        }
    }
    return text_close(&text, err);
}

int capacity_files_write(const struct capacity_study *study, const char *folder,
                         struct err *err)
{
    return write_capacity(study, folder, err) != 0 ? -1
                                                   : write_trials(study, folder, err);
}
