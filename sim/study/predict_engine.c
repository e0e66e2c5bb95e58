#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "study/predict.h"

/* Engine presets: the family's own, and one for versions before `since`, in which the
 * scheduler or the kernels were others. */
static const struct {
    const char *backend;
    const char *since; /* a version: numbers between dots */
    const char *engine;
    const char *older;
    const char *policy;
} engines[] = {
    {"vllm", "0.15", "vllm", "vllm-2025", "vllm-v1"},
    {"sglang", "0.5.6", "sglang", "sglang-2025", "sglang"},
    {"trtllm", "1.1", "trtllm", "trtllm-2025", "trtllm"},
};
enum { N_ENGINES = sizeof engines / sizeof engines[0] };

static int32_t index_of(const char *backend)
{
    char name[MEASURED_TEXT];
    int32_t n = 0;
    for (const char *c = backend; *c != '\0' && n < MEASURED_TEXT - 1; c++) {
        if (isalnum((unsigned char)*c)) {
            name[n++] = (char)tolower((unsigned char)*c);
        }
    }
    name[n] = '\0';
    for (int32_t i = 0; i < N_ENGINES; i++) {
        if (strcmp(name, engines[i].backend) == 0) {
            return i;
        }
    }
    return strcmp(name, "tensorrtllm") == 0 ? 2 : -1;
}

/* Whether version `a` comes before `b`; what has no number in front ("nightly") does not. */
static bool is_before(const char *a, const char *b)
{
    while (*a != '\0' || *b != '\0') {
        char *end_a;
        char *end_b;
        long x = strtol(a, &end_a, 10);
        long y = strtol(b, &end_b, 10);
        if (end_a == a && *a != '\0') {
            return false;
        }
        if (x != y) {
            return x < y;
        }
        a = *end_a == '.' ? end_a + 1 : "";
        b = *end_b == '.' ? end_b + 1 : "";
    }
    return false;
}

const char *predict_engine_family(const char *backend)
{
    int32_t i = index_of(backend);
    return i >= 0 ? engines[i].backend : NULL;
}

const char *predict_engine(const char *backend, const char *version)
{
    int32_t i = index_of(backend);
    if (i < 0) {
        return NULL;
    }
    version += version[0] == 'v' ? 1 : 0; /* as tags have it */
    bool known = isdigit((unsigned char)version[0]) != 0;
    return known && is_before(version, engines[i].since) ? engines[i].older
                                                         : engines[i].engine;
}

const char *predict_engine_policy(const char *backend)
{
    int32_t i = index_of(backend);
    return i >= 0 ? engines[i].policy : NULL;
}
