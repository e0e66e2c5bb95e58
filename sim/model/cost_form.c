#include <stdlib.h>

#include "base/memory.h"
#include "model/cost.h"

/* What one more token of a class's context adds to the price. */
static struct cost_term slope_of(const struct cost *cost, const struct cost_term *full,
                                 const struct cost_term *hidden, bool compute_bound)
{
    const struct cost_term *compute = compute_bound ? full : hidden;
    const struct cost_term *memory = compute_bound ? hidden : full;
    return (struct cost_term){
        .compute_fs = compute->compute_fs * cost->n_ranks,
        .memory_fs = memory->memory_fs * cost->n_ranks,
    };
}

static int64_t lead_of(const struct cost_term *term)
{
    return term->compute_fs - term->memory_fs;
}

static wide step_lead_fs(const struct cost *cost, const struct cost_coefficients *full,
                         const struct step_counts *counts)
{
    struct cost_sides sides[N_COST_CLASSES];
    cost_sides_of(cost, full, counts, sides);
    wide lead_fs = 0;
    for (int32_t i = 0; i < cost->n_classes; i++) {
        lead_fs += sides[i].compute_fs - sides[i].memory_fs;
    }
    return lead_fs;
}

static void fill_form(const struct cost *cost, const struct step_counts *counts,
                      struct cost_form *form)
{
    *form = (struct cost_form){.context = counts->decode_context,
                               .window = counts->decode_window};
    cost_price(cost, counts, &form->at);
    form->at_fs = cost_sum_fs(&form->at);
    if (cost->kind == COST_LINEAR) {
        form->slope.memory_fs = cost->linear.context_token_fs;
        return;
    }
    int64_t m = cost_micro_batches(cost, counts);
    const struct cost_coefficients *full = &cost->full[m - 1];
    const struct cost_coefficients *hidden = &cost->hidden[m - 1];
    const struct cost_term *term = &full->terms[0][COST_DECODE_ATTENTION];
    const struct cost_term *window = &full->terms[0][COST_WINDOW_DECODE];
    bool compute_bound = lead_of(term) >= 0;
    bool window_compute_bound = lead_of(window) >= 0;
    if (cost->roofline == COST_STEP) {
        form->bounded = true;
        form->lead_fs = step_lead_fs(cost, full, counts);
        form->lead_slope_fs = lead_of(term) * cost->n_ranks;
        form->window_lead_slope_fs = lead_of(window) * cost->n_ranks;
        compute_bound = window_compute_bound = form->lead_fs >= 0;
    }
    form->slope =
        slope_of(cost, term, &hidden->terms[0][COST_DECODE_ATTENTION], compute_bound);
    form->window_slope = slope_of(cost, window, &hidden->terms[0][COST_WINDOW_DECODE],
                                  window_compute_bound);
}

int64_t cost_form_steps(const struct cost_form *form, int64_t context, int64_t window,
                        int64_t growth, int64_t window_growth)
{
    if (!form->bounded) {
        return INT64_MAX;
    }
    wide lead_fs = form->lead_fs +
                   (wide)form->lead_slope_fs * (context - form->context) +
                   (wide)form->window_lead_slope_fs * (window - form->window);
    wide step_fs = (wide)form->lead_slope_fs * growth +
                   (wide)form->window_lead_slope_fs * window_growth;
    wide steps = INT64_MAX;
    if (lead_fs >= 0 && step_fs < 0) {
        steps = lead_fs / -step_fs + 1;
    } else if (lead_fs < 0 && step_fs > 0) {
        steps = (-lead_fs + step_fs - 1) / step_fs;
    }
    return steps < INT64_MAX ? (int64_t)steps : INT64_MAX;
}

void cost_form_table_init(struct cost_forms *forms, const struct cost *cost,
                          int64_t most_decodes)
{
    const int64_t most_known = 1000;
    /* where the max can change sides, a form is good for the contexts at hand only */
    bool keeps = cost->kind == COST_LINEAR || cost->roofline == COST_OPERATION;
    int64_t n = most_decodes < most_known ? most_decodes : most_known;
    *forms = (struct cost_forms){.cost = cost, .n_known = keeps ? n + 1 : 0};
    forms->known = memory_new((size_t)forms->n_known, sizeof *forms->known);
}

void cost_form_table_free(struct cost_forms *forms)
{
    free(forms->known);
}

const struct cost_form *cost_form_fill(struct cost_forms *forms, int64_t n_decodes,
                                       int64_t context, int64_t window)
{
    struct cost_form *form =
        n_decodes < forms->n_known ? &forms->known[n_decodes] : &forms->latest;
    struct step_counts counts = {
        .n_decodes = n_decodes,
        .decode_context = context,
        .decode_window = window,
        .n_emitting = n_decodes,
    };
    fill_form(forms->cost, &counts, form);
    return form;
}
