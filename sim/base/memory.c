#include "base/memory.h"

#include "base/check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct memory_chunk {
    struct memory_chunk *before;
    max_align_t bytes[];
};

/* Never returns NULL: an allocation of zero bytes is one of one. */
static void *or_exit(void *block)
{
    if (block == NULL) {
        fputs("servesim: out of memory\n", stderr);
        exit(1);
    }
    return block;
}

void *memory_new(size_t count, size_t size)
{
    return or_exit(calloc(count > 0 ? count : 1, size));
}

void *memory_grow(void *block, size_t count, size_t size)
{
    if (size != 0 && count > (size_t)-1 / size) {
        return or_exit(NULL);
    }
    return or_exit(realloc(block, count * size > 0 ? count * size : 1));
}

char *memory_copy(const char *text, size_t length)
{
    char *copy = memory_new(length + 1, 1);
    memcpy(copy, text, length);
    return copy;
}

void *memory_arena_new(struct arena *arena, size_t count, size_t size)
{
    CHECK(size == 0 || count <= PTRDIFF_MAX / size);
    size_t bytes = count * size;
    struct memory_chunk *chunk = memory_new(1, sizeof *chunk + bytes);
    chunk->before = arena->last;
    arena->last = chunk;
    return chunk->bytes;
}

char *memory_arena_text(struct arena *arena, const char *text)
{
    size_t length = strlen(text);
    char *copy = memory_arena_new(arena, length + 1, 1);
    memcpy(copy, text, length);
    return copy;
}

void memory_arena_free(struct arena *arena)
{
    while (arena->last != NULL) {
        struct memory_chunk *before = arena->last->before;
        free(arena->last);
        arena->last = before;
    }
}
