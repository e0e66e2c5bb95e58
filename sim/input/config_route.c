#include "input/config_route.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "policy/policy.h"

#define AT(member) offsetof(struct route_config, member)

const struct field config_route_fields[CONFIG_ROUTE_FIELDS] = {
    {"policy", FIELD_TEXT, AT(policy), "", "round_robin", NULL, NULL, NULL,
     "router: see 'servesim list route'"},
    {"decode_policy", FIELD_TEXT, AT(decode_policy), "", "least_kv", NULL, NULL, NULL,
     "router that picks the decode replica of a request whose prompt is computed "
     "elsewhere"},
    {"staleness", FIELD_TIME, AT(staleness_ns), "s", "0", "0", "1000000000", NULL,
     "the router sees replicas as just before the last multiple of this; 0: as they "
     "are"},
    {"count_own", FIELD_FLAG, AT(count_own), "", "yes", NULL, NULL, NULL,
     "and what it has sent since"},
    {"hold_timeout", FIELD_TIME, AT(hold_timeout_ns), "s", "300", "0.001", "1000000000",
     NULL, "a request fails that no replica could take for so long"},
    {"balance_abs", FIELD_COUNT, AT(balance_abs), "", "32", "0", "1000000000", NULL,
     "prefix_affinity: loads are uneven if they differ by more requests than this"},
    {"balance_rel", FIELD_NANO, AT(balance_rel_nano), "", "1.0001", "0", "1000000",
     NULL, "and the greatest is more than this times the least"},
    {"cache_threshold", FIELD_NANO, AT(cache_threshold_nano), "", "0.5", "0", "1", NULL,
     "prefix_affinity: share of the prompt that must be known, or the least loaded "
     "replica gets it"},
    {"prefix_index_blocks", FIELD_COUNT, AT(prefix_index_blocks), "", "262144", "1",
     "100000000", NULL, "prefix_affinity: blocks of prompts that the router remembers"},
    {"prefix_block_tokens", FIELD_COUNT, AT(prefix_block_tokens), "", "16", "1",
     "1000000", NULL, "and tokens of one"},
    {"w_queue", FIELD_NANO, AT(w_queue_nano), "", "2", "0", "1000000", NULL,
     "weighted: weight of 1 - waiting requests / the most anybody has"},
    {"w_kv", FIELD_NANO, AT(w_kv_nano), "", "2", "0", "1000000", NULL,
     "weighted: weight of the share of the KV cache that is free"},
    {"w_prefix", FIELD_NANO, AT(w_prefix_nano), "", "3", "0", "1000000", NULL,
     "weighted: weight of the share of the prompt's blocks in the prefix cache"},
    {"w_adapter", FIELD_NANO, AT(w_adapter_nano), "", "1", "0", "1000000", NULL,
     "weighted: weight of having the request's adapter loaded"},
};

int config_route_served(const struct config *config, struct served *served,
                        struct arena *arena, int32_t *faulty, struct err *err)
{
    struct served_keys keys[SERVED_MOST_POOLS];
    CHECK(config->n_pools <= SERVED_MOST_POOLS);
    for (int32_t i = 0; i < config->n_pools; i++) {
        keys[i] = (struct served_keys){.model = config->pools[i].served_model,
                                       .classes = config->pools[i].classes};
    }
    return served_init(served, keys, config->n_pools, arena, faulty, err);
}

static int check_policy(const struct settings *settings, const char *key,
                        const char *name, struct err *err)
{
    char known[POLICY_NAMES];
    char reason[2 * POLICY_NAMES];
    if (policy_route(name) != NULL) {
        return 0;
    }
    policy_route_names(known);
    snprintf(reason, sizeof reason, "'%.100s' is not known (expected one of %s)", name,
             known);
    return settings_refuse(settings_find(settings, "route", key), reason, err);
}

int config_route_check(const struct config *config, const struct settings *settings,
                       struct arena *arena, struct err *err)
{
    if (check_policy(settings, "policy", config->route.policy, err) != 0 ||
        check_policy(settings, "decode_policy", config->route.decode_policy, err) !=
            0) {
        return -1;
    }
    struct served served;
    struct err reason;
    int32_t faulty = 0;
    if (config_route_served(config, &served, arena, &faulty, &reason) == 0) {
        return 0;
    }
    char section[100];
    snprintf(section, sizeof section, "pool.%.90s", config->pools[faulty].name);
    return settings_refuse(settings_find(settings, section, "classes"), reason.text,
                           err);
}

/* "any model", "no model", "model llama"; names that no pool knows are "other models". */
static void print_name(const struct served_names *names, int32_t number,
                       const char *kind, const char *plural, FILE *out)
{
    if (names->n == 0) {
        fprintf(out, "any %s", kind);
    } else if (number == 0) {
        fprintf(out, "no %s", kind);
    } else if (number <= names->n) {
        fprintf(out, "%s %s", kind, names->names[number - 1]);
    } else {
        fprintf(out, "other %s", plural);
    }
}

static void print_pools(const struct config *config, uint64_t pools, FILE *out)
{
    const char *between = ": ";
    if (pools == 0) {
        fputs(": nobody", out);
    }
    for (int32_t i = 0; i < config->n_pools; i++) {
        if ((pools >> i & 1) != 0) {
            fprintf(out, "%s%s", between, config->pools[i].name);
            between = ", ";
        }
    }
    fputs("\n", out);
}

void config_route_print(const struct config *config, FILE *out)
{
    struct served served;
    struct arena arena = {0};
    struct err err;
    int32_t faulty;
    int status = config_route_served(config, &served, &arena, &faulty, &err);
    CHECK(status == 0); /* as it was when the configuration was read */
    int32_t n_models = served.models.n;
    int32_t n_classes = served.classes.n;
    if (config->n_pools > 1 || n_models + n_classes > 0) {
        fputs("\n; who serves requests that name\n", out);
        for (int32_t i = 0; i < (n_models > 0 ? n_models + 2 : 1); i++) {
            for (int32_t j = 0; j < (n_classes > 0 ? n_classes + 2 : 1); j++) {
                print_name(&served.models, i, "model", "models", out);
                fputs(", ", out);
                print_name(&served.classes, j, "class", "classes", out);
                print_pools(config, served_pools(&served, i, j), out);
            }
        }
    }
    memory_arena_free(&arena);
}
