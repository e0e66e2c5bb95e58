/* worlds: a random world, config.ini in this folder, is run in spans and stepwise.
 *
 * Every invariant is looked up after every instant; what the two runs tell must be the same,
 * and nothing may get lost.  Behind cmocka.h.
 */
#ifndef SERVESIM_TESTS_SUPPORT_WORLDS_H
#define SERVESIM_TESTS_SUPPORT_WORLDS_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "study/run.h"

/* Runs the world; the plans made.  Results go to `folder`, unless that is NULL. */
static inline int64_t worlds_run(bool stepwise, const char *folder,
                                 struct metrics *metrics)
{
    struct arena arena = {0};
    struct config config;
    struct err err = {""};
    char told[200] = "";
    FILE *verbose = fmemopen(told, sizeof told, "w");
    assert_non_null(verbose);
    struct run_options options = {.stepwise = stepwise,
                                  .verify = true,
                                  .verbose = verbose,
                                  .overwrite = true,
                                  .folder = folder};
    if (config_read(&config, "config.ini", NULL, 0, &arena, &err) != 0 ||
        run_config(&config, &options, metrics, &err) != 0) {
        fail_msg("%s", err.text);
    }
    fclose(verbose);
    memory_arena_free(&arena);
    long long plans = 0;
    assert_int_equal(sscanf(told, "servesim: %lld plans", &plans), 1);
    return plans;
}

/* What a run tells; 0 if it does not tell that. */
static inline double worlds_share(const struct metrics *metrics, const char *name)
{
    bool is_there = metrics_find(metrics, name) != NULL;
    return is_there ? strtod(metrics_value(metrics, name), NULL) : 0;
}

static inline int64_t worlds_value(const struct metrics *metrics, const char *name)
{
    bool is_there = metrics_find(metrics, name) != NULL;
    return is_there ? strtoll(metrics_value(metrics, name), NULL, 10) : 0;
}

/* The file's text; empty if there is none. */
static inline char *worlds_text(const char *folder, const char *file)
{
    char path[400];
    char *text = NULL;
    size_t room = 0;
    snprintf(path, sizeof path, "%s/%.300s", folder, file);
    FILE *in = fopen(path, "r");
    if (in == NULL || getdelim(&text, &room, '\0', in) < 0) {
        free(text);
        text = memory_new(1, 1);
    }
    if (in != NULL) {
        fclose(in);
    }
    return text;
}

/* So that the test's folder can go. */
static inline void worlds_remove(const char *folder)
{
    DIR *entries = opendir(folder);
    if (entries == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char path[400];
        snprintf(path, sizeof path, "%s/%.300s", folder, entry->d_name);
        remove(path);
    }
    closedir(entries);
    rmdir(folder);
}

static inline void worlds_assert_alike(const struct metrics *a, const struct metrics *b,
                                       int64_t world)
{
    assert_int_equal(a->n, b->n);
    for (int32_t i = 0; i < a->n; i++) {
        assert_string_equal(a->list[i].name, b->list[i].name);
        if (strcmp(a->list[i].value, b->list[i].value) != 0) {
            fail_msg("world %lld: %s is %s and %s", (long long)world, a->list[i].name,
                     a->list[i].value, b->list[i].value);
        }
    }
}

/* How many files there are; they are the same, byte by byte, in the other folder. */
static inline int32_t worlds_compare(const char *folder, const char *other,
                                     int64_t world)
{
    int32_t n = 0;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char *a = worlds_text(folder, entry->d_name);
        char *b = worlds_text(other, entry->d_name);
        if (strcmp(a, b) != 0) {
            fail_msg("world %lld: %s differs", (long long)world, entry->d_name);
        }
        free(a);
        free(b);
        n++;
    }
    closedir(entries);
    return n;
}

static inline void worlds_assert_conserved(const struct metrics *m)
{
    assert_string_equal(metrics_value(m, "requests_in_system_area"),
                        metrics_value(m, "sojourn_sum"));
    assert_int_equal(worlds_value(m, "injected_requests"),
                     worlds_value(m, "all_completed_requests") +
                         worlds_value(m, "all_rejected_requests") +
                         worlds_value(m, "all_timed_out_requests") +
                         worlds_value(m, "all_shed_requests") +
                         worlds_value(m, "all_failed_requests"));
    assert_int_equal(worlds_value(m, "computed_tokens"),
                     worlds_value(m, "computed_tokens_kept") +
                         worlds_value(m, "computed_tokens_recomputed") +
                         worlds_value(m, "computed_tokens_discarded") +
                         worlds_value(m, "computed_tokens_rejected") +
                         worlds_value(m, "computed_tokens_lost"));
    assert_int_equal(worlds_value(m, "emitted_tokens"),
                     worlds_value(m, "emitted_tokens_completed") +
                         worlds_value(m, "emitted_tokens_discarded") +
                         worlds_value(m, "emitted_tokens_lost"));
    assert_true(worlds_value(m, "computed_tokens_lost") >= 0);
    assert_int_equal(worlds_value(m, "drafted_tokens"),
                     worlds_value(m, "accepted_tokens") +
                         worlds_value(m, "computed_tokens_rejected"));
    assert_true(worlds_value(m, "lora_downloads") <= worlds_value(m, "lora_loads"));
    double straggled = worlds_share(m, "dp_straggler_share");
    assert_true(straggled >= 0 &&
                straggled + worlds_share(m, "dp_dummy_share") <= 1.000001);
}

/* Runs the world in both ways; `writes`: files, too.  How many steps were not planned
 * by themselves. */
static inline int64_t worlds_try(int64_t world, bool writes, struct metrics *spans)
{
    struct metrics *stepwise = memory_new(1, sizeof *stepwise);
    if (writes) {
        worlds_remove("spans");
        worlds_remove("stepwise");
    }
    int64_t plans = worlds_run(false, writes ? "spans" : NULL, spans);
    int64_t n_steps = worlds_run(true, writes ? "stepwise" : NULL, stepwise);
    bool aborts = worlds_value(spans, "failures") + worlds_value(spans, "reclaims") > 0;
    assert_true(aborts || n_steps == worlds_value(stepwise, "steps"));
    worlds_assert_alike(spans, stepwise, world);
    if (writes) {
        int32_t n_files = worlds_compare("spans", "stepwise", world);
        assert_int_equal(worlds_compare("stepwise", "spans", world), n_files);
        assert_true(n_files >= 5);
    }
    worlds_assert_conserved(spans);
    free(stepwise);
    return worlds_value(spans, "steps") - plans;
}

/* Whether only one world is to run, WORLD in the environment, and it is another. */
static inline bool worlds_passes_over(int64_t world)
{
    const char *only = getenv("WORLD");
    return only != NULL && strtoll(only, NULL, 10) != world;
}

#endif
