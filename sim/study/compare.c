#include "study/compare.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "input/syntax.h"
#include "study/run.h"

/* Cuts "v1,v2,..." into the key's values. */
static int cut_values(struct compare_key *key, char *list, const char *over,
                      struct arena *arena, struct err *err)
{
    size_t most = 1;
    for (const char *c = list; *c != '\0'; c++) {
        most += *c == ',';
    }
    key->values = ARENA_NEW(arena, most, const char *);
    while (list != NULL) {
        char *value = strsep(&list, ",");
        value += strspn(value, " \t");
        size_t length = strlen(value);
        while (length > 0 && strchr(" \t", value[length - 1]) != NULL) {
            value[--length] = '\0';
        }
        if (length == 0) {
            return err_set(err, "--over %.700s: one of its values is empty", over);
        }
        for (int32_t i = 0; i < key->n_values; i++) {
            if (strcmp(key->values[i], value) == 0) {
                return err_set(err, "--over %.500s: '%.200s' is there twice", over,
                               value);
            }
        }
        key->values[key->n_values++] = value;
    }
    return 0;
}

static int read_keys(struct compare *compare, const struct compare_request *request,
                     struct arena *arena, struct err *err)
{
    compare->keys = ARENA_NEW(arena, request->n_overs, struct compare_key);
    for (int32_t i = 0; i < request->n_overs; i++) {
        struct compare_key *key = &compare->keys[compare->n_keys];
        const char *over = request->overs[i];
        char *text = memory_arena_text(arena, over);
        const char *section;
        const char *list;
        if (!syntax_split(text, &section, &key->shown, &list)) {
            return err_set(err, "--over %.700s: this is not section.key=v1,v2,...",
                           over);
        }
        char *name = memory_arena_text(arena, over);
        *strchr(name, '=') = '\0';
        key->name = name;
        for (int32_t j = 0; j < i; j++) {
            if (strcmp(compare->keys[j].name, key->name) == 0) {
                return err_set(err, "--over %.700s: another --over varies that key",
                               over);
            }
        }
        compare->n_keys++;
        if (cut_values(key, memory_arena_text(arena, list), over, arena, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Where keys of two sections have one name, both are shown with their sections. */
static void tell_apart(struct compare *compare)
{
    for (int32_t i = 0; i < compare->n_keys; i++) {
        for (int32_t j = 0; j < i; j++) {
            struct compare_key *one = &compare->keys[j];
            struct compare_key *other = &compare->keys[i];
            const char *dot = strrchr(one->name, '.');
            if (strcmp(dot + 1, strrchr(other->name, '.') + 1) == 0) {
                one->shown = one->name;
                other->shown = other->name;
            }
        }
    }
}

static int count_variants(struct compare *compare, struct err *err)
{
    int64_t n = 1;
    for (int32_t i = 0; i < compare->n_keys; i++) {
        n *= compare->keys[i].n_values;
        if (n > COMPARE_MOST_VARIANTS) {
            return err_set(err, "--over: more than %d variants", COMPARE_MOST_VARIANTS);
        }
    }
    compare->n_variants = (int32_t)n;
    compare->variants = memory_new((size_t)n, sizeof *compare->variants);
    return 0;
}

/* The variant's values: the digits of its index, the last key's lowest. */
static void choose(const struct compare *compare, int32_t i, struct arena *arena)
{
    struct compare_variant *variant = &compare->variants[i];
    size_t room = 1;
    variant->values = ARENA_NEW(arena, compare->n_keys, const char *);
    for (int32_t k = compare->n_keys - 1; k >= 0; k--) {
        const struct compare_key *key = &compare->keys[k];
        variant->values[k] = key->values[i % key->n_values];
        i /= key->n_values;
        room += strlen(key->shown) + strlen("= ") + strlen(variant->values[k]);
    }
    char *label = ARENA_NEW(arena, room, char);
    variant->label = label;
    for (int32_t k = 0; k < compare->n_keys; k++) {
        int length = snprintf(label, room, "%s%s=%s", k > 0 ? " " : "",
                              compare->keys[k].shown, variant->values[k]);
        label += length;
        room -= (size_t)length;
    }
}

/* Puts the variant in front of what is wrong with it. */
static int blame(const struct compare_variant *variant, const char *text,
                 struct err *err)
{
    char reason[sizeof err->text];
    snprintf(reason, sizeof reason, "%s", text);
    return err_set(err, "compare: %.200s: %.780s", variant->label, reason);
}

static int check_trace(const struct config *config, struct err *err)
{
    if (strcmp(config->workload.trace, "-") != 0) {
        return 0;
    }
    return err_set(err,
                   "%s: [workload] trace: '-' is standard input, which cannot be read "
                   "once per variant",
                   config->file);
}

static int read_variant(struct compare *compare, struct compare_variant *variant,
                        const struct compare_request *request, struct arena *arena,
                        struct err *err)
{
    int32_t n = request->n_overrides;
    const char **overrides = ARENA_NEW(arena, n + compare->n_keys, const char *);
    for (int32_t i = 0; i < n; i++) {
        overrides[i] = request->overrides[i];
    }
    for (int32_t i = 0; i < compare->n_keys; i++) {
        const char *name = compare->keys[i].name;
        size_t room = strlen(name) + strlen("=") + strlen(variant->values[i]) + 1;
        char *text = ARENA_NEW(arena, room, char);
        snprintf(text, room, "%s=%s", name, variant->values[i]);
        overrides[n++] = text;
    }
    if (config_read(&variant->config, request->path, overrides, n, arena, err) != 0 ||
        check_trace(&variant->config, err) != 0) {
        return blame(variant, err->text, err);
    }
    return 0;
}

int compare_read(struct compare *compare, const struct compare_request *request,
                 struct arena *arena, struct err *err)
{
    *compare = (struct compare){0};
    if (read_keys(compare, request, arena, err) != 0 ||
        count_variants(compare, err) != 0 ||
        config_read(&compare->base, request->path, request->overrides,
                    request->n_overrides, arena, err) != 0 ||
        check_trace(&compare->base, err) != 0) {
        return -1;
    }
    tell_apart(compare);
    for (int32_t i = 0; i < compare->n_variants; i++) {
        choose(compare, i, arena);
        if (read_variant(compare, &compare->variants[i], request, arena, err) != 0) {
            return -1;
        }
    }
    return 0;
}

void compare_free(struct compare *compare)
{
    free(compare->variants);
}

struct outcome {
    bool failed; /* `err` may be filled without: by rows that were skipped */
    struct err err;
};

struct playing {
    struct compare *compare;
    const struct compare_options *options;
    struct outcome *outcomes; /* one per variant */
};

static bool play_one(void *state, int32_t i)
{
    const struct playing *playing = state;
    struct compare_variant *variant = &playing->compare->variants[i];
    struct run_options options = {
        .warnings = i == 0 ? playing->options->warnings : NULL,
        .interrupted = playing->options->interrupted,
    };
    struct outcome *outcome = &playing->outcomes[i];
    outcome->failed =
        run_config(&variant->config, &options, &variant->metrics, &outcome->err) != 0;
    return !outcome->failed;
}

int compare_play(struct compare *compare, const struct compare_options *options,
                 struct err *err)
{
    int32_t n = compare->n_variants;
    struct playing playing = {
        .compare = compare,
        .options = options,
        .outcomes = memory_new((size_t)n, sizeof *playing.outcomes),
    };
    int status = 0;
    parallel_each(n, options->n_threads, play_one, &playing);
    if (options->interrupted != NULL && *options->interrupted) {
        status = err_set(err, "interrupted: nothing was written");
    }
    for (int32_t i = 0; i < n && status == 0; i++) {
        if (playing.outcomes[i].failed) {
            status = blame(&compare->variants[i], playing.outcomes[i].err.text, err);
        }
    }
    free(playing.outcomes);
    return status;
}
