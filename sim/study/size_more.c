#include "study/size_more.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static double usd(int64_t nano)
{
    return (double)nano * 1e-9;
}

void size_more_price(FILE *out, const struct size_variant *variant, int64_t nano)
{
    if (variant->candidates.has_prices) {
        fprintf(out, ", $ %.2f per hour", usd(nano));
    }
}

static void print_notch(FILE *out, const struct size_variant *variant,
                        const struct size_answer *answer, const char *what)
{
    char text[SIZE_FLEET_TEXT];
    double notch = fabs(answer->factor - 1) * 100;
    if (answer->factor == 0) {
        return;
    }
    fprintf(out, "  %.3g %% %s: ", notch, what);
    if (!answer->found) {
        fputs("no fleet within the limits\n", out);
        return;
    }
    size_fleet_print(&variant->candidates, &answer->best, text);
    fputs(text, out);
    size_more_price(out, variant, answer->nano);
    fprintf(out, " (%+.1f %%)\n",
            100 * ((double)answer->nano / (double)variant->answer.nano - 1));
}

static void print_hours(FILE *out, const struct size_variant *variant)
{
    const struct demand *demand = &variant->demand;
    const struct size_fleet *best = &variant->answer.best;
    double peak = demand_peak_rps(demand);
    if (demand->n_intervals < 2 || best->n_parts != 1 || peak <= 0) {
        return;
    }
    const struct size_candidate *candidate =
        &variant->candidates.list[best->candidate[0]];
    double proved = peak / best->replicas[0];
    struct demand_fleet fleet =
        demand_follow(demand, proved, candidate->price.n_committed, candidate->gpus);
    struct demand_fleet least =
        demand_follow(demand, candidate->most_rps[POOL_BOTH], 0, candidate->gpus);
    double hours = (double)demand->n_intervals * (double)demand->interval_ns / 3.6e12;
    double held = (double)best->replicas[0] * (double)candidate->gpus * hours;
    fprintf(out,
            "\nover time, in %" PRId64 " intervals of %.6g s: the fleet takes %.4g "
            "GPU-hours;\n  an ideal autoscaler %.4g (%.0f %%), if a replica serves "
            "%.4g requests/s as in the fullest interval;\n  by the roofline none takes "
            "less than %.4g\n",
            demand->n_intervals, (double)demand->interval_ns * 1e-9, held,
            fleet.ideal_gpu_hours, 100 * fleet.ideal_gpu_hours / held, proved,
            least.ideal_gpu_hours);
}

void size_more_print(FILE *out, const struct size_variant *variant)
{
    if (variant->tighter.factor != 0) {
        fputs("\nwhat the SLO costs:\n", out);
        print_notch(out, variant, &variant->tighter, "tighter");
        print_notch(out, variant, &variant->looser, "looser");
    }
    if (variant->answer.found) {
        print_hours(out, variant);
    }
}

/* "Hyperstack, quoted 2026-11-09" and "Hyperstack rate card" are of one vendor. */
static bool same_vendor(const char *a, const char *b)
{
    size_t length = strcspn(a, ", ");
    return length == strcspn(b, ", ") && strncmp(a, b, length) == 0;
}

void size_more_vendors(FILE *out, const struct size_variant *variant)
{
    const struct size_candidates *candidates = &variant->candidates;
    const char *first = NULL;
    bool is_one_text = true;
    bool is_one_vendor = true;
    for (int32_t i = 0; i < candidates->n; i++) {
        const struct size_candidate *candidate = &candidates->list[i];
        if (candidate->refused == NULL) {
            first = first != NULL ? first : candidate->vendor;
            is_one_text = is_one_text && strcmp(first, candidate->vendor) == 0;
            is_one_vendor = is_one_vendor && same_vendor(first, candidate->vendor);
        }
    }
    if (first == NULL || !candidates->has_prices) {
        return;
    }
    if (is_one_text) {
        fprintf(out, "\nprices: %s\n", first[0] != '\0' ? first : "nobody says whose");
        return;
    }
    fputs(
        is_one_vendor
            ? "\nprices are of one vendor:\n"
            : ("\nprices are not all of one vendor; compare dollars with care ([price] "
               "book has one's):\n"),
        out);
    for (int32_t i = 0, group = -1; i < candidates->n; i++) {
        const struct size_candidate *candidate = &candidates->list[i];
        if (candidate->refused == NULL && candidate->group != group) {
            group = candidate->group;
            fprintf(out, "  %s: %s\n", candidate->accelerator, candidate->vendor);
        }
    }
}
