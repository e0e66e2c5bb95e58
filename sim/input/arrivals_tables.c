#include "input/arrivals.h"

#include <stddef.h>

#define AT(member) offsetof(struct arrivals_spec, member)

static const struct field process_field[] = {
    {"process", FIELD_CHOICE, AT(process), "", NULL, NULL, NULL,
     "constant|poisson|gamma|weibull|cox|mmpp|onoff|batch|servegen",
     "how arrivals follow each other"},
};

static const struct field rate_fields[] = {
    {"rate_rps", FIELD_NANO, AT(rate_nano_per_s), "requests/s", NULL, "0.001",
     "1000000", NULL, "mean rate of arrivals"},
};

static const struct field gamma_fields[] = {
    {"rate_rps", FIELD_NANO, AT(rate_nano_per_s), "requests/s", NULL, "0.001",
     "1000000", NULL, "mean rate of arrivals"},
    {"cv", FIELD_NANO, AT(cv_nano), "", "1", "0.01", "100", NULL,
     "coefficient of variation of the gaps; this or shape"},
    {"shape", FIELD_NANO, AT(shape_nano), "", "1", "0.0001", "10000", NULL,
     "shape of the Gamma distribution of the gaps; this or cv"},
};

static const struct field cox_fields[] = {
    {"rate_rps", FIELD_NANO, AT(rate_nano_per_s), "requests/s", NULL, "0.001",
     "1000000", NULL, "mean rate of arrivals"},
    {"cv", FIELD_NANO, AT(cv_nano), "", "1", "0.01", "100", NULL,
     "coefficient of variation of the gaps at a steady rate; this or shape"},
    {"shape", FIELD_NANO, AT(shape_nano), "", "1", "0.0001", "10000", NULL,
     "shape of the Gamma distribution of the gaps at a steady rate; this or cv"},
    {"modulation_cv", FIELD_NANO, AT(modulation_cv_nano), "", NULL, "0", "10", NULL,
     "coefficient of variation of the rate"},
    {"tau_s", FIELD_TIME, AT(tau_ns), "s", NULL, "1", "1000000", NULL,
     "time in which the rate forgets itself"},
};

static const struct field weibull_fields[] = {
    {"rate_rps", FIELD_NANO, AT(rate_nano_per_s), "requests/s", NULL, "0.001",
     "1000000", NULL, "mean rate of arrivals"},
    {"cv", FIELD_NANO, AT(cv_nano), "", "1", "0.01", "100", NULL,
     "coefficient of variation of the gaps; this or shape"},
    {"shape", FIELD_NANO, AT(shape_nano), "", "1", "0.15", "200", NULL,
     "shape of the Weibull distribution of the gaps; this or cv"},
};

static const struct field mmpp_fields[] = {
    {"rate_rps", FIELD_NANO, AT(rate_nano_per_s), "requests/s", "0", "0", "1000000",
     NULL, "mean rate, to which those of the states are scaled; 0: they are as given"},
    {"states", FIELD_TEXT, AT(states_text), "", NULL, NULL, NULL, NULL,
     "rate:sojourn of each state, in requests/s and mean s, as 7.1:62s, 4.6:109s; more "
     "of them in states_2, states_3 ..."},
    {"switching", FIELD_CHOICE, AT(switching), "", "cyclic", NULL, NULL,
     "cyclic|uniform", "the state after one: the next in the list, or any other"},
};

static const struct field batch_fields[] = {
    {"batch_size", FIELD_COUNT, AT(batch_size), "requests", "1000000000", "1",
     "1000000000", NULL, "requests that arrive at one moment; not given: all at 0"},
    {"every_s", FIELD_TIME, AT(every_ns), "s", "1", "0.000001", "1000000000", NULL,
     "time from one such moment to the next"},
};

static const struct field servegen_fields[] = {
    {"rate_rps", FIELD_NANO, AT(rate_nano_per_s), "requests/s", "0", "0", "1000000",
     NULL, "mean rate, to which those of the clients are scaled; 0: they are as given"},
    {"clients", FIELD_TEXT, AT(clients), "", NULL, NULL, NULL, NULL,
     "folder of ServeGen's chunk-N-trace.csv and chunk-N-dataset.json"},
    {"clients_most", FIELD_COUNT, AT(clients_most), "clients", "4096", "1", "4096",
     NULL, "clients that count, those with the most requests"},
    {"from_s", FIELD_TIME, AT(from_ns), "s", "0", "0", "1000000000", NULL,
     "time in the files that is 0 in the trace"},
    {"until_s", FIELD_TIME, AT(until_ns), "s", "0", "0", "1000000000", NULL,
     "time in the files at which the trace ends; 0: where they end"},
};

static const struct field onoff_fields[] = {
    {"burst_mu", FIELD_NANO, AT(burst_mu_nano), "", NULL, "-50", "50", NULL,
     "mean of the logarithm of the requests in a burst"},
    {"burst_sigma", FIELD_NANO, AT(burst_sigma_nano), "", NULL, "0", "10", NULL,
     "standard deviation of it"},
    {"burst_max", FIELD_COUNT, AT(burst_max), "requests", "1000000", "1", "1000000000",
     NULL, "requests in the largest burst"},
    {"gap_w", FIELD_TEXT, AT(gap_weights), "", NULL, NULL, NULL, NULL,
     "weights of the components of the gaps in a burst, separated by commas"},
    {"gap_mu", FIELD_TEXT, AT(gap_mus), "", NULL, NULL, NULL, NULL,
     "mean of the logarithm of each, gaps in seconds"},
    {"gap_sigma", FIELD_TEXT, AT(gap_sigmas), "", NULL, NULL, NULL, NULL,
     "standard deviation of the logarithm of each"},
    {"gap_max_s", FIELD_TIME, AT(gap_max_ns), "s", "1000000", "0.000001", "1000000",
     NULL, "longest gap in a burst, before pacing"},
    {"pace_mu", FIELD_NANO, AT(pace_mu_nano), "", "0", "-50", "50", NULL,
     "mean of the logarithm of the factor on all gaps of a burst"},
    {"pace_sigma", FIELD_NANO, AT(pace_sigma_nano), "", "0", "0", "10", NULL,
     "standard deviation of it"},
    {"off_min_s", FIELD_TIME, AT(off_min_ns), "s", "0", "0", "1000000", NULL,
     "shortest silence between bursts"},
    {"off_mu", FIELD_NANO, AT(off_mu_nano), "", NULL, "-50", "50", NULL,
     "mean of the logarithm of the seconds of silence above off_min_s"},
    {"off_sigma", FIELD_NANO, AT(off_sigma_nano), "", NULL, "0", "10", NULL,
     "standard deviation of it"},
    {"off_max_s", FIELD_TIME, AT(off_max_ns), "s", "1000000", "0", "1000000", NULL,
     "longest silence between bursts"},
};

const struct field_table arrivals_tables[ARRIVALS_TABLES] = {
    {.name = "arrivals", .fields = process_field, .n_fields = 1},
    {.name = "constant", .fields = rate_fields, .n_fields = 1},
    {.name = "poisson", .fields = rate_fields, .n_fields = 1},
    {.name = "gamma",
     .fields = gamma_fields,
     .n_fields = sizeof gamma_fields / sizeof gamma_fields[0]},
    {.name = "weibull",
     .fields = weibull_fields,
     .n_fields = sizeof weibull_fields / sizeof weibull_fields[0]},
    {.name = "cox",
     .fields = cox_fields,
     .n_fields = sizeof cox_fields / sizeof cox_fields[0]},
    {.name = "mmpp",
     .fields = mmpp_fields,
     .n_fields = sizeof mmpp_fields / sizeof mmpp_fields[0]},
    {.name = "onoff",
     .fields = onoff_fields,
     .n_fields = sizeof onoff_fields / sizeof onoff_fields[0]},
    {.name = "batch",
     .fields = batch_fields,
     .n_fields = sizeof batch_fields / sizeof batch_fields[0]},
    {.name = "servegen",
     .fields = servegen_fields,
     .n_fields = sizeof servegen_fields / sizeof servegen_fields[0]},
};
