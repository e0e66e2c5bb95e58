/* changes: runs whose files are read again, and the rows of events.csv.  Behind cmocka.h. */
#ifndef SERVESIM_TESTS_SUPPORT_CHANGES_H
#define SERVESIM_TESTS_SUPPORT_CHANGES_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "study/run.h"

enum { MOST_BYTES = 1 << 22 };

/* Runs the world with every invariant checked after every instant. */
static inline void run_world(bool stepwise, const char *folder, struct metrics *metrics)
{
    struct arena arena = {0};
    struct config config;
    struct err err = {""};
    struct run_options options = {
        .stepwise = stepwise, .verify = true, .overwrite = true, .folder = folder};
    if (config_read(&config, "config.ini", NULL, 0, &arena, &err) != 0 ||
        run_config(&config, &options, metrics, &err) != 0) {
        fail_msg("%s", err.text);
    }
    memory_arena_free(&arena);
}

static inline int64_t value(const struct metrics *metrics, const char *name)
{
    bool is_there = metrics_find(metrics, name) != NULL;
    return is_there ? strtoll(metrics_value(metrics, name), NULL, 10) : 0;
}

/* The file's text; empty if there is none. */
static inline char *contents(const char *folder, const char *file)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    char *text = memory_new(MOST_BYTES, 1);
    FILE *in = fopen(path, "r");
    if (in != NULL) {
        assert_true(fread(text, 1, MOST_BYTES - 1, in) < MOST_BYTES - 1);
        fclose(in);
    }
    return text;
}

static inline void remove_results(const char *folder)
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

/* A row of events.csv. */
struct change {
    char at[40];
    char pool[40];
    int64_t replica;
    char rest[80];
};

static inline bool next_change(const char **text, struct change *change)
{
    const char *end = strchr(*text, '\n');
    if (end == NULL) {
        return false;
    }
    long long replica;
    assert_int_equal(sscanf(*text, "%39[^,],%39[^,],%lld,%79[^\n]", change->at,
                            change->pool, &replica, change->rest),
                     4);
    change->replica = replica;
    *text = end + 1;
    return true;
}

#endif
