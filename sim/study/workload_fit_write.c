#include "study/workload_fit_write.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const char *const figure_names[WORKLOAD_FIT_FIGURES] = {
    [WORKLOAD_FIT_RATE] = "req/s",     [WORKLOAD_FIT_GAP_CV] = "gap_cv",
    [WORKLOAD_FIT_IDC_1] = "idc_1s",   [WORKLOAD_FIT_IDC_10] = "idc_10s",
    [WORKLOAD_FIT_IDC_60] = "idc_60s", [WORKLOAD_FIT_PEAK] = "peak_60s",
};

static const char *process_name(const struct workload_fit_candidate *candidate)
{
    return arrivals_tables[1 + candidate->spec.process].name;
}

static const struct workload_fit_candidate *chosen(const struct workload_fit *fit)
{
    return &fit->arrivals.candidates[fit->arrivals.chosen];
}

static double span_s(const struct workload_fit *fit)
{
    return (double)(fit->arrivals_ns[fit->n_requests - 1] - fit->arrivals_ns[0]) / 1e9;
}

static void write_list(FILE *out, const char *key, const double *values, int32_t n)
{
    fprintf(out, "%s = ", key);
    for (int32_t i = 0; i < n; i++) {
        fprintf(out, "%s%.6f", i > 0 ? ", " : "", values[i]);
    }
    fputc('\n', out);
}

static void write_mixture(FILE *out, const char *prefix, const struct mixture *mixture)
{
    static const char *const keys[3] = {"w", "mu", "sigma"};
    const double *const lists[3] = {mixture->weight, mixture->mu, mixture->sigma};
    for (int i = 0; i < 3; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s%s", prefix, keys[i]);
        write_list(out, key, lists[i], mixture->n_components);
    }
}

static void write_nano(FILE *out, const char *key, int64_t nano)
{
    fprintf(out, "%s = %.6f\n", key, (double)nano / 1e9);
}

/* The file's name in a comment, whatever it holds. */
static void write_name(FILE *out, const char *path)
{
    for (int i = 0; i < 100 && path[i] != '\0'; i++) {
        fputc(path[i] >= ' ' && path[i] <= '~' ? path[i] : '?', out);
    }
}

/* "-" where it is not known. */
static void format_figure(char text[16], double value)
{
    if (isnan(value)) {
        snprintf(text, 16, "-");
    } else {
        snprintf(text, 16, "%.4g", value);
    }
}

/* The trace, and what was drawn, in one line each. */
static void write_likeness(const struct workload_fit *fit, const char *before,
                           FILE *out)
{
    const struct workload_fit_likeness *likeness = &chosen(fit)->likeness;
    for (int i = 0; i < WORKLOAD_FIT_FIGURES; i++) {
        char trace[16];
        char mean[16];
        char deviation[16];
        format_figure(trace, fit->traffic.figures[i]);
        format_figure(mean, likeness->mean[i]);
        format_figure(deviation, likeness->deviation[i]);
        fprintf(out, "%s%-9s %8s   %8s (%s)\n", before, figure_names[i], trace, mean,
                deviation);
    }
}

static void write_arrivals(const struct workload_fit *fit, FILE *out)
{
    const struct workload_fit_candidate *candidate = chosen(fit);
    const struct arrivals_spec *spec = &candidate->spec;
    fprintf(out,
            "\n; The trace, and %" PRId32 " drawn traces: mean (standard deviation).",
            candidate->likeness.n_traces);
    fprintf(out, "  Distance of the gaps %.4f.\n", candidate->likeness.ks);
    if (!candidate->is_like) {
        fputs("; No process that was tried is like the trace; this one misses it "
              "least.\n",
              out);
    }
    write_likeness(fit, ";   ", out);
    fprintf(out, "[arrivals]\nprocess = %s\n", process_name(candidate));
    if (spec->process != ARRIVALS_ONOFF) {
        write_nano(out, "rate_rps", spec->rate_nano_per_s);
    }
    if (spec->process == ARRIVALS_GAMMA || spec->process == ARRIVALS_WEIBULL ||
        spec->process == ARRIVALS_COX) {
        fprintf(out, "shape = %.6f\n", spec->shape);
    }
    if (spec->process == ARRIVALS_COX) {
        write_nano(out, "modulation_cv", spec->modulation_cv_nano);
        write_nano(out, "tau_s", spec->tau_ns);
    }
    if (spec->process == ARRIVALS_ONOFF) {
        write_nano(out, "burst_mu", spec->burst_mu_nano);
        write_nano(out, "burst_sigma", spec->burst_sigma_nano);
        fprintf(out, "burst_max = %" PRId64 "\n", spec->burst_max);
        write_mixture(out, "gap_", &spec->gap);
        write_nano(out, "gap_max_s", spec->gap_max_ns);
        write_nano(out, "pace_mu", spec->pace_mu_nano);
        write_nano(out, "pace_sigma", spec->pace_sigma_nano);
        write_nano(out, "off_min_s", spec->off_min_ns);
        write_nano(out, "off_mu", spec->off_mu_nano);
        write_nano(out, "off_sigma", spec->off_sigma_nano);
        write_nano(out, "off_max_s", spec->off_max_ns);
    }
}

static void write_lengths(const struct workload_fit_lengths *fit, const char *section,
                          FILE *out)
{
    if (fit->least == fit->most) {
        fprintf(out,
                "\n; All are alike.\n[%s]\ndistribution = fixed\ntokens = %" PRId64
                "\n",
                section, fit->least);
        return;
    }
    fprintf(out,
            "\n; Kolmogorov-Smirnov distance to the trace %.4f; of a single lognormal "
            "%.4f,\n; of a Gamma distribution %.4f.\n"
            "[%s]\ndistribution = lognormal_mix\n",
            fit->ks, fit->lognormal.ks, fit->gamma.ks, section);
    write_mixture(out, "", &fit->fit.mixture);
    fprintf(out, "min = %" PRId64 "\nmax = %" PRId64 "\noutside = clip\n", fit->least,
            fit->most);
}

/* On ticks, many requests share an instant. */
static bool is_ticked(const struct workload_fit *fit)
{
    return 2 * fit->n_instants < fit->n_requests;
}

/* Half of the requests share an instant with another one, and nobody asked to part them. */
static const char *const tick_note =
    "Many requests share an instant: if the log has ticks, fit with --detick.";
static const char *const sharing_note =
    "Sessions, shared prefixes and labels of the trace are not fitted.";

void workload_fit_write_spec(const struct workload_fit *fit, FILE *out)
{
    fputs("; Fitted by servesim trace fit to ", out);
    write_name(out, fit->path);
    fprintf(out, ":\n; %" PRId64 " requests in %.3f s", fit->n_requests, span_s(fit));
    if (fit->detick_ns > 0) {
        fprintf(out, ", spread over ticks of %.9g s", (double)fit->detick_ns / 1e9);
    }
    fputs(".\n", out);
    if (fit->n_sharing > 0) {
        fprintf(out, "; %s\n", sharing_note);
    }
    if (is_ticked(fit)) {
        fprintf(out, "; %s\n", tick_note);
    }
    fprintf(out, "\n[workload]\nrequests = %" PRId64 "\nseed = 1\n", fit->n_requests);
    if (fit->rho != 0) {
        fprintf(
            out,
            "; ranks of prompts and outputs correlate by %.4f in the trace, by %.4f "
            "as drawn\n",
            fit->relation.spearman, fit->drawn.spearman);
    }
    fprintf(out, "copula_rho = %.6f\n", fit->rho);
    write_arrivals(fit, out);
    write_lengths(&fit->prompt, "prompt", out);
    write_lengths(&fit->output, "output", out);
}

static void report_row(const char *name, const double figures[WORKLOAD_FIT_FIGURES],
                       FILE *out)
{
    fprintf(out, "  %-12s", name);
    for (int i = 0; i < WORKLOAD_FIT_FIGURES; i++) {
        char text[16];
        format_figure(text, figures[i]);
        fprintf(out, " %9s", text);
    }
}

static void report_arrivals(const struct workload_fit *fit, FILE *out)
{
    fprintf(out, "arrivals, mean and standard deviation of drawn traces\n  %-12s", "");
    for (int i = 0; i < WORKLOAD_FIT_FIGURES; i++) {
        fprintf(out, " %9s", figure_names[i]);
    }
    fprintf(out, " %7s\n", "gap KS");
    report_row("the trace", fit->traffic.figures, out);
    fputc('\n', out);
    for (int32_t i = 0; i < fit->arrivals.n; i++) {
        const struct workload_fit_candidate *candidate = &fit->arrivals.candidates[i];
        char name[16];
        snprintf(name, sizeof name, "%s%s", process_name(candidate),
                 i == fit->arrivals.chosen ? " <-" : "");
        report_row(name, candidate->likeness.mean, out);
        fprintf(out, " %7.4f\n", candidate->likeness.ks);
        report_row("  +-", candidate->likeness.deviation, out);
        fputc('\n', out);
    }
    fprintf(out, "  %s\n",
            chosen(fit)->is_like
                ? "chosen: the simplest that the trace is within 3 deviations of"
                : "chosen: the one that misses the trace least; none is like it");
    if (is_ticked(fit)) {
        fprintf(out, "  %s\n", tick_note);
    }
}

static void report_lengths(const struct workload_fit_lengths *fit, const char *name,
                           FILE *out)
{
    if (fit->least == fit->most) {
        fprintf(out, "  %-12s all have %" PRId64 " tokens\n", name, fit->least);
        return;
    }
    fprintf(out, "  %-12s %10" PRId32 " %10.4f %10.4f %10.4f\n", name,
            fit->fit.mixture.n_components, fit->ks, fit->lognormal.ks, fit->gamma.ks);
    fprintf(out, "  %-12s %10s %10.0f %10.0f %10.0f\n", "  BIC", "", fit->fit.bic,
            fit->lognormal.bic, fit->gamma.bic);
}

void workload_fit_write_report(const struct workload_fit *fit, FILE *out)
{
    report_arrivals(fit, out);
    fprintf(out,
            "\nlengths, Kolmogorov-Smirnov distance to the trace\n"
            "  %-12s %10s %10s %10s %10s\n",
            "", "components", "mixture", "lognormal", "gamma");
    report_lengths(&fit->prompt, "prompts", out);
    report_lengths(&fit->output, "outputs", out);
    fprintf(out, "\ncorrelation of prompt and output\n  %-12s %10s %12s %10s\n", "",
            "pearson", "pearson_log", "spearman");
    const struct length_relation *const relations[2] = {&fit->relation, &fit->drawn};
    for (int i = 0; i < 2; i++) {
        char texts[3][16];
        format_figure(texts[0], relations[i]->pearson);
        format_figure(texts[1], relations[i]->pearson_log);
        format_figure(texts[2], relations[i]->spearman);
        fprintf(out, "  %-12s %10s %12s %10s\n", i == 0 ? "the trace" : "drawn",
                texts[0], texts[1], texts[2]);
    }
    if (fit->n_sharing > 0) {
        fprintf(out, "\n%s\n", sharing_note);
    }
    if (fit->n_skipped > 0 || fit->n_failed > 0) {
        fprintf(out,
                "\n%" PRId64 " rows were skipped, %" PRId64 " requests had failed.\n",
                fit->n_skipped, fit->n_failed);
    }
}
