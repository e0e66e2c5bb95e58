#include <stdio.h>
#include <string.h>

#include "output/bill.h"

static const wide usd =
    (wide)3600 * 1000000000 * 1000000000; /* ns x nano-dollars per h */
static const wide pico = 1000000000000;
static const wide million = 1000000;

/* What is divided, in either unit of money. */
struct totals {
    wide usd_ns;
    wide pico_usd;
};

static void put_item(struct metrics *metrics, const char *name,
                     const struct bill_row *row, int decimals)
{
    metrics_ratio(metrics, name, row->usd_ns, usd, decimals, "usd");
}

static void put_per(struct metrics *metrics, const char *name, wide usd_ns, wide n,
                    int decimals)
{
    metrics_ratio(metrics, name, usd_ns, usd * n, decimals, "usd");
}

/* The whole bill over what was served. */
static void put_whole(struct metrics *metrics, const struct totals *all,
                      const struct bill_served *served, bool has_slo)
{
    wide tokens = (wide)served->input_tokens + served->output_tokens;
    wide usd_ns = all->usd_ns;
    put_per(metrics, "usd_per_request", usd_ns, served->n_requests, 9);
    put_per(metrics, "usd_per_million_tokens", usd_ns * million, tokens, 6);
    put_per(metrics, "usd_per_million_input_tokens", usd_ns * million,
            served->input_tokens, 6);
    put_per(metrics, "usd_per_million_output_tokens", usd_ns * million,
            served->output_tokens, 6);
    put_per(metrics, "usd_per_million_slo_met_output_tokens", usd_ns * million,
            has_slo ? served->met_output_tokens : 0, 6);
    put_per(metrics, "usd_per_slo_met_request", usd_ns, has_slo ? served->n_met : 0, 9);
    metrics_ratio(metrics, "tokens_per_usd", tokens * pico, all->pico_usd, 3, "tokens");
    metrics_ratio(metrics, "output_tokens_per_usd", served->output_tokens * pico,
                  all->pico_usd, 3, "tokens");
}

/* The whole bill in three parts, in proportion to what computing prompts, fetching what
 * the cache had in other tiers, and decoding were given; each over its own tokens. */
static void put_parts(struct metrics *metrics, const struct bill *bill,
                      const struct totals *all, wide attributed_usd_ns)
{
    const struct bill_served *served = &bill->served;
    int64_t computed = served->input_tokens - served->cached_tokens;
    wide whole = price_pico_usd(attributed_usd_ns);
    wide fetched_ns = bill->cached_usd_ns;
    wide input =
        payers_spread(all->pico_usd, price_pico_usd(bill->input_usd_ns), whole);
    wide prompts = payers_spread(
        all->pico_usd, price_pico_usd(bill->input_usd_ns + fetched_ns), whole);
    bool any = whole > 0;
    wide cached = prompts - input;
    wide output = any ? all->pico_usd - prompts : 0;
    metrics_ratio(metrics, "input_cost_usd", input, any ? pico : 0, 12, "usd");
    metrics_ratio(metrics, "cached_cost_usd", cached, any ? pico : 0, 12, "usd");
    metrics_ratio(metrics, "output_cost_usd", output, any ? pico : 0, 12, "usd");
    metrics_ratio(metrics, "input_usd_per_million_tokens", input * million,
                  any ? pico * computed : 0, 6, "usd");
    metrics_ratio(metrics, "cached_usd_per_million_tokens", cached * million,
                  any ? pico * served->cached_tokens : 0, 6, "usd");
    metrics_ratio(metrics, "output_usd_per_million_tokens", output * million,
                  any ? pico * served->output_tokens : 0, 6, "usd");
}

/* Whose price a source names: its first word. */
static void add_vendor(char list[80], int *n, const char *source)
{
    char vendor[24];
    size_t length = strcspn(source, " ,;:");
    snprintf(vendor, sizeof vendor, "%.*s", (int)(length < 23 ? length : 23), source);
    if (vendor[0] == '\0' || strpbrk(vendor, "\"\n") != NULL) {
        snprintf(vendor, sizeof vendor, "unnamed");
    }
    for (const char *at = list; *at != '\0';) {
        size_t known = strcspn(at, " ");
        if (known == strlen(vendor) && strncmp(at, vendor, known) == 0) {
            return;
        }
        at += known;
        at += strspn(at, " +");
    }
    size_t used = strlen(list);
    snprintf(list + used, 80 - used, "%s%s", *n > 0 ? " + " : "", vendor);
    (*n)++;
}

static void put_vendors(struct metrics *metrics, const struct bill *bill)
{
    char list[80] = "";
    char text[140];
    int n = 0;
    for (int32_t i = 0; i < bill->options.n_pools; i++) {
        const struct price *price = &bill->options.pools[i].price;
        if (price->gpu_nano > 0) {
            add_vendor(list, &n, price->source);
        }
        if (price->n_committed > 0 && price->committed_source[0] != '\0') {
            add_vendor(list, &n, price->committed_source);
        }
    }
    snprintf(text, sizeof text, "%s%s%s",
             n == 0   ? "no price"
             : n == 1 ? "one vendor: "
                      : "mixed: ",
             list, n > 1 ? "; compare with care" : "");
    metrics_text(metrics, "price_basis", text, "");
}

static void put_sessions(struct metrics *metrics, const struct bill *bill,
                         const struct totals *all)
{
    if (!bill->options.sessions) {
        return;
    }
    int64_t n = payers_n_named(&bill->sessions);
    metrics_integer(metrics, "sessions", n, "sessions");
    metrics_ratio(metrics, "usd_per_session",
                  payers_named_pico_usd(&bill->sessions, all->pico_usd), pico * n, 9,
                  "usd");
}

void bill_metrics(const struct bill *bill, struct metrics *metrics)
{
    const struct bill_row *rows = bill->rows[bill->options.n_pools];
    struct totals all = {0};
    for (int i = 0; i < N_BILL_ITEMS; i++) {
        all.usd_ns += rows[i].usd_ns;
        all.pico_usd += rows[i].pico_usd;
    }
    /* from the picodollars of bill.csv, so that it is rounded as a reader would */
    metrics_ratio(metrics, "total_cost_usd", all.pico_usd, pico, 9, "usd");
    put_item(metrics, "attributed_cost_usd", &rows[BILL_ATTRIBUTED], 9);
    put_item(metrics, "idle_cost_usd", &rows[BILL_IDLE], 9);
    put_item(metrics, "starting_cost_usd", &rows[BILL_STARTING], 9);
    put_item(metrics, "failed_cost_usd", &rows[BILL_FAILED], 9);
    put_item(metrics, "lost_cost_usd", &rows[BILL_LOST], 9);
    put_item(metrics, "remainder_cost_usd", &rows[BILL_REMAINDER], 15);
    put_item(metrics, "unused_commitment_cost_usd", &rows[BILL_UNUSED_COMMITMENT], 9);
    put_item(metrics, "unused_node_cost_usd", &rows[BILL_UNUSED_NODE], 9);
    put_item(metrics, "rounding_up_cost_usd", &rows[BILL_ROUNDING_UP], 9);
    put_item(metrics, "electricity_cost_usd", &rows[BILL_ELECTRICITY], 9);
    metrics_ratio(metrics, "commitment_used_share", bill->committed_used_ns,
                  bill->committed_ns, 6, "");
    put_whole(metrics, &all, &bill->served, bill->options.has_slo);
    put_parts(metrics, bill, &all, rows[BILL_ATTRIBUTED].usd_ns);
    put_sessions(metrics, bill, &all);
    put_vendors(metrics, bill);
}
