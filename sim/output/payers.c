#include "output/payers.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/sim.h"

#define COLUMNS_OF_A_PAYER                                                           \
    {"requests", "", "its requests, whatever became of them"},                       \
        {"completed", "", "of these, completed; what follows is of them"},           \
        {"slo_met", "",                                                              \
         "of these, within every bound of [slo]; empty without bounds"},             \
        {"input_tokens", "tokens", "of their prompts"},                              \
        {"cached_tokens", "tokens", "of these, found in the prefix cache"},          \
        {"output_tokens", "tokens", "of their answers"},                             \
        {"energy_j", "J", "attributed energy: the sum of energy_j in requests.csv"}, \
        {"attributed_usd", "usd", "attributed money: the sum of cost_usd there"},    \
        {"with_overhead_usd", "usd",                                                 \
         "with its share of all other rows of bill.csv, by attributed money"},       \
    {                                                                                \
        "usd_per_million_tokens", "usd", "with_overhead_usd over input and output"   \
    }

static const struct column of_tenants[] = {
    {"tenant", "", "as the trace names it; empty: no name"},
    COLUMNS_OF_A_PAYER,
};

static const struct column of_sessions[] = {
    {"session_id", "", "as the trace names it; empty: all requests without a session"},
    COLUMNS_OF_A_PAYER,
};

const struct columns payers_tenants_columns = {
    .file = "tenants.csv",
    .help = "one row per tenant, by its first request",
    .list = of_tenants,
    .n = sizeof of_tenants / sizeof of_tenants[0],
};

const struct columns payers_sessions_columns = {
    .file = "sessions.csv",
    .help = "one row per session, by its first request, with [output] sessions = yes",
    .list = of_sessions,
    .n = sizeof of_sessions / sizeof of_sessions[0],
};

void payers_free(struct payers *payers)
{
    for (int32_t i = 0; i < payers->n; i++) {
        free(payers->rows[i].name);
    }
    free(payers->rows);
    free(payers->buckets);
    *payers = (struct payers){0};
}

/* Rows up to number `i`. */
static void grow(struct payers *payers, int32_t i)
{
    if (i >= payers->room) {
        payers->room = i * 2 + 16;
        payers->rows =
            memory_grow(payers->rows, (size_t)payers->room, sizeof *payers->rows);
    }
    while (payers->n <= i) {
        payers->rows[payers->n++] = (struct payers_row){.next = -1};
    }
}

/* The `which`-th label of a request (rows.h), and its length. */
static const char *label_of(const struct probe_record *record, int which,
                            size_t *length)
{
    const char *label = record->labels != NULL ? record->labels : "";
    for (; which > 0 && *label != '\0'; which--) {
        label = strchr(label, SIM_LABEL_SEPARATOR) + 1;
    }
    *length = strcspn(label, "\n");
    return label;
}

static void add(struct payers_row *row, const struct probe_record *record,
                const struct payers_share *share)
{
    row->n_requests++;
    row->first = record->id < row->first ? record->id : row->first;
    if (record->status != REQUEST_COMPLETED) {
        return;
    }
    row->n_completed++;
    row->n_met += share->met;
    row->input_tokens += record->prompt_tokens;
    row->cached_tokens += record->cached_tokens;
    row->output_tokens += record->output_tokens;
    row->pico_usd += share->pico_usd;
    row->micro_j += share->micro_j;
}

static void name_row(struct payers_row *row, const char *name, size_t length)
{
    row->name = memory_copy(name, length);
    row->first = INT32_MAX;
}

void payers_add_tenant(struct payers *payers, const struct probe_record *record,
                       const struct payers_share *share)
{
    grow(payers, record->tenant);
    struct payers_row *row = &payers->rows[record->tenant];
    if (row->name == NULL) {
        size_t length;
        const char *name = label_of(record, 1, &length);
        name_row(row, name, length);
    }
    add(row, record, share);
}

/* FNV-1a, 32 bits (Fowler, Noll and Vo). */
static uint32_t hash_of(const char *name, size_t length)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)name[i]) * 16777619U;
    }
    return hash;
}

static void chain(struct payers *payers, int32_t i)
{
    struct payers_row *row = &payers->rows[i];
    uint32_t hash = hash_of(row->name, strlen(row->name));
    int32_t *bucket = &payers->buckets[hash & (uint32_t)(payers->n_buckets - 1)];
    row->next = *bucket;
    *bucket = i;
}

static void hash_all(struct payers *payers)
{
    payers->n_buckets = payers->n_buckets * 2 + (payers->n_buckets == 0) * 1024;
    free(payers->buckets);
    payers->buckets = memory_new((size_t)payers->n_buckets, sizeof *payers->buckets);
    for (int32_t i = 0; i < payers->n_buckets; i++) {
        payers->buckets[i] = -1;
    }
    for (int32_t i = 0; i < payers->n; i++) {
        chain(payers, i);
    }
}

static struct payers_row *find(struct payers *payers, const char *name, size_t length)
{
    if (payers->n == payers->n_buckets) {
        hash_all(payers);
    }
    uint32_t bucket = hash_of(name, length) & (uint32_t)(payers->n_buckets - 1);
    for (int32_t i = payers->buckets[bucket]; i >= 0; i = payers->rows[i].next) {
        const char *known = payers->rows[i].name;
        if (strncmp(known, name, length) == 0 && known[length] == '\0') {
            return &payers->rows[i];
        }
    }
    int32_t i = payers->n;
    grow(payers, i);
    name_row(&payers->rows[i], name, length);
    chain(payers, i);
    return &payers->rows[i];
}

void payers_add_session(struct payers *payers, const struct probe_record *record,
                        const struct payers_share *share)
{
    size_t length;
    const char *name = label_of(record, 2, &length);
    add(find(payers, name, length), record, share);
}

/* The product must fit 128 bits: beyond 72,000 dollars the proportions keep 56 bits, and
 * 10^9 dollars can be spread. */
wide payers_spread(wide pico_usd, wide part, wide whole)
{
    while (whole >> 56 != 0) {
        whole >>= 1;
        part >>= 1;
    }
    return whole > 0 ? pico_usd * part / whole : 0;
}

static wide attributed(const struct payers *payers)
{
    wide sum = 0;
    for (int32_t i = 0; i < payers->n; i++) {
        sum += payers->rows[i].pico_usd;
    }
    return sum;
}

static int by_first(const void *a, const void *b)
{
    int32_t first = ((const struct payers_row *)a)->first;
    int32_t other = ((const struct payers_row *)b)->first;
    return (first > other) - (first < other);
}

static void write_row(struct text *text, const struct payers_row *row, wide pico_usd,
                      bool has_slo)
{
    wide tokens = (wide)row->input_tokens + row->output_tokens;
    text_string(text, row->name);
    text_comma_integer(text, row->n_requests);
    text_comma_integer(text, row->n_completed);
    if (has_slo) {
        text_comma_integer(text, row->n_met);
    } else {
        text_string(text, ",");
    }
    text_comma_integer(text, row->input_tokens);
    text_comma_integer(text, row->cached_tokens);
    text_comma_integer(text, row->output_tokens);
    text_string(text, ",");
    text_wide(text, row->micro_j, 6);
    text_string(text, ",");
    text_wide(text, row->pico_usd, 12);
    text_string(text, ",");
    text_wide(text, pico_usd, 12);
    text_string(text, ",");
    if (tokens > 0) { /* picodollars per token are microdollars per million */
        text_wide(text, wide_ratio(pico_usd, tokens, 0), 6);
    }
    text_string(text, "\n");
}

int payers_write(struct payers *payers, const struct columns *columns,
                 const char *folder, wide pico_usd, bool has_slo, struct err *err)
{
    struct text *text = memory_new(1, sizeof *text);
    wide whole = attributed(payers);
    wide part = 0;
    wide before = 0;
    if (text_open(text, folder, columns->file, err) != 0) {
        free(text);
        return -1;
    }
    columns_write_header(text, columns);
    if (payers->n > 0) {
        qsort(payers->rows, (size_t)payers->n, sizeof *payers->rows, by_first);
    }
    for (int32_t i = 0; i < payers->n; i++) {
        part += payers->rows[i].pico_usd;
        wide now = payers_spread(pico_usd, part, whole);
        write_row(text, &payers->rows[i], now - before, has_slo);
        before = now;
    }
    int status = text_close(text, err);
    free(text);
    return status;
}

int64_t payers_n_named(const struct payers *payers)
{
    int64_t n = 0;
    for (int32_t i = 0; i < payers->n; i++) {
        n += payers->rows[i].name[0] != '\0';
    }
    return n;
}

wide payers_named_pico_usd(const struct payers *payers, wide pico_usd)
{
    wide named = 0;
    for (int32_t i = 0; i < payers->n; i++) {
        named += payers->rows[i].name[0] != '\0' ? payers->rows[i].pico_usd : 0;
    }
    return payers_spread(pico_usd, named, attributed(payers));
}
