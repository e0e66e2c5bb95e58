/* settings_world: the small configuration that the tests of settings read, in a folder
 * of their own, so that messages say "a.ini".
 */
#ifndef SERVESIM_TESTS_SETTINGS_WORLD_H
#define SERVESIM_TESTS_SETTINGS_WORLD_H

#include "input/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct pool {
    int64_t replicas;
    int64_t timeout_ns;
    int64_t memory_bytes;
    int64_t utilization;
    int64_t chunked;
    int64_t batching;
    const char *trace;
};

struct device {
    int64_t step_fs;
    int64_t link_bytes_per_s;
    int64_t peak_flops;
    int64_t idle_mw;
};

struct config {
    struct pool pool;
    struct device device;
};

static const struct field pool_fields[] = {
    {"replicas", FIELD_COUNT, offsetof(struct pool, replicas), "", NULL, "1", "1m",
     NULL, "how many replicas"},
    {"timeout", FIELD_TIME, offsetof(struct pool, timeout_ns), "ms", "60", "0", NULL,
     NULL, "how long a client waits"},
    {"memory", FIELD_BYTES, offsetof(struct pool, memory_bytes), "GB", "80", "1", NULL,
     NULL, "memory of a device"},
    {"utilization", FIELD_NANO, offsetof(struct pool, utilization), "", "0.9", "0.01",
     "1", NULL, "share of the memory"},
    {"chunked", FIELD_FLAG, offsetof(struct pool, chunked), "", "no", NULL, NULL, NULL,
     "whether prompts are cut"},
    {"batching", FIELD_CHOICE, offsetof(struct pool, batching), "", "unified", NULL,
     NULL, "static|unified|sarathi", "how a step is filled"},
    {"trace", FIELD_TEXT, offsetof(struct pool, trace), "", "", NULL, NULL, NULL,
     "file of requests"},
};

static const struct field device_fields[] = {
    {"step", FIELD_FEMTO, offsetof(struct device, step_fs), "us", "13.7", NULL, NULL,
     NULL, "price of a step"},
    {"link", FIELD_BANDWIDTH, offsetof(struct device, link_bytes_per_s), "GB/s", "450",
     NULL, NULL, NULL, "bandwidth of the link"},
    {"peak", FIELD_FLOPS, offsetof(struct device, peak_flops), "TFLOPS", "989.4", NULL,
     NULL, NULL, "dense peak"},
    {"idle", FIELD_POWER, offsetof(struct device, idle_mw), "W", "70.5", NULL, NULL,
     NULL, "power of an idle device"},
};

static const struct field_table tables[] = {
    {"pool", pool_fields, 7, offsetof(struct config, pool)},
    {"device", device_fields, 4, offsetof(struct config, device)},
};

/* A test's own: its folder is the current one. */
struct world {
    char folder[32];
    struct arena arena;
    struct settings settings;
    struct config config;
    struct err err;
};

static inline int world_begin(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    strcpy(world->folder, "/tmp/settings-XXXXXX");
    *state = world;
    return mkdtemp(world->folder) == NULL || chdir(world->folder) != 0;
}

static inline int world_end(void **state)
{
    struct world *world = *state;
    memory_arena_free(&world->arena);
    unlink("a.ini");
    rmdir("folder");
    int status = chdir("/") != 0 || rmdir(world->folder) != 0;
    free(world);
    return status;
}

static inline int world_read_bytes(struct world *world, const char *bytes,
                                   size_t length)
{
    FILE *file = fopen("a.ini", "w");
    fwrite(bytes, 1, length, file);
    fclose(file);
    world->settings = (struct settings){0};
    return settings_read(&world->settings, "a.ini", &world->arena, &world->err);
}

static inline int world_read_text(struct world *world, const char *text)
{
    return world_read_bytes(world, text, strlen(text));
}

static inline void world_assert_error(struct world *world, const char *text,
                                      const char *sentence)
{
    assert_int_equal(world_read_text(world, text), -1);
    assert_string_equal(world->err.text, sentence);
}

static inline int world_apply(struct world *world, const char *section)
{
    field_defaults(&tables[0], &world->config, &world->arena);
    field_defaults(&tables[1], &world->config, &world->arena);
    return settings_apply(&world->settings, section, tables, 2, &world->config,
                          &world->arena, &world->err);
}

static inline void world_assert_value(struct world *world, const char *section,
                                      const char *key, const char *value, int64_t line)
{
    const struct settings_entry *entry = settings_find(&world->settings, section, key);
    assert_non_null(entry);
    assert_string_equal(entry->value, value);
    assert_int_equal(entry->line, line);
}

/* `before`, n times the letter, `after`. */
static inline char *world_text(struct world *world, const char *before, char letter,
                               int n, const char *after)
{
    char *text = memory_arena_new(&world->arena,
                                  strlen(before) + (size_t)n + strlen(after) + 1, 1);
    strcpy(text, before);
    memset(text + strlen(before), letter, (size_t)n);
    strcat(text, after);
    return text;
}

static inline int world_override(struct world *world, const char *text)
{
    return settings_override(&world->settings, text, &world->arena, &world->err);
}

#endif
