/* workload_fit: the description of a workload that looks like a trace.
 *
 * Arrivals, prompts, outputs and the correlation of the two are fitted each by itself; what is
 * found is the spec that `servesim gen` reads.  The copula's correlation is
 * 2 sin(pi / 6 x Spearman's), which holds for normal scores (Kruskal, "Ordinal measures of
 * association", 1958): so the ranks of drawn lengths correlate as those of the trace.
 *
 * Not fitted: sessions, shared prefixes, labels, and whatever changes over the trace other than
 * the rate.
 *
 * The same trace gives the same spec: what is drawn comes from fixed seeds.  Memory: 40 bytes
 * a request.
 */
#ifndef SERVESIM_STUDY_WORKLOAD_FIT_H
#define SERVESIM_STUDY_WORKLOAD_FIT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "study/length_stats.h"
#include "study/workload_fit_arrivals.h"
#include "study/workload_fit_lengths.h"
#include "study/workload_fit_traffic.h"

enum { WORKLOAD_FIT_FEWEST = 100 };

struct workload_fit_options {
    const char *format; /* of the trace; NULL: as its first line tells */
    bool skip_bad_rows;
    int64_t detick_ns; /* as [workload] detick with seed 1; 0: arrivals as they are */
    const volatile sig_atomic_t *interrupted; /* becomes 1 to stop; NULL: never */
};

struct workload_fit {
    const char *path;
    int64_t n_requests;
    int64_t n_instants;
    int64_t n_skipped;
    int64_t n_failed;
    int64_t n_sharing; /* whose rows tell of a session or of what their prompts share */
    int64_t detick_ns;
    int64_t *arrivals_ns;
    int64_t room;
    struct length_stats lengths;
    struct workload_fit_traffic traffic;
    struct workload_fit_arrivals arrivals;
    struct workload_fit_lengths prompt;
    struct workload_fit_lengths output;
    double rho;
    struct length_relation relation; /* of the trace */
    struct length_relation drawn;    /* of 200,000 drawn requests */
};

/* Reads the trace at `path`, which must outlive the fit, and fits.  -1 and `err` if it cannot
 * be read, has too few requests or all of them at one instant.  Either way
 * workload_fit_free() it. */
int workload_fit_read(struct workload_fit *fit, const char *path,
                      const struct workload_fit_options *options, struct err *err);
void workload_fit_free(struct workload_fit *fit);

#endif
