#include "input/prefixes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

#define AT(member) offsetof(struct prefixes_spec, member)

static const struct field fields[] = {
    {"groups", FIELD_COUNT, AT(n_groups), "", "1", "1", "1000000", NULL,
     "texts that prompts may begin with"},
    {"tokens", FIELD_COUNT, AT(tokens), "tokens", "0", "0", "100000000", NULL,
     "length of each; 0: the section [prefix_tokens] says how lengths are drawn"},
    {"zipf", FIELD_NANO, AT(zipf_nano), "", "0", "0", "10", NULL,
     "the k-th most popular one is drawn in proportion to k^-zipf"},
    {"share", FIELD_NANO, AT(share_nano), "", "1", "0", "1", NULL,
     "share of requests, or of sessions, that begin with one of them"},
    {"within", FIELD_FLAG, AT(within), "", "no", NULL, NULL, NULL,
     "they are a part of the lengths in [prompt], not added in front of them"},
};

const struct field_table prefixes_table = {
    .name = "prefix",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};

int prefixes_read(struct prefixes_spec *spec, struct settings *settings,
                  const char *section, const char *lengths, struct arena *arena,
                  struct err *err)
{
    field_defaults(&prefixes_table, spec, arena);
    if (settings_apply(settings, section, &prefixes_table, 1, spec, arena, err) != 0) {
        return -1;
    }
    bool drawn = settings_section(settings, lengths) != NULL;
    if (drawn == (spec->tokens > 0)) {
        const struct settings_section *at = settings_section(settings, section);
        const char *reason =
            drawn ? "tokens and [prefix_tokens] are given; only one of the two can be"
                  : "must give 'tokens', or the section [prefix_tokens]";
        return at == NULL || at->line == 0
                   ? err_set(err, "%.700s: [%s]: %s", settings->file, section, reason)
                   : err_at(err, settings->file, at->line, "[%s]: %s", section, reason);
    }
    return drawn ? lengths_read(&spec->lengths, settings, lengths, arena, err) : 0;
}

/* A group's stream has the name of who owns it, so that clients do not move each other's. */
static void draw_lengths(struct prefixes *prefixes, uint64_t seed)
{
    const struct prefixes_spec *spec = prefixes->spec;
    char stream[128];
    struct rng rng;
    snprintf(stream, sizeof stream, "prefix_tokens/%s", spec->owner);
    rng_init(&rng, seed, stream);
    for (int64_t i = 0; i < spec->n_groups; i++) {
        prefixes->tokens[i] =
            spec->tokens > 0
                ? spec->tokens
                : lengths_quantile(&spec->lengths, gsl_rng_uniform(rng.generator));
    }
    rng_free(&rng);
}

void prefixes_init(struct prefixes *prefixes, const struct prefixes_spec *spec,
                   uint64_t seed, int64_t block_tokens)
{
    size_t n = (size_t)spec->n_groups;
    double sum = 0;
    *prefixes = (struct prefixes){
        .spec = spec,
        .up_to = memory_new(n, sizeof *prefixes->up_to),
        .tokens = memory_new(n, sizeof *prefixes->tokens),
        .first_block = memory_new(n, sizeof *prefixes->first_block),
    };
    draw_lengths(prefixes, seed);
    for (int64_t i = 0; i < spec->n_groups; i++) {
        sum += pow((double)(i + 1), -(double)spec->zipf_nano / 1e9);
        prefixes->up_to[i] = sum;
        prefixes->first_block[i] = prefixes->n_blocks;
        prefixes->n_blocks += prefixes->tokens[i] / block_tokens;
    }
}

void prefixes_free(struct prefixes *prefixes)
{
    free(prefixes->up_to);
    free(prefixes->tokens);
    free(prefixes->first_block);
    *prefixes = (struct prefixes){0};
}

int64_t prefixes_pick(const struct prefixes *prefixes, struct rng *rng)
{
    int64_t high = prefixes->spec->n_groups - 1;
    int64_t low = 0;
    double whether = gsl_rng_uniform(rng->generator);
    double at = gsl_rng_uniform(rng->generator) * prefixes->up_to[high];
    if (whether >= (double)prefixes->spec->share_nano / 1e9) {
        return -1;
    }
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (prefixes->up_to[middle] > at) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}
