#include "study/size_write.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "output/text.h"
#include "study/run.h"
#include "study/size_rows.h"

#define N_OF(list) (sizeof(list) / sizeof(list)[0])

static const struct column size_list[] = {
    {"kind", "",
     "alone: one pool; mixed: two that share the requests; apart: prefill and "
     "decode"},
    {"first", "", "the candidate: accelerator, layout, policy, limits"},
    {"first_replicas", "", "the fewest that meet, or the most that failed"},
    {"second", "", "likewise of the other pool"},
    {"second_replicas", "", ""},
    {"outcome", "",
     "meets; fails: with as many as the limits allow; dearer: those that "
     "are cheaper than the best of the accelerator fail; pruned: the "
     "roofline leaves none that is cheaper; never: none can meet; refused"},
    {"answer", "", "1: the cheapest that meets"},
    {"best", "", "1: of its accelerator or kind"},
    {"pareto", "",
     "1: no other that meets is as good in dollars and joules per token and "
     "in tokens/s per GPU and per user, and better in one"},
    {"fails_at", "", "replicas below that failed; empty: none were simulated"},
    {"least", "", "replicas that the roofline asks for"},
    {"gpus", "", ""},
    {"usd_per_hour", "usd/h", "of the GPUs"},
    {"usd_per_million_tokens", "usd", "as paid, prompts and outputs"},
    {"usd_per_million_output_tokens", "usd", "likewise of outputs"},
    {"output_tokens_per_s_per_gpu", "tok/s", ""},
    {"tokens_per_s_per_user", "tok/s", "1 / mean TPOT"},
    {"joules_per_output_token", "J", "of the facility"},
    {"slo_attainment", "", "share of requests within [slo]"},
    {"p99_ttft_ms", "ms", "mean over the seeds"},
    {"p99_tpot_ms", "ms", "mean over the seeds"},
    {"reason", "", "what decided"},
    {"replicas_low", "", "of the answer: the interval of deployments"},
    {"replicas_high", "", "empty: beyond the limits"},
    {"price_source", "", "whose price it is"},
    {"uncalibrated", "", "1: nothing like it was ever measured"},
    {"calibration", "", "of the answer: what its step times rest on"},
};

const struct columns size_write_columns = {
    .file = "size.csv",
    .help =
        "one row per candidate, and per best fleet of two pools, of `servesim size`",
    .list = size_list,
    .n = N_OF(size_list),
};

static const struct column fleets_list[] = {
    {"kind", "", "as in size.csv"},
    {"first", "", ""},
    {"first_replicas", "", ""},
    {"second", "", ""},
    {"second_replicas", "", ""},
    {"slo_factor", "", "[slo]'s latencies were that many times as long"},
    {"z", "", "steps were exp(z tpot_sd) times as long"},
    {"seeds", "", "simulated; 1 where the others could not have saved it"},
    {"meets", "", "1 or 0"},
    {"usd_per_hour", "usd/h", "of the GPUs"},
    {"usd_per_million_tokens", "usd", "as paid"},
    {"slo_attainment", "", ""},
    {"p99_ttft_ms", "ms", ""},
    {"p99_tpot_ms", "ms", ""},
    {"reason", "", "what decided"},
};

const struct columns size_write_fleets_columns = {
    .file = "fleets.csv",
    .help = "one row per fleet that `servesim size` simulated, in that order",
    .list = fleets_list,
    .n = N_OF(fleets_list),
};

static const struct column demand_list[] = {
    {"start", "s", "of the interval"},
    {"requests", "", "that arrive in it"},
    {"prompt_tokens", "tok", ""},
    {"output_tokens", "tok", ""},
    {"gpus", "", "of the answer"},
    {"gpus_ideal", "",
     "of an ideal autoscaler, with as many requests per replica as in "
     "the fullest interval"},
    {"gpus_roofline", "", "that no autoscaler can do without"},
};

const struct columns size_write_demand_columns = {
    .file = "demand.csv",
    .help =
        "one row per [size] interval of the workload, where `servesim size` found a "
        "fleet of one pool",
    .list = demand_list,
    .n = N_OF(demand_list),
};

/* Values may be the user's: they may hold what CSV must quote. */
static void word(struct text *text, const char *value)
{
    bool is_quoted = strpbrk(value, ",\"\r\n") != NULL;
    text_string(text, is_quoted ? "\"" : "");
    for (; *value != '\0'; value++) {
        text_printf(text, "%s%c", is_quoted && *value == '"' ? "\"" : "", *value);
    }
    text_string(text, is_quoted ? "\"" : "");
}

static void comma_word(struct text *text, const char *value)
{
    text_string(text, ",");
    word(text, value);
}

static void comma_real(struct text *text, double value, int decimals)
{
    if (isfinite(value)) {
        text_printf(text, ",%.*f", decimals, value);
    } else {
        text_string(text, ",");
    }
}

static void comma_count(struct text *text, int64_t value)
{
    if (value > 0) {
        text_comma_integer(text, value);
    } else {
        text_string(text, ",");
    }
}

static int open_rows(struct text *text, const struct size *size, const char *folder,
                     const struct columns *columns, struct err *err)
{
    if (text_open(text, folder, columns->file, err) != 0) {
        return -1;
    }
    for (int32_t i = 0; i < size->grid.n_keys; i++) {
        text_printf(text, "%s,", size->grid.keys[i].name);
    }
    columns_write_header(text, columns);
    return 0;
}

static void begin_row(struct text *text, const struct size *size,
                      const struct size_variant *variant)
{
    for (int32_t i = 0; i < size->grid.n_keys; i++) {
        word(text, variant->values[i]);
        text_string(text, ",");
    }
}

static void write_fleet(struct text *text, const struct size_variant *variant,
                        const struct size_fleet *fleet)
{
    text_string(text, size_rows_kind(fleet));
    for (int32_t i = 0; i < SIZE_FLEET_PARTS; i++) {
        bool is_there = i < fleet->n_parts;
        comma_word(text,
                   is_there ? variant->candidates.list[fleet->candidate[i]].label : "");
        comma_count(text, is_there ? fleet->replicas[i] : 0);
    }
}

static void write_row(struct text *text, const struct size_variant *variant,
                      const struct size_row *row)
{
    static const char *const outcomes[] = {
        [SIZE_SEARCH_MEETS] = "meets",   [SIZE_SEARCH_FAILS] = "fails",
        [SIZE_SEARCH_DEARER] = "dearer", [SIZE_SEARCH_PRUNED] = "pruned",
        [SIZE_SEARCH_NEVER] = "never",   [SIZE_SEARCH_REFUSED] = "refused"};
    struct trial_result none = {.usd_per_million = NAN,
                                .usd_per_million_output = NAN,
                                .joules_per_output = NAN,
                                .attainment = NAN,
                                .p99_ttft_ms = NAN,
                                .p99_tpot_ms = NAN};
    const struct trial_result *result =
        row->entry != NULL ? &row->entry->result : &none;
    bool has_price = variant->candidates.has_prices && row->reason == NULL;
    bool is_known = row->entry != NULL;
    write_fleet(text, variant, &row->fleet);
    comma_word(text, outcomes[row->outcome]);
    text_printf(text, ",%d,%d,%d", row->is_answer, row->is_best, row->is_pareto);
    comma_count(text, row->fails);
    comma_count(text, row->least);
    text_comma_integer(text, row->gpus);
    comma_real(text, has_price ? (double)row->nano * 1e-9 : NAN, 9);
    comma_real(text, result->usd_per_million, 6);
    comma_real(text, result->usd_per_million_output, 6);
    comma_real(text, is_known ? row->per_gpu : NAN, 6);
    comma_real(text, is_known ? row->per_user : NAN, 6);
    comma_real(text, result->joules_per_output, 6);
    comma_real(text, result->attainment, 6);
    comma_real(text, result->p99_ttft_ms, 6);
    comma_real(text, result->p99_tpot_ms, 6);
    comma_word(text, row->reason != NULL ? row->reason : result->verdict.reason);
    comma_count(text, row->is_answer ? variant->draws.low : 0);
    comma_count(text, row->is_answer ? variant->draws.high : 0);
    const char *vendor = variant->candidates.list[row->fleet.candidate[0]].vendor;
    comma_word(text, vendor != NULL ? vendor : "");
    text_string(text, row->reason != NULL ? "," : row->is_doubtful ? ",1" : ",0");
    comma_word(text, row->is_answer ? variant->calibration : "");
    text_string(text, "\n");
}

static int write_size(const struct size *size, const char *folder, struct arena *arena,
                      struct err *err)
{
    struct text text;
    if (open_rows(&text, size, folder, &size_write_columns, err) != 0) {
        return -1;
    }
    for (int32_t i = 0; i < size->n; i++) {
        const struct size_variant *variant = &size->variants[i];
        struct size_rows rows;
        size_rows_init(&rows, variant, arena);
        for (int32_t j = 0; j < rows.n; j++) {
            begin_row(&text, size, variant);
            write_row(&text, variant, &rows.list[j]);
        }
    }
    return text_close(&text, err);
}

static int write_fleets(const struct size *size, const char *folder, struct err *err)
{
    struct text text;
    if (open_rows(&text, size, folder, &size_write_fleets_columns, err) != 0) {
        return -1;
    }
    for (int32_t i = 0; i < size->n; i++) {
        const struct size_variant *variant = &size->variants[i];
        for (int32_t j = 0; j < variant->book.n; j++) {
            const struct size_entry *entry = &variant->book.entries[j];
            const struct trial_result *result = &entry->result;
            bool ran = entry->error == NULL;
            int64_t nano = size_fleet_nano(&variant->candidates, &entry->what.fleet);
            begin_row(&text, size, variant);
            write_fleet(&text, variant, &entry->what.fleet);
            comma_real(&text, entry->what.factor, 6);
            comma_real(&text, entry->what.z, 6);
            text_comma_integer(&text, entry->n_seeds);
            text_comma_integer(&text, result->verdict.meets);
            comma_real(&text,
                       variant->candidates.has_prices ? (double)nano * 1e-9 : NAN, 9);
            comma_real(&text, ran ? result->usd_per_million : NAN, 6);
            comma_real(&text, ran ? result->attainment : NAN, 6);
            comma_real(&text, ran ? result->p99_ttft_ms : NAN, 6);
            comma_real(&text, ran ? result->p99_tpot_ms : NAN, 6);
            comma_word(&text, ran ? result->verdict.reason : entry->error);
            text_string(&text, "\n");
        }
    }
    return text_close(&text, err);
}

static void write_hours(struct text *text, const struct size *size,
                        const struct size_variant *variant)
{
    const struct demand *demand = &variant->demand;
    const struct size_fleet *best = &variant->answer.best;
    double peak = demand_peak_rps(demand);
    if (!variant->answer.found || best->n_parts != 1 || peak <= 0) {
        return;
    }
    const struct size_candidate *candidate =
        &variant->candidates.list[best->candidate[0]];
    for (int64_t i = 0; i < demand->n_intervals; i++) {
        const struct demand_interval *interval = &demand->intervals[i];
        int64_t ideal = demand_replicas(demand, i, peak / best->replicas[0], 0);
        int64_t least = demand_replicas(demand, i, candidate->most_rps[POOL_BOTH], 0);
        begin_row(text, size, variant);
        text_printf(text, "%.9f", (double)i * (double)demand->interval_ns * 1e-9);
        text_comma_integer(text, interval->n_requests);
        text_comma_integer(text, interval->prompt_tokens);
        text_comma_integer(text, interval->output_tokens);
        text_comma_integer(text, best->replicas[0] * candidate->gpus);
        text_comma_integer(text, ideal * candidate->gpus);
        text_comma_integer(text, least * candidate->gpus);
        text_string(text, "\n");
    }
}

static int write_demand(const struct size *size, const char *folder, struct err *err)
{
    struct text text;
    if (open_rows(&text, size, folder, &size_write_demand_columns, err) != 0) {
        return -1;
    }
    for (int32_t i = 0; i < size->n; i++) {
        write_hours(&text, size, &size->variants[i]);
    }
    return text_close(&text, err);
}

/* The first answer as a configuration. */
static int write_answer(const struct size *size, const char *folder, struct err *err)
{
    for (int32_t i = 0; i < size->n; i++) {
        const struct size_variant *variant = &size->variants[i];
        struct config config;
        struct pool_config pools[SIZE_FLEET_PARTS];
        if (!variant->answer.found) {
            continue;
        }
        size_fleet_config(&variant->candidates, &variant->answer.best, &config, pools);
        config.study.given = 0; /* of [size] it is the answer */
        config.study.n_overs = 0;
        return run_write_config_as(
            &config, folder, "fleet.ini",
            "The cheapest fleet that servesim size " SERVESIM_VERSION " found: run it.",
            config.workload.trace_sha256, err);
    }
    return 0;
}

int size_write(const struct size *size, const char *folder, struct arena *arena,
               struct err *err)
{
    if (run_write_unplayed(&size->base, folder,
                           "What servesim size " SERVESIM_VERSION
                           " was asked: size.csv has the answer.",
                           err) != 0 ||
        write_size(size, folder, arena, err) != 0 ||
        write_fleets(size, folder, err) != 0 || write_demand(size, folder, err) != 0) {
        return -1;
    }
    return write_answer(size, folder, err);
}
