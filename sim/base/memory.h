/* memory: allocation that cannot fail, and the arena.
 *
 * Zero memory left is one sentence and exit 1, so no caller tests for NULL.  What lives
 * as long as a run comes from its arena and is freed with it in one go.
 */
#ifndef SERVESIM_BASE_MEMORY_H
#define SERVESIM_BASE_MEMORY_H

#include <stddef.h>

/* `count` zeroed elements of `size` bytes; free() them. */
void *memory_new(size_t count, size_t size);

/* `block` with room for `count` elements of `size` bytes; what is new is not zeroed. */
void *memory_grow(void *block, size_t count, size_t size);

/* A copy of `text` (or of its first `length` bytes); free() it. */
char *memory_copy(const char *text, size_t length);

struct memory_chunk;

struct arena {
    struct memory_chunk *last;
};

/* A zeroed arena is empty and ready. Zeroed, aligned memory that lives with the arena. */
void *memory_arena_new(struct arena *arena, size_t count, size_t size);

/* A copy of `text` that lives with the arena. */
char *memory_arena_text(struct arena *arena, const char *text);

/* Frees everything at once; the arena is empty and ready again. */
void memory_arena_free(struct arena *arena);

#define ARENA_NEW(arena, count, type) \
    ((type *)memory_arena_new(arena, (size_t)(count), sizeof(type)))

#endif
