#include "output/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/digits.h"
#include "engine/sim.h"

static const struct column list[] = {
    {"request_id", "", "the trace's own, or the number of its row from 0"},
    {"arrival_s", "s", "when it was sent"},
    {"prompt_tokens", "tokens", "of its prompt"},
    {"output_tokens", "tokens", "of its answer"},
    {"cached_tokens", "tokens", "of its prompt, found in the cache at first admission"},
    {"status", "", "completed, rejected, timed_out, shed or failed"},
    {"pool", "", "that served it; empty: none did"},
    {"replica", "", "that served it"},
    {"first_scheduled_s", "s", "start of the first step that gave it tokens"},
    {"first_token_s", "s", "end of the step that emitted its first token"},
    {"finish_s", "s", "when it left"},
    {"queue_s", "s", "from arrival to first_scheduled_s"},
    {"ttft_s", "s", "from arrival to the first token"},
    {"tpot_s", "s", "(e2e_s - ttft_s) / (output_tokens - 1); empty for one token"},
    {"e2e_s", "s", "from arrival to finish: the sum of its seven owners"},
    {"max_itl_s", "s", "the longest gap between its tokens"},
    {"preemptions", "", "how often it had to give way"},
    {"prefill_s", "s", "before the first token, not in another column"},
    {"decode_s", "s", "price of the decodes alone in steps in which it decoded"},
    {"stall_s", "s", "after the first token, not in another column"},
    {"recompute_s", "s", "from giving way to when all was computed again"},
    {"transfer_s", "s", "its KV cache was on its way to where it decodes"},
    {"energy_j", "J", "its share of the energy of steps"},
    {"cost_usd", "usd", "its share of the price of busy time"},
    {"slo_met", "", "1: within every bound of [slo]; 0: not; empty: no bounds"},
    {"tenant", "", "as the trace has it"},
    {"priority", "", "as the trace has it, or 0"},
    {"session_id", "", "as the trace has it"},
    {"reason", "", "why it did not complete"},
    {"attempts", "", "how often it was sent"},
    {"prefill_replica", "", "that computed its prompt for the replica; empty: none"},
    {"reasoning_tokens", "tokens", "of its output, before the answer"},
    {"ttfat_s", "s", "from arrival to the first token of the answer"},
};

const struct columns rows_columns = {
    .file = "requests.csv",
    .help = "one row per request, in the order of the trace",
    .list = list,
    .n = sizeof list / sizeof list[0],
};

enum { ENERGY_DECIMALS = 6, COST_DECIMALS = 12 };

int rows_open(struct rows *rows, const char *folder, const struct pool *pools,
              const struct slo *slo, struct err *err)
{
    rows->pools = pools;
    rows->slo = slo;
    if (text_open(&rows->text, folder, "requests.csv", err) != 0) {
        return -1;
    }
    columns_write_header(&rows->text, &rows_columns);
    return 0;
}

/* The bytes of the `which`-th of a request's labels. */
static char *put_label(char *at, const char *labels, int which)
{
    if (labels == NULL) {
        return at;
    }
    for (; which > 0; which--) {
        labels = strchr(labels, SIM_LABEL_SEPARATOR) + 1;
    }
    size_t length = strcspn(labels, "\n");
    memcpy(at, labels, length);
    return at + length;
}

static inline char *comma_integer(char *at, int64_t value)
{
    *at = ',';
    return digits_integer(at + 1, value);
}

/* Only the comma for a time that never came. */
static inline char *comma_seconds(char *at, int64_t ns)
{
    *at = ',';
    return ns < 0 ? at + 1 : digits_seconds(at + 1, ns);
}

char *rows_id(char *at, int32_t id, const char *labels)
{
    if (labels == NULL || labels[0] == SIM_LABEL_SEPARATOR) {
        return digits_integer(at, id);
    }
    return put_label(at, labels, 0);
}

static char *put_place(char *at, const struct rows *rows,
                       const struct probe_record *record)
{
    static const char completed[] = "completed";
    *at++ = ',';
    if (record->status == REQUEST_COMPLETED) { /* mostly */
        memcpy(at, completed, sizeof completed - 1);
        at += sizeof completed - 1;
    } else {
        at = stpcpy(at, request_status_name(record->status));
    }
    if (record->replica < 0) {
        return stpcpy(at, ",,");
    }
    *at++ = ',';
    at = stpcpy(at, rows->pools[record->pool].config->name);
    *at++ = ',';
    return digits_integer(at, record->replica);
}

/* A part of the row, its comma first. */
struct written {
    const char *from;
    const char *to;
};

/* The columns from first_scheduled_s to transfer_s. */
static char *put_times(char *at, const struct probe_record *record,
                       struct written *ttft)
{
    const int64_t none = REQUEST_NEVER;
    int64_t e2e_ns = record->finish_ns - record->arrival_ns;
    int64_t ttft_ns = record->first_token_ns >= 0
                          ? record->first_token_ns - record->arrival_ns
                          : none;
    int64_t tpot_ns = none;
    if (record->status == REQUEST_COMPLETED && record->output_tokens > 1) {
        int64_t n_gaps = record->output_tokens - 1;
        tpot_ns = (2 * (e2e_ns - ttft_ns) + n_gaps) / (2 * n_gaps);
    }
    bool ran = record->status != REQUEST_REJECTED;
    at = comma_seconds(at, record->first_scheduled_ns);
    at = comma_seconds(at, record->first_token_ns);
    at = comma_seconds(at, record->finish_ns);
    at = comma_seconds(at, ran ? record->queue_ns : none);
    ttft->from = at;
    at = comma_seconds(at, ttft_ns);
    ttft->to = at;
    at = comma_seconds(at, tpot_ns);
    at = comma_seconds(at, ran ? e2e_ns : none);
    at = comma_seconds(at, record->max_gap_ns);
    at = comma_integer(at, record->n_preemptions);
    at = comma_seconds(at, ran ? record->prefill_ns : none);
    at = comma_seconds(at, ran ? record->decode_ns : none);
    at = comma_seconds(at, ran ? record->stall_ns : none);
    at = comma_seconds(at, ran ? record->recompute_ns : none);
    return comma_seconds(at, ran ? record->transfer_ns : none);
}

/* A comma and value / divisor, half up, with that many decimals. */
static char *comma_ratio(char *at, wide value, int64_t divisor, int decimals)
{
    *at = ',';
    wide units = wide_div(2 * value + divisor, 2 * divisor);
    return digits_decimal(at + 1, wide_narrow(units), decimals);
}

static char *put_bill(char *at, const struct rows *rows,
                      const struct probe_record *record)
{
    const int64_t micro_j_pj = 1000000;
    const int64_t pico_usd = 3600000000; /* of ns x nano-dollars per hour */
    at = comma_ratio(at, record->energy_pj, micro_j_pj, ENERGY_DECIMALS);
    at = comma_ratio(at, record->cost_usd_ns, pico_usd, COST_DECIMALS);
    *at++ = ',';
    if (slo_any(rows->slo)) {
        *at++ = slo_met(rows->slo, record) ? '1' : '0';
    }
    return at;
}

/* The columns from reasoning_tokens on; what answers at once has `ttft` twice. */
static char *put_answer(char *at, const struct probe_record *record,
                        struct written ttft)
{
    *at++ = ',';
    if (record->reasoning_tokens == 0) {
        *at++ = '0';
        memcpy(at, ttft.from, (size_t)(ttft.to - ttft.from));
        return at + (ttft.to - ttft.from);
    }
    at = digits_integer(at, record->reasoning_tokens);
    return comma_seconds(at, record->first_answer_ns >= 0
                                 ? record->first_answer_ns - record->arrival_ns
                                 : REQUEST_NEVER);
}

void rows_write(void *state, const struct probe_record *record)
{
    struct rows *rows = state;
    struct written ttft;
    char *at = text_room(&rows->text);
    at = rows_id(at, record->id, record->labels);
    at = comma_seconds(at, record->arrival_ns);
    at = comma_integer(at, record->prompt_tokens);
    at = comma_integer(at, record->output_tokens);
    at = comma_integer(at, record->cached_tokens);
    at = put_place(at, rows, record);
    at = put_times(at, record, &ttft);
    at = put_bill(at, rows, record);
    *at++ = ',';
    at = put_label(at, record->labels, 1);
    at = comma_integer(at, record->priority);
    *at++ = ',';
    at = put_label(at, record->labels, 2);
    *at++ = ',';
    at = stpcpy(at, request_reason_name(record->reason));
    at = comma_integer(at, record->attempts);
    *at++ = ',';
    if (record->prefill_replica >= 0) {
        at = digits_integer(at, record->prefill_replica);
    }
    at = put_answer(at, record, ttft);
    *at++ = '\n';
    text_took(&rows->text, at);
}
