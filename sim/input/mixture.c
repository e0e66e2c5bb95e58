#include "input/mixture.h"

#include "base/check.h"
#include "base/decimal.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What one list may hold; exp(50 + 10 x 8) is still far from the end of a double. */
struct list {
    const char *key; /* behind the prefix */
    const char *least;
    const char *greatest;
};

static const struct list weight_list = {"w", "0.000001", "1"};
static const struct list mu_list = {"mu", "-50", "50"};
static const struct list sigma_list = {"sigma", "0.000001", "10"};
static const struct list shape_list = {"shape", "0.01", "1000000"};
static const struct list scale_list = {"scale", "0.000001", "1000000000"};

static const struct settings_entry *list_entry(const struct settings *settings,
                                               const char *section, const char *prefix,
                                               const struct list *list)
{
    char key[64];
    snprintf(key, sizeof key, "%s%s", prefix, list->key);
    const struct settings_entry *entry = settings_find(settings, section, key);
    CHECK(entry != NULL); /* the caller's table has no default for it */
    return entry;
}

/* Reads one number at *text and steps over it and the comma behind it. */
static int number_read(const struct list *list, const char **text, double *value,
                       struct err *reason)
{
    struct field field = {.type = FIELD_NANO,
                          .unit = "",
                          .least = list->least,
                          .greatest = list->greatest};
    *text += strspn(*text, " \t");
    size_t length = strcspn(*text, ",");
    char number[64];
    snprintf(number, sizeof number, "%.*s", (int)length, *text);
    for (size_t end = strlen(number); end > 0 && strchr(" \t", number[end - 1]);
         end--) {
        number[end - 1] = '\0';
    }
    int64_t nano = 0;
    if (field_read(&field, &nano, number, NULL, reason) != 0) {
        return -1;
    }
    *value = (double)nano / 1e9;
    *text += length;
    return 0;
}

/* The list of that entry; returns how many numbers it holds, or -1. */
static int32_t list_read(const struct settings_entry *entry, const struct list *list,
                         double values[MIXTURE_MOST], struct err *err)
{
    const char *text = entry->value;
    for (int32_t n = 0; n < MIXTURE_MOST; n++) {
        struct err reason;
        if (number_read(list, &text, &values[n], &reason) != 0) {
            struct err whole;
            err_set(&whole, "number %" PRId32 " of the list: %.500s", n + 1,
                    reason.text);
            return settings_refuse(entry, whole.text, err);
        }
        if (*text == '\0') {
            return n + 1;
        }
        text++;
    }
    struct err reason;
    err_set(&reason, "the list has more than %d numbers", MIXTURE_MOST);
    return settings_refuse(entry, reason.text, err);
}

static int check_lengths(const struct settings_entry *entry, int32_t n,
                         int32_t n_weights, const char *weights, struct err *err)
{
    if (n < 0 || n == n_weights) {
        return n < 0 ? -1 : 0;
    }
    struct err reason;
    err_set(&reason, "the list is %" PRId32 " long and %s is %" PRId32 " long", n,
            weights, n_weights);
    return settings_refuse(entry, reason.text, err);
}

static int scale_weights(struct mixture *mixture, const struct settings_entry *entry,
                         struct err *err)
{
    double sum = 0;
    for (int32_t i = 0; i < mixture->n_components; i++) {
        sum += mixture->weight[i];
    }
    if (fabs(sum - 1) > 0.0101) { /* 0.01, and what adding doubles costs */
        struct err reason;
        err_set(&reason, "the weights sum to %.9g; they must sum to 1 within 0.01",
                sum);
        return settings_refuse(entry, reason.text, err);
    }
    for (int32_t i = 0; i < mixture->n_components; i++) {
        mixture->weight[i] /= sum;
    }
    return 0;
}

/* The list of one parameter of the components, as long as that of the weights. */
static int parameter_read(const struct mixture *mixture, const struct list *list,
                          double values[MIXTURE_MOST], const struct settings *settings,
                          const char *section, const char *prefix, struct err *err)
{
    const struct settings_entry *weights =
        list_entry(settings, section, prefix, &weight_list);
    const struct settings_entry *entry = list_entry(settings, section, prefix, list);
    return check_lengths(entry, list_read(entry, list, values, err),
                         mixture->n_components, weights->key, err);
}

int mixture_read(struct mixture *mixture, enum mixture_family family,
                 const struct settings *settings, const char *section,
                 const char *prefix, struct err *err)
{
    bool is_gamma = family == MIXTURE_GAMMA;
    const struct settings_entry *weights =
        list_entry(settings, section, prefix, &weight_list);
    int32_t n = list_read(weights, &weight_list, mixture->weight, err);
    if (n < 0) {
        return -1;
    }
    mixture->family = family;
    mixture->n_components = n;
    if (parameter_read(mixture, is_gamma ? &shape_list : &mu_list,
                       is_gamma ? mixture->shape : mixture->mu, settings, section,
                       prefix, err) != 0 ||
        parameter_read(mixture, is_gamma ? &scale_list : &sigma_list,
                       is_gamma ? mixture->scale : mixture->sigma, settings, section,
                       prefix, err) != 0) {
        return -1;
    }
    return scale_weights(mixture, weights, err);
}

static double gamma_cdf(const struct mixture *mixture, double x)
{
    double sum = 0;
    for (int32_t i = 0; i < mixture->n_components; i++) {
        sum += mixture->weight[i] *
               gsl_cdf_gamma_P(x, mixture->shape[i], mixture->scale[i]);
    }
    return sum;
}

double mixture_cdf(const struct mixture *mixture, double x)
{
    if (x <= 0) {
        return 0;
    }
    if (mixture->family == MIXTURE_GAMMA) {
        return gamma_cdf(mixture, x);
    }
    double log_x = log(x);
    double sum = 0;
    for (int32_t i = 0; i < mixture->n_components; i++) {
        double z = (log_x - mixture->mu[i]) / mixture->sigma[i];
        sum += mixture->weight[i] * gsl_cdf_ugaussian_P(z);
    }
    return sum;
}

double mixture_draw(const struct mixture *mixture, struct rng *rng)
{
    double u = gsl_rng_uniform(rng->generator);
    int32_t i = 0;
    while (i + 1 < mixture->n_components && u >= mixture->weight[i]) {
        u -= mixture->weight[i];
        i++;
    }
    return mixture->family == MIXTURE_GAMMA
               ? gsl_ran_gamma(rng->generator, mixture->shape[i], mixture->scale[i])
               : gsl_ran_lognormal(rng->generator, mixture->mu[i], mixture->sigma[i]);
}
