#include "output/results.h"

#include <stdlib.h>
#include <unistd.h>

#include "output/ranks.h"
static const struct column steps[] = {
    {"step", "", "number of the step, by when it was planned"},
    {"replica", "", "that ran it"},
    {"start_s", "s", "when it began"},
    {"end_s", "s", "when it ended"},
    {"request_id", "", "as in requests.csv"},
    {"kind", "", "prefill, decode or preempt"},
    {"tokens", "tokens", "of the request in this step"},
    {"context", "tokens", "of it in the KV cache at the end of the step"},
    {"blocks", "blocks", "that it holds"},
    {"preempted", "", "1: it gave way in this plan"},
};

const struct columns results_steps_columns = {
    .file = "steps.csv",
    .help = "one row per step and request in it, with [output] steps = yes",
    .list = steps,
    .n = sizeof steps / sizeof steps[0],
};

static bool has_files(const struct results *results)
{
    return results->options.folder != NULL;
}

static bool has_trace(const struct results *results)
{
    return has_files(results) && results->options.trace_json;
}

static int open_files(struct results *results, struct err *err)
{
    const struct results_options *options = &results->options;
    const char *folder = results->folder.temporary;
    if (rows_open(&results->rows, folder, options->pools, &results->options.slo, err) !=
        0) {
        return -1;
    }
    if (usage_timeline_open(&results->timeline, folder, options->n_pools, err) != 0) {
        close(results->rows.text.fd);
        return -1;
    }
    if (options->steps) {
        if (text_open(&results->steps, folder, "steps.csv", err) != 0) {
            close(results->rows.text.fd);
            close(results->timeline.text.fd);
            free(results->timeline.before);
            return -1;
        }
        columns_write_header(&results->steps, &results_steps_columns);
    }
    reorder_init(&results->reorder, folder, 0, &results->rows, rows_write);
    return 0;
}

int results_open(struct results *results, const struct results_options *options,
                 struct err *err)
{
    results->options = *options;
    results->metrics.n = 0;
    if (has_files(results)) {
        if (folder_create(&results->folder, options->folder, options->overwrite, err) !=
            0) {
            return -1;
        }
        if (open_files(results, err) != 0) {
            folder_discard(&results->folder);
            return -1;
        }
    }
    struct bill_options billed = {
        .pools = options->pools,
        .n_pools = options->n_pools,
        .sessions = options->sessions,
        .has_slo = slo_any(&options->slo),
    };
    bill_init(&results->bill, &billed);
    perfetto_init(&results->perfetto, &options->trace);
    summary_init(&results->summary, &options->slo);
    overload_init(&results->overload, options->interval_ns, options->attainment_nano);
    return 0;
}

static void on_finish(void *state, struct probe_record *record)
{
    struct results *results = state;
    bool met = slo_met(&results->summary.slo, record);
    summary_add(&results->summary, record, met);
    bill_add(&results->bill, record, met);
    if (slo_any(&results->options.slo)) {
        overload_add(&results->overload, record->arrival_ns, record->finish_ns, met);
    }
    if (has_trace(results)) {
        perfetto_finish(&results->perfetto, record);
    }
    if (has_files(results)) {
        reorder_push(&results->reorder, record);
    } else {
        free(record->labels);
    }
}

static void on_life(void *state, const struct replica *replica,
                    const struct probe_life *life)
{
    struct results *results = state;
    bill_life(&results->bill, replica, life->at_ns);
    if (has_files(results) && life->from != life->to) {
        lives_add(&results->lives, life);
    }
    if (has_trace(results)) {
        perfetto_life(&results->perfetto, replica, life);
    }
}

static void on_tick(void *state, struct sim *sim, int64_t at_ns)
{
    struct results *results = state;
    meter_report_tick(&results->meter, sim, at_ns);
    if (has_files(results)) {
        usage_timeline_tick(&results->timeline, sim, at_ns);
    }
}

static void on_step(void *state, const struct probe_step *step)
{
    struct text *text = &((struct results *)state)->steps;
    text_integer(text, step->step);
    text_comma_integer(text, step->replica);
    text_comma_seconds(text, step->start_ns);
    text_comma_seconds(text, step->end_ns);
    *text->at++ = ',';
    text->at = rows_id(text->at, step->id, step->labels);
    text_printf(text, ",%s", step->kind);
    text_comma_integer(text, step->tokens);
    text_comma_integer(text, step->context);
    text_comma_integer(text, step->blocks);
    text_string(text, step->tokens > 0 ? ",0\n" : ",1\n");
}

static void on_slice(void *state, const struct replica *replica,
                     const struct probe_slice *slice)
{
    perfetto_slice(&((struct results *)state)->perfetto, replica, slice);
}

static void on_load(void *state, const struct replica *replica,
                    const struct probe_load *load)
{
    perfetto_load(&((struct results *)state)->perfetto, replica, load);
}

struct probe results_probe(struct results *results)
{
    const struct perfetto_options *trace = &results->options.trace;
    return (struct probe){
        .state = results,
        .finish = on_finish,
        .tick = on_tick,
        .life = on_life,
        .step = has_files(results) && results->options.steps ? on_step : NULL,
        .slice = has_trace(results) ? on_slice : NULL,
        .load = has_trace(results) ? on_load : NULL,
        .slices_from_ns = trace->from_ns,
        .slices_until_ns = trace->until_ns > 0 ? trace->until_ns : INT64_MAX,
    };
}

bool results_failed(const struct results *results, struct err *err)
{
    return has_files(results) &&
           (text_failed(&results->rows.text, err) ||
            text_failed(&results->timeline.text, err) ||
            (results->options.steps && text_failed(&results->steps, err)) ||
            reorder_failed(&results->reorder, err));
}

static int write_trace(struct results *results, const struct sim *sim, struct err *err)
{
    if (!has_trace(results)) {
        return 0;
    }
    int32_t n_lanes = perfetto_close(&results->perfetto, sim->totals.end_ns);
    return perfetto_write(&results->perfetto, sim, n_lanes, results->folder.temporary,
                          err);
}

/* Closes every file; the first error is the one that is told. */
static int close_files(struct results *results, struct err *err)
{
    struct err later;
    int status = reorder_close(&results->reorder, err);
    if (text_close(&results->rows.text, status == 0 ? err : &later) != 0) {
        status = -1;
    }
    if (usage_timeline_close(&results->timeline, status == 0 ? err : &later) != 0) {
        status = -1;
    }
    if (results->options.steps &&
        text_close(&results->steps, status == 0 ? err : &later) != 0) {
        status = -1;
    }
    return status;
}

int results_close(struct results *results, struct sim *sim, struct err *err)
{
    struct summary *summary = &results->summary;
    struct metrics *metrics = &results->metrics;
    summary_metrics(summary, sim, results->options.attainment_nano, metrics);
    bill_close(&results->bill, sim);
    usage_metrics(sim, &results->bill, metrics);
    meter_report_metrics(&results->meter, sim, results->bill.served.input_tokens,
                         metrics);
    ranks_metrics(sim, metrics);
    if (slo_any(&summary->slo)) {
        overload_metrics(&results->overload, sim->totals.end_ns, metrics);
    }
    lives_metrics(sim, metrics);
    metrics_text(metrics, "calibration", results->options.calibration, "");
    if (!has_files(results)) {
        return 0;
    }
    const char *folder = results->folder.temporary;
    if (close_files(results, err) != 0 || usage_write_replicas(sim, folder, err) != 0 ||
        lives_write(&results->lives, sim, folder, err) != 0 ||
        bill_write(&results->bill, folder, err) != 0 ||
        write_trace(results, sim, err) != 0 ||
        metrics_write(metrics, folder, "summary.csv", err) != 0) {
        folder_discard(&results->folder);
        return -1;
    }
    return 0;
}

int results_commit(struct results *results, struct err *err)
{
    return has_files(results) ? folder_commit(&results->folder, err) : 0;
}

void results_discard(struct results *results)
{
    if (!has_files(results)) {
        return;
    }
    close(results->rows.text.fd);
    close(results->timeline.text.fd);
    free(results->timeline.before);
    if (results->options.steps) {
        close(results->steps.fd);
    }
    reorder_discard(&results->reorder);
    folder_discard(&results->folder);
}

void results_free(struct results *results)
{
    summary_free(&results->summary);
    lives_free(&results->lives);
    perfetto_free(&results->perfetto);
    meter_report_free(&results->meter);
    bill_free(&results->bill);
}
