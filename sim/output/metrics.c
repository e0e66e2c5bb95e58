#include "output/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "output/text.h"

static struct metric *add(struct metrics *metrics, const char *name, const char *unit)
{
    CHECK(metrics->n < METRICS_MOST);
    struct metric *metric = &metrics->list[metrics->n++];
    metric->name = name;
    metric->unit = unit;
    metric->value[0] = '\0';
    return metric;
}

void metrics_text(struct metrics *metrics, const char *name, const char *value,
                  const char *unit)
{
    struct metric *metric = add(metrics, name, unit);
    CHECK(strpbrk(value, ",\"\n") == NULL && strlen(value) < sizeof metric->value);
    snprintf(metric->value, sizeof metric->value, "%s", value);
}

/* value / 10^decimals; up to 36 digits in two halves of 18. */
static void print_scaled(char *text, wide value, int decimals)
{
    const char *sign = value < 0 ? "-" : "";
    wide left = value < 0 ? -value : value;
    char digits[64];
    int n = 0;
    for (; left > 0 || n <= decimals; n++) {
        digits[n] = (char)('0' + (int)(left % 10));
        left /= 10;
    }
    size_t at = (size_t)snprintf(text, METRICS_VALUE_BYTES, "%s", sign);
    while (n > 0) {
        text[at++] = digits[--n];
        if (n == decimals && n > 0) {
            text[at++] = '.';
        }
    }
    text[at] = '\0';
}

void metrics_integer(struct metrics *metrics, const char *name, wide value,
                     const char *unit)
{
    print_scaled(add(metrics, name, unit)->value, value, 0);
}

void metrics_ratio(struct metrics *metrics, const char *name, wide numerator,
                   wide denominator, int decimals, const char *unit)
{
    struct metric *metric = add(metrics, name, unit);
    if (denominator == 0) {
        return;
    }
    print_scaled(metric->value, wide_ratio(numerator, denominator, decimals), decimals);
}

void metrics_real(struct metrics *metrics, const char *name, double value, int decimals,
                  const char *unit)
{
    struct metric *metric = add(metrics, name, unit);
    snprintf(metric->value, sizeof metric->value, "%.*f", decimals, value);
}

const struct metric *metrics_find(const struct metrics *metrics, const char *name)
{
    for (int32_t i = 0; i < metrics->n; i++) {
        if (strcmp(metrics->list[i].name, name) == 0) {
            return &metrics->list[i];
        }
    }
    return NULL;
}

const char *metrics_value(const struct metrics *metrics, const char *name)
{
    const struct metric *metric = metrics_find(metrics, name);
    CHECK(metric != NULL);
    return metric->value;
}

int metrics_write(const struct metrics *metrics, const char *folder, const char *name,
                  struct err *err)
{
    struct text text;
    if (text_open(&text, folder, name, err) != 0) {
        return -1;
    }
    text_string(&text, "metric,value,unit\n");
    for (int32_t i = 0; i < metrics->n; i++) {
        const struct metric *metric = &metrics->list[i];
        text_printf(&text, "%s,%s,%s\n", metric->name, metric->value, metric->unit);
    }
    return text_close(&text, err);
}
