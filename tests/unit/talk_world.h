/* talk_world: drawn rows in memory, their texts with them. */
#ifndef SERVESIM_TESTS_TALK_WORLD_H
#define SERVESIM_TESTS_TALK_WORLD_H

#include "input/generate.h"

#include "../support/files.h"

enum { TALK_WORLD_MOST = 30000, TALK_WORLD_PARENTS = 5 };

struct talk_world_row {
    struct trace_row row; /* its texts are the four below */
    char request_id[65];
    char session_id[65];
    char prefix[65];
    char parent_id[65];
    int64_t parents[TALK_WORLD_PARENTS];
    int32_t n_parents;
    char tenant[65];
    int64_t *hash_ids;
};

struct talk_world {
    struct talk_world_row *rows;
    int64_t n;
};

static inline const char *talk_world_copy(char to[65], const char *text)
{
    snprintf(to, 65, "%s", text != NULL ? text : "");
    return text != NULL ? to : NULL;
}

static inline void talk_world_keep(struct talk_world_row *kept,
                                   const struct trace_row *row)
{
    kept->row = *row;
    kept->row.request_id = talk_world_copy(kept->request_id, row->request_id);
    kept->row.session_id = talk_world_copy(kept->session_id, row->session_id);
    kept->row.prefix = talk_world_copy(kept->prefix, row->prefix);
    kept->row.parent_id = talk_world_copy(kept->parent_id, row->parent_id);
    kept->row.tenant = talk_world_copy(kept->tenant, row->tenant);
    for (const char *at = row->parent_id; at != NULL && *at != '\0';) {
        char *end;
        assert_true(kept->n_parents < TALK_WORLD_PARENTS);
        kept->parents[kept->n_parents++] = strtoll(at, &end, 10);
        at = *end == ' ' ? end + 1 : end;
    }
    if (row->hash_ids != NULL) {
        size_t n = (size_t)row->n_hash_ids;
        kept->hash_ids = memory_new(n, sizeof *kept->hash_ids);
        memcpy(kept->hash_ids, row->hash_ids, n * sizeof *kept->hash_ids);
        kept->row.hash_ids = kept->hash_ids;
    }
}

/* All rows of the description at `path`. */
static inline struct talk_world talk_world_draw(const char *path,
                                                const char *const *overrides,
                                                int32_t n_overrides, bool has_blocks)
{
    struct talk_world world = {.rows = memory_new(TALK_WORLD_MOST, sizeof *world.rows)};
    struct arena arena = {NULL};
    struct generate_spec spec;
    struct generate_draw draw;
    struct trace_row row;
    struct err err = {""};
    generate_read(&spec, path, overrides, n_overrides, &arena, &err);
    assert_string_equal(err.text, "");
    generate_start(&draw, &spec);
    draw.has_blocks = has_blocks;
    int got;
    while ((got = generate_next(&draw, &row, &err)) > 0) {
        assert_true(world.n < TALK_WORLD_MOST);
        talk_world_keep(&world.rows[world.n++], &row);
    }
    assert_string_equal(err.text, "");
    assert_int_equal(got, 0);
    generate_stop(&draw);
    memory_arena_free(&arena);
    return world;
}

static inline void talk_world_free(struct talk_world *world)
{
    for (int64_t i = 0; i < world->n; i++) {
        free(world->rows[i].hash_ids);
    }
    free(world->rows);
}

/* The row of the same session that came last before row i, or -1. */
static inline int64_t talk_world_before(const struct talk_world *world, int64_t i)
{
    const struct talk_world_row *row = &world->rows[i];
    int64_t j = row->row.session_id != NULL ? i - 1 : -1;
    while (j >= 0 && (world->rows[j].row.session_id == NULL ||
                      strcmp(world->rows[j].session_id, row->session_id) != 0)) {
        j--;
    }
    return j;
}

#endif
