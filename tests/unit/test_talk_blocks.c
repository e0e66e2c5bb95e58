#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "talk_world.h"

#include "input/prompt_text.h"

#define STARTS \
    "[workload]\nrequests = 997\n[arrivals]\nprocess = poisson\nrate_rps = 0.7\n"
#define LENGTHS                                                \
    "[prompt]\ndistribution = uniform\nmin = 37\nmax = 4099\n" \
    "[output]\ndistribution = uniform\nmin = 13\nmax = 700\n"
#define TURNS                                                  \
    "[turns]\ndistribution = geometric\nmean = 3.7\n"          \
    "[followup]\ndistribution = uniform\nmin = 7\nmax = 610\n" \
    "[gap]\ndistribution = fixed\ntime_s = 11\n"
#define GROUPS "[prefix]\ngroups = 3\nshare = 0.7\ntokens = 1300\n"

enum { BLOCK = 512 };

static struct talk_world draw(const char *text)
{
    write_file("w.ini", text, strlen(text));
    return talk_world_draw("w.ini", NULL, 0, true);
}

static int64_t common(const struct talk_world_row *a, const struct talk_world_row *b)
{
    int64_t n = 0;
    while (n < a->row.n_hash_ids && n < b->row.n_hash_ids &&
           a->hash_ids[n] == b->hash_ids[n]) {
        n++;
    }
    return n;
}

/* Blocks that two prompts begin with alike: of a session those the shorter one fills, all of
 * one that was sent again; of a group the full ones of its text. */
static int64_t expected(const struct talk_world_row *a, const struct talk_world_row *b)
{
    int64_t shorter = a->row.prompt_tokens < b->row.prompt_tokens
                          ? a->row.prompt_tokens
                          : b->row.prompt_tokens;
    bool same_group = a->row.prefix != NULL && b->row.prefix != NULL &&
                      strcmp(a->prefix, b->prefix) == 0;
    if (a->row.session_id != NULL && strcmp(a->session_id, b->session_id) == 0) {
        return shorter / BLOCK;
    }
    return same_group ? a->row.prefix_tokens / BLOCK : 0;
}

static void assert_blocks(const struct talk_world *world, int64_t *n_shared)
{
    *n_shared = 0;
    for (int64_t i = 0; i < world->n; i++) {
        const struct talk_world_row *row = &world->rows[i];
        assert_int_equal(row->row.n_hash_ids, (row->row.prompt_tokens - 1) / BLOCK + 1);
        assert_int_equal(row->row.hash_tokens, BLOCK);
        for (int64_t j = i > 100 ? i - 100 : 0; j < i; j++) {
            assert_int_equal(common(row, &world->rows[j]),
                             expected(row, &world->rows[j]));
            *n_shared += common(row, &world->rows[j]);
        }
    }
}

static void prompts_of_a_session_share_the_blocks_that_are_full(void **state)
{
    (void)state;
    int64_t n_shared;
    struct talk_world world = draw(STARTS LENGTHS TURNS GROUPS "[sessions]\n");
    assert_blocks(&world, &n_shared);
    assert_true(n_shared > 10000);
    talk_world_free(&world);
}

static void requests_share_the_full_blocks_of_their_group(void **state)
{
    (void)state;
    int64_t n_shared;
    struct talk_world world = draw(STARTS LENGTHS GROUPS);
    assert_blocks(&world, &n_shared);
    assert_true(n_shared > 10000);
    talk_world_free(&world);
    world = draw(STARTS LENGTHS);
    assert_blocks(&world, &n_shared);
    assert_int_equal(n_shared, 0);
    talk_world_free(&world);
}

/* The named prefix is as long as the first prompt: with it the above holds for documents. */
static void turns_without_a_history_share_the_first_prompts_full_blocks(void **state)
{
    (void)state;
    int64_t n_shared;
    struct talk_world world = draw(STARTS LENGTHS TURNS "[sessions]\nhistory = no\n");
    assert_blocks(&world, &n_shared);
    assert_true(n_shared > 2000);
    talk_world_free(&world);
}

static void assert_parts(const struct trace_row *row, bool sessions, int64_t n,
                         int64_t first, int64_t second)
{
    int64_t n_parts;
    struct prefix_part *parts = prompt_text_parts(row, sessions, &n_parts);
    assert_int_equal(n_parts, n);
    if (n > 0) {
        assert_int_equal(parts[0].tokens, first);
    }
    if (n > 1) {
        assert_int_equal(parts[1].tokens, second);
        assert_true(parts[0].id != parts[1].id);
    }
    free(parts);
}

static void a_prompt_is_a_named_beginning_and_what_the_session_said(void **state)
{
    (void)state;
    struct trace_row row = {.prompt_tokens = 137, .output_tokens = 13};
    assert_parts(&row, true, 0, 0, 0);
    row.session_id = "s";
    assert_parts(&row, false, 0, 0, 0);
    assert_parts(&row, true, 1, 150, 0);
    row.prefix = "p";
    assert_parts(&row, true, 1, 137, 0); /* all of it is named */
    row.prefix_tokens = 37;
    assert_parts(&row, false, 1, 37, 0);
    assert_parts(&row, true, 2, 37, 113);
    row.prefix_tokens = 137;
    assert_parts(&row, true, 2, 137, 13);
    row.prefix_tokens = 4099;
    assert_parts(&row, true, 2, 137, 13);
    row.prefix_tokens = 37;
    row.reasoning_tokens =
        5; /* the next prompt does not hold the answer as it was made */
    assert_parts(&row, true, 2, 37, 100);
    row.session_id = NULL;
    assert_parts(&row, true, 1, 37, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompts_of_a_session_share_the_blocks_that_are_full),
        cmocka_unit_test(requests_share_the_full_blocks_of_their_group),
        cmocka_unit_test(turns_without_a_history_share_the_first_prompts_full_blocks),
        cmocka_unit_test(a_prompt_is_a_named_beginning_and_what_the_session_said),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
