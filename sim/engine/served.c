#include "engine/served.h"

#include <string.h>

#include "base/check.h"

static const char blanks[] = " \t";

static uint64_t bit(int32_t pool)
{
    return UINT64_C(1) << pool;
}

int32_t served_number(const struct served_names *names, const char *name)
{
    if (name == NULL || name[0] == '\0') {
        return 0;
    }
    for (int32_t i = 0; i < names->n; i++) {
        if (strcmp(names->names[i], name) == 0) {
            return i + 1;
        }
    }
    return names->n + 1;
}

static void init_names(struct served_names *names, int64_t most, struct arena *arena)
{
    names->names = ARENA_NEW(arena, most + 1, const char *);
    names->pools = ARENA_NEW(arena, most + 2, uint64_t);
}

/* The pool serves requests with the name. */
static void add(struct served_names *names, const char *name, int32_t pool)
{
    int32_t number = served_number(names, name);
    if (number > names->n) {
        names->names[names->n++] = name;
    }
    names->pools[number] |= bit(pool);
}

/* The pool serves requests whatever their name is. */
static void add_any(struct served_names *any, int32_t pool)
{
    any->pools[0] |= bit(pool);
}

/* Pools that take any name serve all of them; who names none is everybody's. */
static void settle(struct served_names *names, int32_t n_pools)
{
    uint64_t any = names->pools[0];
    for (int32_t i = 1; i <= names->n + 1; i++) {
        names->pools[i] |= any;
    }
    for (int32_t i = 0; i < n_pools; i++) {
        names->pools[0] |= bit(i);
    }
}

/* Reads "chat, batch". */
static int read_classes(struct served_names *names, const char *classes, int32_t pool,
                        struct arena *arena, struct err *err)
{
    const char *at = classes;
    for (;;) {
        at += strspn(at, blanks);
        size_t length = strcspn(at, ",");
        const char *behind = at + length;
        while (length > 0 && strchr(blanks, at[length - 1]) != NULL) {
            length--;
        }
        if (length == 0) {
            return err_set(err, "'%s' is not a list of names such as chat, batch",
                           classes);
        }
        char *name = memory_arena_text(arena, at);
        name[length] = '\0';
        int32_t number = served_number(names, name);
        if (number <= names->n && (names->pools[number] & bit(pool)) != 0) {
            return err_set(err, "'%s' names '%s' twice", classes, name);
        }
        add(names, name, pool);
        if (*behind == '\0') {
            return 0;
        }
        at = behind + 1;
    }
}

static int64_t count_names(const char *classes)
{
    int64_t n = 1;
    for (const char *at = classes; *at != '\0'; at++) {
        n += *at == ',';
    }
    return n;
}

int served_init(struct served *served, const struct served_keys *keys, int32_t n_pools,
                struct arena *arena, int32_t *faulty, struct err *err)
{
    CHECK(n_pools <= SERVED_MOST_POOLS);
    int64_t most_classes = 0;
    *served = (struct served){0};
    for (int32_t i = 0; i < n_pools; i++) {
        most_classes += count_names(keys[i].classes);
    }
    init_names(&served->models, n_pools, arena);
    init_names(&served->classes, most_classes, arena);
    for (int32_t i = 0; i < n_pools; i++) {
        if (keys[i].model[0] != '\0') {
            add(&served->models, keys[i].model, i);
        } else {
            add_any(&served->models, i);
        }
        if (keys[i].classes[0] == '\0') {
            add_any(&served->classes, i);
        } else if (read_classes(&served->classes, keys[i].classes, i, arena, err) !=
                   0) {
            *faulty = i;
            return -1;
        }
    }
    settle(&served->models, n_pools);
    settle(&served->classes, n_pools);
    return 0;
}
