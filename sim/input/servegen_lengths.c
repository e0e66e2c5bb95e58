#include "input/servegen_lengths.h"

#include "base/decimal.h"
#include "input/import_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TOKENS = 1000000000, MOST_WINDOWS = 100000 };

struct length {
    double up_to; /* the share of all that are not longer */
    int64_t tokens;
};

struct distribution {
    struct length *lengths; /* the shortest first */
    int32_t n;
};

struct window {
    int64_t start_ns;
    struct distribution prompt;
    struct distribution output;
};

struct servegen_lengths {
    struct window *windows; /* the earliest first */
    int32_t n_windows;
};

/* A dictionary being read. */
struct dictionary {
    const char *text; /* what is left of it */
    struct length *lengths;
    int32_t n;
    int32_t room;
};

static int compare_lengths(const void *a, const void *b)
{
    const struct length *x = a;
    const struct length *y = b;
    return (x->tokens > y->tokens) - (x->tokens < y->tokens);
}

static int compare_windows(const void *a, const void *b)
{
    const struct window *x = a;
    const struct window *y = b;
    return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

static void skip_blanks(struct dictionary *dictionary)
{
    dictionary->text += strspn(dictionary->text, " \t\r\n");
}

static bool take(struct dictionary *dictionary, char letter)
{
    skip_blanks(dictionary);
    if (*dictionary->text != letter) {
        return false;
    }
    dictionary->text++;
    return true;
}

/* A decimal that is not negative; false if none stands there. */
static bool take_number(struct dictionary *dictionary, double *value)
{
    wide mantissa = 0;
    int exponent = 0;
    skip_blanks(dictionary);
    const char *end = decimal_read(dictionary->text, &mantissa, &exponent);
    if (end == NULL || mantissa < 0 || exponent < -400 || exponent > 400) {
        return false;
    }
    *value = (double)mantissa * pow(10, exponent);
    dictionary->text = end;
    return isfinite(*value);
}

/* "12: 0.25" as the next length; false if something else stands there. */
static bool take_length(struct dictionary *dictionary)
{
    double tokens = 0;
    double share = 0;
    if (!take_number(dictionary, &tokens) || !take(dictionary, ':') ||
        !take_number(dictionary, &share) || tokens > MOST_TOKENS ||
        tokens != floor(tokens)) {
        return false;
    }
    if (dictionary->n == dictionary->room) {
        dictionary->room = dictionary->room > 0 ? 2 * dictionary->room : 256;
        dictionary->lengths = memory_grow(dictionary->lengths, (size_t)dictionary->room,
                                          sizeof *dictionary->lengths);
    }
    /* A request has a token at least; ServeGen counts empty ones, too. */
    dictionary->lengths[dictionary->n++] =
        (struct length){.up_to = share, .tokens = tokens < 1 ? 1 : (int64_t)tokens};
    return true;
}

/* The whole text; what is left points at what is wrong if it returns false. */
static bool take_dictionary(struct dictionary *dictionary, int64_t room)
{
    if (!take(dictionary, '{')) {
        return false;
    }
    while (!take(dictionary, '}')) {
        if ((dictionary->n > 0 && !take(dictionary, ',')) || dictionary->n >= room ||
            !take_length(dictionary)) {
            return false;
        }
    }
    skip_blanks(dictionary);
    return *dictionary->text == '\0';
}

/* Shares as sums of all up to that length, which end at 1; false if all are 0. */
static bool add_up(struct dictionary *dictionary)
{
    double sum = 0;
    qsort(dictionary->lengths, (size_t)dictionary->n, sizeof *dictionary->lengths,
          compare_lengths);
    for (int32_t i = 0; i < dictionary->n; i++) {
        sum += dictionary->lengths[i].up_to;
        dictionary->lengths[i].up_to = sum;
    }
    for (int32_t i = 0; i < dictionary->n && sum > 0; i++) {
        dictionary->lengths[i].up_to /= sum;
    }
    return sum > 0 && isfinite(sum);
}

static int refuse(const struct import_json *window, const char *key,
                  const char *expected, const char *text, struct err *err)
{
    char part[24];
    snprintf(part, sizeof part, "%s", text);
    part[strcspn(part, "\n")] = '\0';
    return err_set(err, "%s: %s%s: expected %s, at '%s'", window->file, window->place,
                   key, expected, part);
}

/* The lengths of one key, none if the window does not have it. */
static int distribution_read(struct distribution *distribution,
                             const struct import_json *window, const char *key,
                             int64_t *n_lengths, struct arena *arena, struct err *err)
{
    struct dictionary dictionary = {.text = NULL};
    if (!import_json_has(window, key)) {
        return 0;
    }
    if (import_json_text(window, key, &dictionary.text, err) != 0) {
        return -1;
    }
    const char *fault =
        !take_dictionary(&dictionary, SERVEGEN_LENGTHS_MOST - *n_lengths)
            ? dictionary.n + *n_lengths >= SERVEGEN_LENGTHS_MOST
                  ? "at most 8000000 lengths in all files; take fewer clients"
                  : "a Python dictionary of lengths and probabilities such as "
                    "{12: 0.25, 300: 0.75}"
        : dictionary.n > 0 && !add_up(&dictionary)
            ? "probabilities of which one is not 0"
            : NULL;
    if (fault == NULL) {
        size_t n = (size_t)dictionary.n;
        distribution->n = dictionary.n;
        distribution->lengths = ARENA_NEW(arena, n, struct length);
        *n_lengths += dictionary.n;
        if (n > 0) {
            memcpy(distribution->lengths, dictionary.lengths,
                   n * sizeof *dictionary.lengths);
        }
    } else {
        refuse(window, key, fault, dictionary.text, err);
    }
    free(dictionary.lengths);
    return fault == NULL ? 0 : -1;
}

static int starts_read(struct servegen_lengths *lengths, const struct import_json *root,
                       const char **keys, struct arena *arena, struct err *err)
{
    const char *key = NULL;
    json_t *value = NULL;
    size_t n = json_object_size(root->json);
    if (n == 0 || n > MOST_WINDOWS) {
        return err_set(err, "%s: expected an object of 1 to %d windows, has %zu",
                       root->file, MOST_WINDOWS, n);
    }
    lengths->windows = ARENA_NEW(arena, n, struct window);
    json_object_foreach(root->json, key, value)
    {
        wide mantissa = 0;
        int exponent = 0;
        struct window *window = &lengths->windows[lengths->n_windows];
        const char *end = decimal_read(key, &mantissa, &exponent);
        if (end == NULL || *end != '\0' || mantissa < 0 ||
            !decimal_round(mantissa, exponent + 9, &window->start_ns)) {
            return err_set(err,
                           "%s: '%.40s' is not the second at which a window begins",
                           root->file, key);
        }
        keys[lengths->n_windows++] = key;
    }
    return 0;
}

static int windows_read(struct servegen_lengths *lengths,
                        const struct import_json *root, const char *const *keys,
                        int64_t until_ns, int64_t *n_lengths, struct arena *arena,
                        struct err *err)
{
    for (int32_t i = 0; i < lengths->n_windows; i++) {
        struct window *window = &lengths->windows[i];
        struct import_json inside;
        if (import_json_object(root, keys[i], &inside, err) != 0) {
            return -1;
        }
        if (window->start_ns < until_ns &&
            (distribution_read(&window->prompt, &inside, "input_tokens", n_lengths,
                               arena, err) != 0 ||
             distribution_read(&window->output, &inside, "output_tokens", n_lengths,
                               arena, err) != 0)) {
            return -1;
        }
    }
    qsort(lengths->windows, (size_t)lengths->n_windows, sizeof *lengths->windows,
          compare_windows);
    return 0;
}

int servegen_lengths_read(struct servegen_lengths **lengths, const char *path,
                          int64_t until_ns, int64_t *n_lengths, struct arena *arena,
                          struct err *err)
{
    struct import_json root;
    if (import_json_open(&root, path, err) != 0) {
        return -1;
    }
    *lengths = ARENA_NEW(arena, 1, struct servegen_lengths);
    const char **keys = memory_new(json_object_size(root.json) + 1, sizeof *keys);
    int status = starts_read(*lengths, &root, keys, arena, err);
    if (status == 0) {
        status = windows_read(*lengths, &root, keys, until_ns, n_lengths, arena, err);
    }
    free(keys);
    import_json_close(&root);
    return status;
}

/* The window at that moment: the last one that has begun, or the first. */
static const struct window *window_at(const struct servegen_lengths *lengths,
                                      int64_t at_ns)
{
    int32_t low = 0;
    int32_t high = lengths->n_windows - 1;
    while (low < high) {
        int32_t middle = high - (high - low) / 2;
        if (lengths->windows[middle].start_ns <= at_ns) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return &lengths->windows[low];
}

static int64_t quantile(const struct distribution *distribution, double share)
{
    int32_t low = 0;
    int32_t high = distribution->n - 1;
    if (distribution->n == 0) {
        return 0;
    }
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (distribution->lengths[middle].up_to >= share) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return distribution->lengths[low].tokens;
}

int64_t servegen_lengths_prompt(const struct servegen_lengths *lengths, int64_t at_ns,
                                double share)
{
    return quantile(&window_at(lengths, at_ns)->prompt, share);
}

int64_t servegen_lengths_output(const struct servegen_lengths *lengths, int64_t at_ns,
                                double share)
{
    return quantile(&window_at(lengths, at_ns)->output, share);
}
