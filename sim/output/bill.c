#include "output/bill.h"

#include <stdlib.h>

#include "base/memory.h"
#include "engine/sums.h"
#include "output/usage.h"

static const wide micro_j_pj = 1000000;

static const struct column list[] = {
    {"item", "",
     "attributed: requests that completed; idle, starting, failed: nobody's time; "
     "lost: "
     "work for requests that did not complete; remainder: of division and of printing; "
     "unused_commitment: paid for while off; unused_node: GPUs of paid nodes without a "
     "replica; rounding_up: billed beyond the time on; electricity: of owned GPUs; "
     "total"},
    {"pool", "", "empty: the whole fleet"},
    {"replica_s", "s", "time of replicas; of unused_node and of nodes: 0"},
    {"gpu_s", "s", "time of GPUs"},
    {"usd", "usd", "money; rows sum to the total to the last digit"},
    {"energy_j", "J", "energy; likewise"},
};

const struct columns bill_columns = {
    .file = "bill.csv",
    .help = "one row per item of each pool's bill, then of the fleet's",
    .list = list,
    .n = sizeof list / sizeof list[0],
};

static const char *const item_names[N_BILL_ITEMS] = {
    [BILL_ATTRIBUTED] = "attributed",
    [BILL_IDLE] = "idle",
    [BILL_STARTING] = "starting",
    [BILL_FAILED] = "failed",
    [BILL_LOST] = "lost",
    [BILL_REMAINDER] = "remainder",
    [BILL_UNUSED_COMMITMENT] = "unused_commitment",
    [BILL_UNUSED_NODE] = "unused_node",
    [BILL_ROUNDING_UP] = "rounding_up",
    [BILL_ELECTRICITY] = "electricity",
};

void bill_init(struct bill *bill, const struct bill_options *options)
{
    size_t n = (size_t)options->n_pools;
    int32_t n_replicas = 0;
    *bill = (struct bill){
        .options = *options,
        .leases = memory_new(n, sizeof *bill->leases),
        .told = memory_new(n, sizeof *bill->told),
        .rows = memory_new(n + 1, sizeof *bill->rows),
    };
    for (int32_t i = 0; i < options->n_pools; i++) {
        int32_t n_places = pool_places(&options->pools[i]);
        lease_init(&bill->leases[i], &options->pools[i].price, n_places);
        bill->pool_of =
            memory_grow(bill->pool_of, (size_t)n_replicas + (size_t)n_places,
                        sizeof *bill->pool_of);
        for (; n_places > 0; n_places--) {
            bill->pool_of[n_replicas++] = i;
        }
    }
}

void bill_free(struct bill *bill)
{
    for (int32_t i = 0; i < bill->options.n_pools; i++) {
        lease_free(&bill->leases[i]);
    }
    free(bill->leases);
    free(bill->pool_of);
    free(bill->told);
    free(bill->rows);
    payers_free(&bill->tenants);
    payers_free(&bill->sessions);
}

void bill_life(struct bill *bill, const struct replica *replica, int64_t at_ns)
{
    lease_set(&bill->leases[replica->pool->index], replica->place,
              sums_is_held(replica, replica->life.state), at_ns);
}

static void add_served(struct bill_served *served, const struct probe_record *record,
                       bool met)
{
    served->n_requests++;
    served->input_tokens += record->prompt_tokens;
    served->cached_tokens += record->cached_tokens;
    served->output_tokens += record->output_tokens;
    if (met) {
        served->n_met++;
        served->met_output_tokens += record->output_tokens;
    }
}

/* What a request told of one pool. */
struct part {
    wide usd_ns;
    wide pj;
    wide pico_usd;
    wide micro_j;
};

static void add_told(struct bill_told *told, bool completed, const struct part *part)
{
    if (completed) {
        told->completed_pico_usd += part->pico_usd;
        told->completed_micro_j += part->micro_j;
        told->completed_usd_ns += part->usd_ns;
    } else {
        told->other_pico_usd += part->pico_usd;
        told->other_micro_j += part->micro_j;
        told->other_usd_ns += part->usd_ns;
        told->other_pj += part->pj;
    }
}

void bill_add(struct bill *bill, const struct probe_record *record, bool met)
{
    struct payers_share share = {
        .pico_usd = price_pico_usd(record->cost_usd_ns),
        .micro_j = wide_div_half_up(record->energy_pj, micro_j_pj),
        .met = met && bill->options.has_slo,
    };
    payers_add_tenant(&bill->tenants, record, &share);
    if (bill->options.sessions) {
        payers_add_session(&bill->sessions, record, &share);
    }
    bool completed = record->status == REQUEST_COMPLETED;
    if (completed) {
        add_served(&bill->served, record, share.met);
    }
    if (record->replica < 0) {
        return;
    }
    struct part all = {record->cost_usd_ns, record->energy_pj, share.pico_usd,
                       share.micro_j};
    if (record->prefill_replica >= 0) {
        struct part there = {record->carried_usd_ns, record->carried_energy_pj,
                             price_pico_usd(record->carried_usd_ns),
                             wide_div_half_up(record->carried_energy_pj, micro_j_pj)};
        int32_t pool = bill->pool_of[record->prefill_replica];
        add_told(&bill->told[pool], completed, &there);
        all.usd_ns -= there.usd_ns;
        all.pj -= there.pj;
        all.pico_usd -= there.pico_usd;
        all.micro_j -= there.micro_j;
    }
    add_told(&bill->told[record->pool], completed, &all);
}

/* A place of a pool, and what a nanosecond of it is. */
struct place {
    struct bill_row *rows;
    int64_t nano; /* of the whole replica, per hour */
    int64_t gpus;
};

static void put(const struct place *place, enum bill_item item, wide ns, wide pj)
{
    struct bill_row *row = &place->rows[item];
    CHECK(ns >= 0);
    row->replica_ns += ns;
    row->gpu_ns += ns * place->gpus;
    row->usd_ns += ns * place->nano;
    row->pj += pj;
}

static void add_replica(struct bill *bill, struct replica *replica, int64_t end_ns)
{
    const struct pool *pool = replica->pool;
    const struct price *price = &pool->price;
    const struct replica_tally *tally = &replica->tally;
    const struct place place = {.rows = bill->rows[pool->index],
                                .nano = replica->usd_per_hour_nano,
                                .gpus = price->gpus};
    struct usage_time time = usage_time(replica, end_ns);
    struct usage_energy energy = usage_energy(replica, end_ns);
    wide starting_ns = price->terms.starting_free ? 0 : time.starting_ns;
    wide failed_ns = price->terms.failed_free ? 0 : time.failed_ns;
    wide remainder_ns = time.busy_ns - tally->paid_ns - tally->lost_ns;
    wide unused_ns =
        time.held_ns - time.busy_ns - time.idle_ns - starting_ns - failed_ns;
    bool committed = price_is_committed(price, replica->place);
    CHECK(unused_ns == 0 || committed);
    CHECK(time.held_ns == bill->leases[pool->index].places[replica->place].held_ns);
    put(&place, BILL_ATTRIBUTED, tally->paid_ns, energy.attributed_pj);
    put(&place, BILL_IDLE, time.idle_ns, energy.idle_pj);
    put(&place, BILL_STARTING, starting_ns, energy.starting_pj);
    put(&place, BILL_FAILED, failed_ns, energy.failed_pj);
    put(&place, BILL_LOST, tally->lost_ns, energy.lost_pj);
    put(&place, BILL_REMAINDER, remainder_ns, energy.remainder_pj);
    put(&place, BILL_UNUSED_COMMITMENT, unused_ns, 0);
    bill->input_usd_ns += (wide)tally->prefill_paid_ns * place.nano;
    bill->cached_usd_ns += (wide)tally->fetch_paid_ns * place.nano;
    if (committed) {
        bill->committed_ns += time.held_ns;
        bill->committed_used_ns += time.held_ns - unused_ns;
    }
}

static void add_lease(struct bill *bill, int32_t pool)
{
    struct lease_extra extra = lease_extra(&bill->leases[pool]);
    struct bill_row *rows = bill->rows[pool];
    rows[BILL_UNUSED_NODE].gpu_ns = extra.unused_gpu_ns;
    rows[BILL_UNUSED_NODE].usd_ns = extra.unused_usd_ns;
    rows[BILL_ROUNDING_UP].gpu_ns = extra.excess_gpu_ns;
    rows[BILL_ROUNDING_UP].usd_ns = extra.excess_usd_ns;
}

static void add_electricity(struct bill *bill, int32_t pool)
{
    struct bill_row *rows = bill->rows[pool];
    const struct pool *of = &bill->options.pools[pool];
    const struct meter_config *meter = &of->config->meter;
    wide pj = 0;
    if (of->price.basis != PRICE_OWNED) {
        return;
    }
    for (int i = 0; i < N_BILL_ITEMS; i++) {
        pj += rows[i].pj;
    }
    rows[BILL_ELECTRICITY].usd_ns =
        price_electricity_usd_ns(meter->usd_per_kwh_nano, meter_facility_pj(meter, pj));
}

static struct bill_row sum_of(const struct bill_row rows[N_BILL_ITEMS])
{
    struct bill_row sum = {0};
    for (int i = 0; i < N_BILL_ITEMS; i++) {
        sum.replica_ns += rows[i].replica_ns;
        sum.gpu_ns += rows[i].gpu_ns;
        sum.usd_ns += rows[i].usd_ns;
        sum.pj += rows[i].pj;
        sum.pico_usd += rows[i].pico_usd;
    }
    return sum;
}

/* Whole picodollars that sum to `total`, and energy as requests.csv has it. */
static void print_as(struct bill_row rows[N_BILL_ITEMS], const struct bill_told *told,
                     wide total)
{
    wide rest = total;
    wide pj = sum_of(rows).pj;
    wide lost_usd_ns = rows[BILL_LOST].usd_ns - told->other_usd_ns;
    CHECK(lost_usd_ns >= 0);
    rows[BILL_LOST].pj += told->other_micro_j * micro_j_pj - told->other_pj;
    rows[BILL_ATTRIBUTED].pj = told->completed_micro_j * micro_j_pj;
    rows[BILL_REMAINDER].pj += pj - sum_of(rows).pj;
    for (int i = 0; i < N_BILL_ITEMS; i++) {
        rows[i].pico_usd = price_pico_usd(rows[i].usd_ns);
    }
    rows[BILL_ATTRIBUTED].pico_usd = told->completed_pico_usd;
    rows[BILL_LOST].pico_usd = told->other_pico_usd + price_pico_usd(lost_usd_ns);
    for (int i = 0; i < N_BILL_ITEMS; i++) {
        rest -= i == BILL_REMAINDER ? 0 : rows[i].pico_usd;
    }
    rows[BILL_REMAINDER].pico_usd = rest;
}

/* The fleet's rows are the sums of the pools'. */
static void add_up(struct bill *bill)
{
    int32_t n = bill->options.n_pools;
    wide usd_ns = 0;
    wide before = 0;
    wide told_usd_ns = 0;
    for (int32_t i = 0; i < n; i++) {
        usd_ns += sum_of(bill->rows[i]).usd_ns;
        told_usd_ns += bill->told[i].completed_usd_ns;
        wide now = price_pico_usd(usd_ns);
        print_as(bill->rows[i], &bill->told[i], now - before);
        before = now;
        for (int j = 0; j < N_BILL_ITEMS; j++) {
            const struct bill_row *row = &bill->rows[i][j];
            struct bill_row *all = &bill->rows[n][j];
            all->replica_ns += row->replica_ns;
            all->gpu_ns += row->gpu_ns;
            all->usd_ns += row->usd_ns;
            all->pj += row->pj;
            all->pico_usd += row->pico_usd;
        }
    }
    struct bill_row total = sum_of(bill->rows[n]);
    CHECK(told_usd_ns == bill->rows[n][BILL_ATTRIBUTED].usd_ns);
    CHECK(total.usd_ns == usd_ns && total.pico_usd == before);
}

void bill_close(struct bill *bill, struct sim *sim)
{
    int64_t end_ns = sim->totals.end_ns;
    for (int32_t i = 0; i < bill->options.n_pools; i++) {
        lease_close(&bill->leases[i], end_ns);
    }
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        add_replica(bill, &sim->replicas[i], end_ns);
    }
    for (int32_t i = 0; i < bill->options.n_pools; i++) {
        add_lease(bill, i);
        add_electricity(bill, i);
    }
    add_up(bill);
}

/* text_wide() of a value that may be negative. */
static void comma_signed(struct text *text, wide value, int decimals)
{
    text_string(text, value < 0 ? ",-" : ",");
    text_wide(text, value < 0 ? -value : value, decimals);
}

static void write_row(struct text *text, const char *item, const char *pool,
                      const struct bill_row *row)
{
    text_printf(text, "%s,%s", item, pool);
    comma_signed(text, row->replica_ns, 9);
    comma_signed(text, row->gpu_ns, 9);
    comma_signed(text, row->pico_usd, 12);
    comma_signed(text, row->pj, 12);
    text_string(text, "\n");
}

static int write_bill(const struct bill *bill, const char *folder, struct err *err)
{
    struct text *text = memory_new(1, sizeof *text);
    if (text_open(text, folder, bill_columns.file, err) != 0) {
        free(text);
        return -1;
    }
    columns_write_header(text, &bill_columns);
    for (int32_t i = 0; i <= bill->options.n_pools; i++) {
        const char *pool =
            i < bill->options.n_pools ? bill->options.pools[i].config->name : "";
        for (int j = 0; j < N_BILL_ITEMS; j++) {
            write_row(text, item_names[j], pool, &bill->rows[i][j]);
        }
        struct bill_row total = sum_of(bill->rows[i]);
        write_row(text, "total", pool, &total);
    }
    int status = text_close(text, err);
    free(text);
    return status;
}

/* Of the whole fleet. */
static const struct bill_row *all_rows(const struct bill *bill)
{
    return bill->rows[bill->options.n_pools];
}

int bill_write(struct bill *bill, const char *folder, struct err *err)
{
    wide pico_usd = sum_of(all_rows(bill)).pico_usd;
    bool has_slo = bill->options.has_slo;
    if (write_bill(bill, folder, err) != 0 ||
        payers_write(&bill->tenants, &payers_tenants_columns, folder, pico_usd, has_slo,
                     err) != 0) {
        return -1;
    }
    return bill->options.sessions
               ? payers_write(&bill->sessions, &payers_sessions_columns, folder,
                              pico_usd, has_slo, err)
               : 0;
}

wide bill_pj(const struct bill *bill, enum bill_item item)
{
    return all_rows(bill)[item].pj;
}
