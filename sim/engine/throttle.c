#include "engine/throttle.h"

wide throttle_raise(const struct pool *pool, const struct step_counts *counts,
                    const struct work *drafting, const struct work *adapting,
                    struct step_price *price)
{
    struct work work = power_work(&pool->cost, counts);
    return throttle_raise_work(pool, &work, drafting, adapting, price);
}

wide throttle_raise_work(const struct pool *pool, const struct work *work,
                         const struct work *drafting, const struct work *adapting,
                         struct step_price *price)
{
    wide more_fs = power_sum(&pool->power.least_fs, work) +
                   power_sum(&pool->speculative.power.least_fs, drafting) -
                   cost_sum_fs(price);
    if (adapting != NULL) {
        more_fs += power_sum(&pool->adapter.power.least_fs, adapting);
    }
    if (more_fs <= 0) {
        return 0;
    }
    price->fs[BOUND_COMPUTE] += more_fs;
    return more_fs;
}

int64_t throttle_span(const struct replica *replica, struct replica_span *span,
                      wide *first_fs, wide *per_step_fs)
{
    const struct power *power = &replica->pool->power;
    span->limited = false;
    if (!power->limited) {
        return INT64_MAX;
    }
    const struct step_counts *counts = &span->counts;
    struct work work = power_work(&replica->pool->cost, counts);
    wide least_fs = power_sum(&power->least_fs, &work);
    wide more_fs = (wide)power->least_fs.decode_context * counts->n_decodes +
                   (wide)power->least_fs.decode_window * replica->group.n_growing;
    /* by how much the larger of both leads, and what each step takes of it */
    wide lead_fs = *first_fs - least_fs;
    wide lost_fs = more_fs - *per_step_fs;
    if (lead_fs < 0) {
        span->limited = true;
        lead_fs = -lead_fs;
        lost_fs = -lost_fs;
        *first_fs = least_fs;
        *per_step_fs = more_fs;
    }
    wide steps = lost_fs > 0 ? lead_fs / lost_fs + 1 : INT64_MAX;
    return steps < INT64_MAX ? (int64_t)steps : INT64_MAX;
}

wide throttle_added_fs(const struct replica *replica, const struct work *work)
{
    const struct cost_form *form = replica->span.form;
    int64_t n = work->steps;
    int64_t context = (int64_t)work->decode_context - form->context * n;
    int64_t window = (int64_t)work->decode_window - form->window * n;
    return power_sum(&replica->pool->power.least_fs, work) - form->at_fs * n -
           cost_form_growth_fs(form, context, window);
}
