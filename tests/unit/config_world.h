/* config_world: a configuration from text, in the folder that the program stands in. */
#ifndef SERVESIM_TESTS_CONFIG_WORLD_H
#define SERVESIM_TESTS_CONFIG_WORLD_H

#include "../support/files.h"
#include "input/config.h"
#include "input/config_pool.h"

/* A pool that needs no hardware and no files; LINEAR is three lines. */
#define TRACE_ONLY "[workload]\ntrace = t.csv\n"
#define LINEAR "[pool.main]\ncost = linear\nnum_gpu_blocks = 137\n"
#define HARDWARE "[pool.main]\naccelerator = h100-sxm\nmodel = llama-3.1-8b\n"

struct config_world {
    struct arena arena;
    struct config config;
    struct err err;
};

/* Reads the text as run.ini with one override or none. */
static inline int config_world_read(struct config_world *world, const char *text,
                                    const char *override)
{
    write_file("run.ini", text, strlen(text));
    *world = (struct config_world){0};
    int status = config_read(&world->config, "run.ini", &override, override != NULL,
                             &world->arena, &world->err);
    unlink("run.ini");
    return status;
}

static inline void config_world_free(struct config_world *world)
{
    memory_arena_free(&world->arena);
}

static inline void config_world_must(struct config_world *world, const char *text,
                                     const char *override)
{
    config_world_read(world, text, override);
    assert_string_equal(world->err.text, "");
}

static inline void assert_config_refused(const char *text, const char *override,
                                         const char *sentence)
{
    struct config_world world;
    assert_int_equal(config_world_read(&world, text, override), -1);
    assert_string_equal(world.err.text, sentence);
    config_world_free(&world);
}

/* What config_print() writes; free() it. */
static inline char *config_world_print(const struct config_world *world)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    config_print(&world->config, out);
    fclose(out);
    return text;
}

#endif
