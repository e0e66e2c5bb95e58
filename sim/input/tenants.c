#include "input/tenants.h"

#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct tenants_class, member)

static const struct field fields[] = {
    {"weight", FIELD_NANO, AT(weight_nano), "", "1", "0.000001", "1000000", NULL,
     "share of the service that it is due, beside others' (order = vtc)"},
    {"deadline_ms", FIELD_TIME, AT(deadline_ns), "ms", "0", "0", "1000000000", NULL,
     "when its requests should be done, after their arrival (order = edf); 0: none"},
    {"acceptance", FIELD_TEXT, AT(acceptance), "", "", NULL, NULL, NULL,
     "probability that a token drafted for it is right; nothing: as [speculative] "
     "says"},
};

const struct field_table tenants_table = {
    .name = "tenant",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};

static const char prefix[] = "tenant.";

static int read_acceptance(struct tenants_class *class, const struct settings *settings,
                           const char *section, struct err *err)
{
    struct err reason;
    if (class->acceptance[0] == '\0' ||
        speculative_read_probability(class->acceptance, &class->acceptance_nano,
                                     &reason) == 0) {
        return 0;
    }
    return settings_refuse(settings_find(settings, section, "acceptance"), reason.text,
                           err);
}

int tenants_read(struct tenants_config *config, struct settings *settings,
                 struct arena *arena, struct err *err)
{
    const struct settings_section *at = NULL;
    while ((at = settings_next(settings, prefix, at)) != NULL) {
        config->n++;
    }
    config->classes = ARENA_NEW(arena, (size_t)config->n + 1, struct tenants_class);
    for (int32_t i = 0; (at = settings_next(settings, prefix, at)) != NULL; i++) {
        struct tenants_class *class = &config->classes[i];
        class->name = memory_arena_text(arena, at->name + strlen(prefix));
        field_defaults(&tenants_table, class, arena);
        if (settings_apply(settings, at->name, &tenants_table, 1, class, arena, err) !=
                0 ||
            read_acceptance(class, settings, at->name, err) != 0) {
            return -1;
        }
        settings_use_section(settings, at->name);
    }
    return 0;
}

void tenants_print(const struct tenants_config *config, FILE *out)
{
    for (int32_t i = 0; i < config->n; i++) {
        fprintf(out, "\n[%s%s]\n", prefix, config->classes[i].name);
        settings_print(out, &tenants_table, &config->classes[i]);
    }
}

struct seen {
    char *name;
    const struct tenants_class *class; /* NULL: no section */
    int32_t next;                      /* in the bucket; -1: the last */
};

struct tenants {
    const struct tenants_config *config;
    int64_t default_deadline_ns;
    struct seen *seen;
    int32_t n;
    int32_t room;
    int32_t *buckets;
    int32_t n_buckets; /* a power of two */
    int32_t last;      /* who was found last: often the next one, too */
};

static void hash_all(struct tenants *tenants, int32_t n_buckets);

struct tenants *tenants_new(const struct tenants_config *config,
                            int64_t default_deadline_ns)
{
    enum { BUCKETS = 64 };
    struct tenants *tenants = memory_new(1, sizeof *tenants);
    tenants->config = config;
    tenants->default_deadline_ns = default_deadline_ns;
    hash_all(tenants, BUCKETS);
    return tenants;
}

void tenants_free(struct tenants *tenants)
{
    for (int32_t i = 0; i < tenants->n; i++) {
        free(tenants->seen[i].name);
    }
    free(tenants->seen);
    free(tenants->buckets);
    free(tenants);
}

/* FNV-1a, 32 bits (Fowler, Noll and Vo). */
static uint32_t hash_of(const char *name, size_t length)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)name[i]) * 16777619U;
    }
    return hash;
}

static void chain(struct tenants *tenants, int32_t i)
{
    const char *name = tenants->seen[i].name;
    uint32_t bucket = hash_of(name, strlen(name)) & (uint32_t)(tenants->n_buckets - 1);
    tenants->seen[i].next = tenants->buckets[bucket];
    tenants->buckets[bucket] = i;
}

static void hash_all(struct tenants *tenants, int32_t n_buckets)
{
    free(tenants->buckets);
    tenants->n_buckets = n_buckets;
    tenants->buckets = memory_new((size_t)n_buckets, sizeof *tenants->buckets);
    for (int32_t i = 0; i < n_buckets; i++) {
        tenants->buckets[i] = -1;
    }
    for (int32_t i = 0; i < tenants->n; i++) {
        chain(tenants, i);
    }
}

static int32_t add(struct tenants *tenants, const char *name, size_t length)
{
    if (tenants->n == tenants->room) {
        tenants->room = tenants->room * 2 + 16;
        tenants->seen =
            memory_grow(tenants->seen, (size_t)tenants->room, sizeof *tenants->seen);
    }
    struct seen *seen = &tenants->seen[tenants->n];
    *seen = (struct seen){.name = memory_copy(name, length)};
    for (int32_t i = 0; i < tenants->config->n; i++) {
        if (strcmp(tenants->config->classes[i].name, seen->name) == 0) {
            seen->class = &tenants->config->classes[i];
        }
    }
    if (tenants->n == tenants->n_buckets) {
        hash_all(tenants, tenants->n_buckets * 2);
    }
    chain(tenants, tenants->n);
    return tenants->n++;
}

static bool is_named(const struct seen *seen, const char *name, size_t length)
{
    return strncmp(seen->name, name, length) == 0 && seen->name[length] == '\0';
}

/* The number of the tenant, which may be new. */
static int32_t find(struct tenants *tenants, const char *name, size_t length)
{
    if (tenants->n > 0 && is_named(&tenants->seen[tenants->last], name, length)) {
        return tenants->last;
    }
    uint32_t bucket = hash_of(name, length) & (uint32_t)(tenants->n_buckets - 1);
    for (int32_t i = tenants->buckets[bucket]; i >= 0; i = tenants->seen[i].next) {
        if (is_named(&tenants->seen[i], name, length)) {
            return tenants->last = i;
        }
    }
    return tenants->last = add(tenants, name, length);
}

void tenants_describe(struct tenants *tenants, struct sim_arrival *arrival)
{
    const char *name = "";
    if (arrival->labels != NULL) {
        name = strchr(arrival->labels, SIM_LABEL_SEPARATOR) + 1;
    }
    arrival->tenant = find(tenants, name, strcspn(name, "\n"));
    const struct tenants_class *class = tenants->seen[arrival->tenant].class;
    arrival->weight_nano = class != NULL ? class->weight_nano : 1000000000;
    arrival->has_acceptance = class != NULL && class->acceptance[0] != '\0';
    arrival->acceptance_nano = class != NULL ? class->acceptance_nano : 0;
    if (arrival->deadline_ns < 0 && class != NULL && class->deadline_ns > 0) {
        arrival->deadline_ns = class->deadline_ns;
    }
    if (arrival->deadline_ns < 0) {
        arrival->deadline_ns = tenants->default_deadline_ns;
    }
}
