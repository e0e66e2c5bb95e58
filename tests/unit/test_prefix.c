#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "engine/kv.h"

#include <stdlib.h>

enum { BLOCK = 4, MOST_BLOCKS = 41, MOST_CHAINS = 13 };

static struct kv new_kv(int64_t n_blocks)
{
    return (struct kv){.block_tokens = BLOCK,
                       .total_blocks = n_blocks,
                       .free_blocks = n_blocks,
                       .prefix = prefix_new(BLOCK, n_blocks)};
}

static struct prefix_chain *new_chain(int64_t id, int64_t tokens)
{
    struct prefix_part *part = memory_new(1, sizeof *part);
    *part = (struct prefix_part){.id = id, .tokens = tokens};
    return prefix_chain_new(part, 1, tokens);
}

static int64_t hits(struct kv *kv, struct prefix_chain *chain)
{
    prefix_find(kv->prefix, chain, (chain->prompt_tokens - 1) / BLOCK);
    return chain->n_hits;
}

/* Takes what is known and the rest of the prompt's blocks. */
static void admit(struct kv *kv, struct prefix_chain *chain)
{
    int64_t n_hits = hits(kv, chain);
    kv_hold(kv, chain);
    kv_take(kv, kv_blocks(kv, chain->prompt_tokens) - n_hits);
    prefix_fill(kv->prefix, chain, chain->prompt_tokens);
}

static void give(struct kv *kv, struct prefix_chain *chain)
{
    prefix_settle(kv->prefix);
    kv_give(kv, kv_blocks(kv, chain->prompt_tokens), chain);
}

static void a_prompt_that_was_filled_in_this_step_is_a_hit(void **state)
{
    (void)state;
    struct kv kv = new_kv(37);
    struct prefix_chain *a = new_chain(4099, 13);
    struct prefix_chain *b = new_chain(4099, 11);
    struct prefix_chain *other = new_chain(4098, 13);
    admit(&kv, a);
    assert_int_equal(hits(&kv, b), 2);
    assert_int_equal(b->n_free_hits, 0);
    assert_int_equal(hits(&kv, other), 0);
    admit(&kv, b); /* shares two blocks, has its third for itself */
    assert_int_equal(kv_used(&kv), 5);
    give(&kv, a);
    assert_int_equal(kv_used(&kv), 3);
    give(&kv, b);
    assert_int_equal(kv_used(&kv), 0);
    prefix_chain_free(a);
    prefix_chain_free(b);
    prefix_chain_free(other);
    prefix_free(kv.prefix);
}

static void a_hit_leaves_the_last_token_to_compute(void **state)
{
    (void)state;
    struct kv kv = new_kv(37);
    struct prefix_chain *a = new_chain(7, 12);
    admit(&kv, a);
    give(&kv, a);
    assert_int_equal(hits(&kv, a), 2); /* of three full blocks */
    assert_int_equal(a->n_free_hits, 2);
    struct prefix_chain *longer = new_chain(7, 13);
    assert_int_equal(hits(&kv, longer), 3);
    prefix_chain_free(a);
    prefix_chain_free(longer);
    prefix_free(kv.prefix);
}

static void the_last_block_of_who_left_first_is_forgotten_first(void **state)
{
    (void)state;
    struct kv kv = new_kv(7);
    struct prefix_chain *a = new_chain(1, 13); /* three full blocks and one token */
    struct prefix_chain *b = new_chain(2, 9);
    admit(&kv, a);
    admit(&kv, b);
    give(&kv, a);
    give(&kv, b);
    /* the queue: a's partial, a 3, a 2, a 1, b's partial, b 2, b 1 */
    assert_int_equal(prefix_blank(kv.prefix), 1);
    kv_take(&kv, 2);
    assert_int_equal(hits(&kv, a), 2);
    kv_take(&kv, 1);
    assert_int_equal(hits(&kv, a), 1);
    kv_take(&kv, 2);
    assert_int_equal(hits(&kv, a), 0);
    assert_int_equal(hits(&kv, b), 2);
    kv_take(&kv, 2);
    assert_int_equal(hits(&kv, b), 0);
    prefix_chain_free(a);
    prefix_chain_free(b);
    prefix_free(kv.prefix);
}

static void blocks_put_back_are_remembered(void **state)
{
    (void)state;
    struct kv kv = new_kv(2);
    struct prefix_chain *a = new_chain(1, 8);
    struct prefix_chain *longer = new_chain(1, 9);
    admit(&kv, a);
    give(&kv, a);
    kv_take_ahead(&kv, 2);
    assert_int_equal(kv_used(&kv), 2);
    kv_put_back(&kv, 1);
    assert_int_equal(hits(&kv, longer), 1); /* the second block was the first to go */
    prefix_chain_free(a);
    prefix_chain_free(longer);
    prefix_free(kv.prefix);
}

static void prompts_of_several_parts_share_the_parts_that_are_equal(void **state)
{
    (void)state;
    struct kv kv = new_kv(37);
    struct prefix_part *parts[2];
    struct prefix_chain *chains[2];
    for (int i = 0; i < 2; i++) { /* 6 tokens of text 7, then texts of their own */
        parts[i] = memory_new(2, sizeof *parts[i]);
        parts[i][0] = (struct prefix_part){.id = 7, .tokens = i == 0 ? 6 : 10};
        parts[i][1] = (struct prefix_part){.id = 41 + i, .tokens = 13};
        chains[i] = prefix_chain_new(parts[i], 2, 19);
    }
    admit(&kv, chains[0]);
    assert_int_equal(hits(&kv, chains[1]), 1); /* the second block has 2 tokens of 41 */
    prefix_chain_free(chains[0]);
    prefix_chain_free(chains[1]);
    prefix_free(kv.prefix);
}

static void an_answer_is_known_if_the_text_goes_on_in_it(void **state)
{
    (void)state;
    for (int goes_on = 0; goes_on < 2; goes_on++) {
        struct kv kv = new_kv(37);
        struct prefix_part *part = memory_new(1, sizeof *part);
        *part = (struct prefix_part){.id = 7, .tokens = goes_on ? 17 : 6};
        struct prefix_chain *turn = prefix_chain_new(part, 1, 6);
        struct prefix_chain *next = new_chain(7, 41);
        admit(&kv, turn);
        prefix_settle(kv.prefix);
        kv_take(&kv, 2); /* for ten tokens more, the last of them without KV */
        prefix_fill_answer(kv.prefix, turn, 15);
        prefix_settle(kv.prefix);
        kv_give(&kv, 4, turn);
        assert_int_equal(kv_used(&kv), 0);
        assert_int_equal(hits(&kv, next), goes_on ? 3 : 1);
        prefix_chain_free(turn);
        prefix_chain_free(next);
        prefix_free(kv.prefix);
    }
}

static void who_gives_way_at_once_has_filled_nothing(void **state)
{
    (void)state;
    struct kv kv = new_kv(37);
    struct prefix_chain *a = new_chain(1, 13);
    struct prefix_chain *b = new_chain(2, 9);
    struct prefix_chain *again = new_chain(1, 13);
    admit(&kv, a);
    admit(&kv, b);
    hits(&kv, again); /* settles */
    struct prefix_chain *c = new_chain(3, 13);
    admit(&kv, c);
    kv_give(&kv, 4, c);
    prefix_chain_free(c); /* swapped out, as it were */
    c = new_chain(3, 13);
    assert_int_equal(hits(&kv, c), 0);
    assert_int_equal(hits(&kv, again), 3);
    give(&kv, a);
    give(&kv, b);
    prefix_chain_free(a);
    prefix_chain_free(b);
    prefix_chain_free(c);
    prefix_chain_free(again);
    prefix_free(kv.prefix);
}

/* The same with every block by its number: content[] is text x 1000 + block of the text,
 * or -1; who is known says known[]. */
struct naive {
    int64_t queue[MOST_BLOCKS];
    int64_t n_free;
    int64_t content[MOST_BLOCKS];
    bool known[MOST_BLOCKS];
    int64_t holders[MOST_BLOCKS];
};

struct member {
    struct prefix_chain *chain;
    int64_t text;
    int64_t blocks[MOST_BLOCKS];
    int64_t n;
    bool is_in;
};

static int64_t find_known(const struct naive *naive, int64_t content)
{
    for (int64_t i = 0; i < MOST_BLOCKS; i++) {
        if (naive->known[i] && naive->content[i] == content) {
            return i;
        }
    }
    return -1;
}

static void dequeue(struct naive *naive, int64_t block)
{
    int64_t at = 0;
    while (naive->queue[at] != block) {
        at++;
    }
    naive->n_free--;
    for (; at < naive->n_free; at++) {
        naive->queue[at] = naive->queue[at + 1];
    }
}

static void naive_admit(struct naive *naive, struct member *member, int64_t n_hits)
{
    int64_t prompt = member->chain->prompt_tokens;
    member->n = 0;
    for (int64_t i = 0; i < (prompt + BLOCK - 1) / BLOCK; i++) {
        int64_t block = naive->queue[0];
        if (i < n_hits) {
            block = find_known(naive, member->text * 1000 + i);
            assert_true(block >= 0);
        }
        if (naive->holders[block]++ == 0) {
            dequeue(naive, block);
        }
        naive->known[block] = i < n_hits;
        member->blocks[member->n++] = block;
    }
    for (int64_t i = n_hits; i < prompt / BLOCK; i++) {
        int64_t content = member->text * 1000 + i;
        naive->known[member->blocks[i]] = find_known(naive, content) < 0;
        naive->content[member->blocks[i]] = content;
    }
}

static void naive_give(struct naive *naive, struct member *member)
{
    while (member->n > 0) {
        int64_t block = member->blocks[--member->n];
        if (--naive->holders[block] == 0) {
            naive->queue[naive->n_free++] = block;
        }
    }
}

static void check_member(struct kv *kv, struct naive *naive, struct member *member)
{
    int64_t expected = 0;
    int64_t n_free = 0;
    int64_t block;
    while (expected < (member->chain->prompt_tokens - 1) / BLOCK &&
           (block = find_known(naive, member->text * 1000 + expected)) >= 0) {
        n_free += naive->holders[block] == 0;
        expected++;
    }
    assert_int_equal(hits(kv, member->chain), expected);
    assert_int_equal(member->chain->n_free_hits, n_free);
}

static void it_is_what_addressed_blocks_would_be(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 4099, "prefix");
    struct kv kv = new_kv(MOST_BLOCKS);
    struct naive naive = {.n_free = MOST_BLOCKS};
    struct member members[MOST_CHAINS] = {0};
    int64_t n_hits = 0;
    for (int64_t i = 0; i < MOST_BLOCKS; i++) {
        naive.queue[i] = i;
    }
    for (int64_t i = 0; i < MOST_CHAINS; i++) {
        members[i].text = rng_below(&rng, 3);
        members[i].chain = new_chain(members[i].text, 1 + rng_below(&rng, 37));
    }
    for (int round = 0; round < 41000; round++) {
        struct member *member = &members[rng_below(&rng, MOST_CHAINS)];
        if (member->is_in) {
            give(&kv, member->chain);
            naive_give(&naive, member);
            member->is_in = false;
        } else {
            check_member(&kv, &naive, member);
            int64_t found = member->chain->n_hits;
            int64_t needed = kv_blocks(&kv, member->chain->prompt_tokens) - found;
            if (needed + member->chain->n_free_hits <= kv.free_blocks) {
                /* hits leave the queue before new blocks are taken from its head */
                admit(&kv, member->chain);
                naive_admit(&naive, member, found);
                member->is_in = true;
                n_hits += found;
            }
        }
        int64_t n_held;
        int64_t n_shares;
        prefix_settle(kv.prefix);
        prefix_verify(kv.prefix, kv.free_blocks, &n_held, &n_shares);
        assert_int_equal(kv.free_blocks, naive.n_free);
    }
    assert_true(n_hits > 4099);
    for (int64_t i = 0; i < MOST_CHAINS; i++) {
        prefix_chain_free(members[i].chain);
    }
    prefix_free(kv.prefix);
    rng_free(&rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prompt_that_was_filled_in_this_step_is_a_hit),
        cmocka_unit_test(a_hit_leaves_the_last_token_to_compute),
        cmocka_unit_test(the_last_block_of_who_left_first_is_forgotten_first),
        cmocka_unit_test(blocks_put_back_are_remembered),
        cmocka_unit_test(prompts_of_several_parts_share_the_parts_that_are_equal),
        cmocka_unit_test(an_answer_is_known_if_the_text_goes_on_in_it),
        cmocka_unit_test(who_gives_way_at_once_has_filled_nothing),
        cmocka_unit_test(it_is_what_addressed_blocks_would_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
