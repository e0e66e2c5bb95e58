#include "engine/draft.h"

#include "engine/replica.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Tokens that the request may still have beside the one that it decodes next. */
static int64_t left_of(const struct request *request)
{
    int64_t left = request->max_new_tokens - request->n_emitted - 1;
    return left > 0 ? left : 0;
}

static int64_t acceptance_of(const struct request *request)
{
    return request->has_acceptance ? request->acceptance_nano : -1;
}

/* Adds what the passes of drafting take. */
static void add_passes(const struct replica *replica,
                       const struct speculative_passes *passes, int64_t n_drafts,
                       struct step_price *price)
{
    struct step_price more = {0};
    speculative_price(replica->draft.of, passes, n_drafts, &more);
    for (int i = 0; i < N_BOUNDS; i++) {
        price->fs[i] += slow_fs(replica->slow_nano, more.fs[i]);
    }
}

/* A step of all running decodes with up to `most` drafted tokens each. */
struct outlook {
    wide fs;
    wide tokens_nano; /* that come out of it in the mean */
};

static struct outlook look_out(const struct replica *replica, int64_t most)
{
    const struct speculative *of = replica->draft.of;
    const struct cost *cost = replica->cost;
    struct outlook outlook = {0};
    struct step_counts counts = {0};
    struct speculative_passes passes = {0};
    for (const struct request *r = replica->running.first; r != NULL; r = r->next) {
        if (batch_decodes(replica, r)) {
            int64_t n_drafts = least(most, left_of(r));
            cost_count_decode(cost, &counts, r->computed_tokens, 1 + n_drafts);
            speculative_add_decode(of, &passes, r->computed_tokens, n_drafts);
            outlook.tokens_nano +=
                speculative_expected_nano(of, acceptance_of(r), n_drafts);
        }
    }
    struct step_price price;
    cost_price(cost, &counts, &price);
    add_passes(replica, &passes, counts.draft_tokens, &price);
    outlook.fs = cost_sum_fs(&price);
    return outlook;
}

void draft_choose(struct replica *replica)
{
    struct draft *draft = &replica->draft;
    if (draft->of == NULL) {
        return;
    }
    int64_t n_tokens = draft->of->config->n_tokens;
    if (!draft->of->config->adaptive) {
        draft->most = n_tokens;
        return;
    }
    struct outlook best = look_out(replica, 0);
    draft->most = 0;
    for (int64_t k = 1; k <= n_tokens; k++) {
        struct outlook at = look_out(replica, k);
        if (at.fs * best.tokens_nano < best.fs * at.tokens_nano) {
            best = at;
            draft->most = k;
        }
    }
}

int64_t draft_room(const struct replica *replica, const struct request *request)
{
    if (replica->draft.of == NULL || request->place != REQUEST_RUNNING ||
        !batch_decodes(replica, request)) {
        return 0;
    }
    return least(replica->draft.most, left_of(request));
}

void draft_price(const struct replica *replica, bool with_chunks,
                 struct step_price *price, struct work *work)
{
    const struct speculative *of = replica->draft.of;
    if (of == NULL) {
        return;
    }
    struct speculative_passes passes = {0};
    int64_t n_drafts = 0;
    for (int64_t i = 0; i < replica->n_grants; i++) {
        const struct replica_grant *grant = &replica->grants[i];
        int64_t before = grant->request->computed_tokens;
        if (grant->decode) {
            n_drafts += grant->tokens - 1;
            speculative_add_decode(of, &passes, before, grant->tokens - 1);
        } else if (with_chunks) {
            speculative_add_chunk(of, &passes, before, grant->tokens);
        }
    }
    add_passes(replica, &passes, n_drafts, price);
    *work = speculative_work(of, &passes);
}

int64_t draft_accept(struct replica *replica, const struct request *request,
                     int64_t n_drafts)
{
    const int64_t nano = 1000000000;
    struct draft *draft = &replica->draft;
    int64_t own = acceptance_of(request);
    int64_t n_right = 0;
    for (; n_right < n_drafts; n_right++) {
        int64_t share = own >= 0 ? own : draft->of->acceptance_nano[n_right];
        if (rng_below(draft->draws, nano) >= share) {
            break;
        }
    }
    int64_t kept = least(n_right, request->output_tokens - request->n_emitted - 1);
    draft->n_drafted += n_drafts;
    draft->n_accepted += kept;
    draft->n_verified += n_drafts > 0;
    return kept;
}
