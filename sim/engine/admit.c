#include "engine/admit.h"

#define AT(member) offsetof(struct admit_config, member)

const struct field admit_fields[ADMIT_FIELDS] = {
    {"rate_rps", FIELD_NANO, AT(rate_nano), "", "0", "0", "1000000000", NULL,
     "requests per second that the gateway lets in; 0: all"},
    {"burst", FIELD_COUNT, AT(burst), "", "1", "1", "1000000000", NULL,
     "requests that may come at once under rate_rps: the size of its token bucket"},
    {"tokens_per_s", FIELD_COUNT, AT(tokens_per_s), "", "0", "0", "1000000000", NULL,
     "prompt tokens per second that the gateway lets in; 0: all"},
    {"token_burst", FIELD_COUNT, AT(token_burst), "", "100000", "1", "1000000000", NULL,
     "prompt tokens that may come at once under tokens_per_s"},
    {"max_queue", FIELD_COUNT, AT(max_queue), "", "0", "0", "1000000000", NULL,
     "requests that may wait in the whole fleet; 0: any number"},
    {"low_priority", FIELD_COUNT, AT(low_priority), "", "1", "0", "2147483647", NULL,
     "requests with this priority number or a higher one are shed first"},
    {"low_priority_share", FIELD_NANO, AT(low_share_nano), "", "1", "0", "1", NULL,
     "share of max_queue from which on those are shed"},
    {"shed_late", FIELD_FLAG, AT(shed_late), "", "no", NULL, NULL, NULL,
     "shed a request that cannot get its first token before its deadline"},
};

/* A request is 10^18 units, a prompt token 10^9, so that rates per ns are integers. */
static const int64_t request_units = 1000000000000000000;
static const int64_t token_units = 1000000000;

void admit_init(struct admit *admit, const struct admit_config *config)
{
    *admit = (struct admit){.config = config};
    if (config != NULL) {
        admit->requests.rate = config->rate_nano;
        admit->requests.full = (wide)config->burst * request_units;
        admit->requests.level = admit->requests.full;
        admit->tokens.rate = config->tokens_per_s;
        admit->tokens.full = (wide)config->token_burst * token_units;
        admit->tokens.level = admit->tokens.full;
    }
}

static void fill(struct admit_bucket *bucket, int64_t now_ns)
{
    bucket->level += (wide)bucket->rate * (now_ns - bucket->at_ns);
    bucket->at_ns = now_ns;
    if (bucket->level > bucket->full) {
        bucket->level = bucket->full;
    }
}

enum request_reason admit_check(struct admit *admit, const struct request *request,
                                int64_t n_waiting, int64_t now_ns)
{
    const struct admit_config *config = admit->config;
    if (config == NULL) {
        return REASON_NONE;
    }
    fill(&admit->requests, now_ns);
    fill(&admit->tokens, now_ns);
    wide tokens = (wide)request->prompt_tokens * token_units;
    if (tokens > admit->tokens.full) {
        tokens = admit->tokens.full;
    }
    if (config->rate_nano > 0 && admit->requests.level < request_units) {
        return REASON_RATE_LIMIT;
    }
    if (config->tokens_per_s > 0 && admit->tokens.level < tokens) {
        return REASON_TOKEN_LIMIT;
    }
    if (config->max_queue > 0 && n_waiting >= config->max_queue) {
        return REASON_QUEUE_FULL;
    }
    wide low = (wide)config->max_queue * config->low_share_nano;
    if (config->max_queue > 0 && request->priority >= config->low_priority &&
        (wide)n_waiting * 1000000000 >= low) {
        return REASON_PRIORITY;
    }
    admit->requests.level -= config->rate_nano > 0 ? request_units : 0;
    admit->tokens.level -= config->tokens_per_s > 0 ? tokens : 0;
    return REASON_NONE;
}
