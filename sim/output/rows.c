#include "output/rows.h"

#include <stdio.h>
#include <string.h>

#include "engine/sim.h"

static const char header[] =
    "request_id,arrival_s,prompt_tokens,output_tokens,cached_tokens,status,pool,"
    "replica,"
    "first_scheduled_s,first_token_s,finish_s,queue_s,ttft_s,tpot_s,e2e_s,max_itl_s,"
    "preemptions,prefill_s,decode_s,stall_s,recompute_s,transfer_s,energy_j,cost_usd,"
    "slo_met,"
    "tenant,priority,session_id\n";

enum { ENERGY_DECIMALS = 6, COST_DECIMALS = 12 };

int rows_open(struct rows *rows, const char *folder, const struct pool *pools,
              const struct slo *slo, struct err *err)
{
    rows->pools = pools;
    rows->slo = slo;
    snprintf(rows->pool_name, sizeof rows->pool_name, ",%.70s,", pools[0].config->name);
    if (text_open(&rows->text, folder, "requests.csv", err) != 0) {
        return -1;
    }
    text_string(&rows->text, header);
    return 0;
}

/* The `which`-th of a request's labels after a comma. */
static void put_label(struct text *text, const char *labels, int which)
{
    *text->at++ = ',';
    if (labels == NULL) {
        return;
    }
    for (; which > 0; which--) {
        labels = strchr(labels, SIM_LABEL_SEPARATOR) + 1;
    }
    size_t length = strcspn(labels, "\n");
    memcpy(text->at, labels, length);
    text->at += length;
}

static void put_id(struct text *text, const struct probe_record *record)
{
    const char *labels = record->labels;
    if (labels == NULL || labels[0] == SIM_LABEL_SEPARATOR) {
        text_integer(text, record->id);
        return;
    }
    size_t length = strcspn(labels, "\n");
    memcpy(text->at, labels, length);
    text->at += length;
}

/* The columns from first_scheduled_s to transfer_s. */
static void put_times(struct text *text, const struct probe_record *record)
{
    bool ran = record->status != REQUEST_REJECTED;
    int64_t none = REQUEST_NEVER;
    int64_t e2e_ns = record->finish_ns - record->arrival_ns;
    int64_t ttft_ns = record->first_token_ns >= 0
                          ? record->first_token_ns - record->arrival_ns
                          : none;
    int64_t tpot_ns = none;
    if (record->status == REQUEST_COMPLETED && record->output_tokens > 1) {
        int64_t n_gaps = record->output_tokens - 1;
        tpot_ns = (2 * (e2e_ns - ttft_ns) + n_gaps) / (2 * n_gaps);
    }
    text_comma_seconds(text, record->first_scheduled_ns);
    text_comma_seconds(text, record->first_token_ns);
    text_comma_seconds(text, record->finish_ns);
    text_comma_seconds(text, ran ? record->queue_ns : none);
    text_comma_seconds(text, ttft_ns);
    text_comma_seconds(text, tpot_ns);
    text_comma_seconds(text, ran ? e2e_ns : none);
    text_comma_seconds(text, record->max_gap_ns);
    text_comma_integer(text, record->n_preemptions);
    text_comma_seconds(text, ran ? record->prefill_ns : none);
    text_comma_seconds(text, ran ? record->decode_ns : none);
    text_comma_seconds(text, ran ? record->stall_ns : none);
    text_comma_seconds(text, ran ? record->recompute_ns : none);
    text_comma_seconds(text, ran ? record->transfer_ns : none);
}

static const char *const status_columns[N_REQUEST_STATUSES] = {
    [REQUEST_COMPLETED] = ",completed",
    [REQUEST_REJECTED] = ",rejected",
    [REQUEST_TIMED_OUT] = ",timed_out",
};

static void put_bill(struct rows *rows, const struct probe_record *record)
{
    struct text *text = &rows->text;
    wide usd_per_hour_nano = pool_usd_per_hour_nano(&rows->pools[record->pool]);
    /* ns x nano-dollars per hour / (3.6 x 10^12 ns per hour) in pico-dollars */
    wide pico_usd = wide_div(2 * (wide)record->paid_ns * usd_per_hour_nano + 3600000000,
                             2 * (int64_t)3600000000);
    wide micro_j = wide_div(2 * record->energy_pj + 1000000, 2 * (int64_t)1000000);
    *text->at++ = ',';
    text_wide(text, micro_j, ENERGY_DECIMALS);
    *text->at++ = ',';
    text_wide(text, pico_usd, COST_DECIMALS);
    *text->at++ = ',';
    if (slo_any(rows->slo)) {
        *text->at++ = slo_met(rows->slo, record) ? '1' : '0';
    }
}

void rows_write(void *state, const struct probe_record *record)
{
    struct rows *rows = state;
    struct text *text = &rows->text;
    put_id(text, record);
    text_comma_seconds(text, record->arrival_ns);
    text_comma_integer(text, record->prompt_tokens);
    text_comma_integer(text, record->output_tokens);
    text_comma_integer(text, record->cached_tokens);
    text_string(text, status_columns[record->status]);
    if (record->replica >= 0) {
        text_string(text, rows->pool_name);
        text_integer(text, record->replica);
    } else {
        text_string(text, ",,");
    }
    put_times(text, record);
    put_bill(rows, record);
    put_label(text, record->labels, 1);
    text_comma_integer(text, record->priority);
    put_label(text, record->labels, 2);
    *text->at++ = '\n';
    text_flush_if_full(text);
}
