#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "talk_world.h"

#include <math.h>

#define ENDS "[workload]\nrequests = 4099\n"
#define STARTS "[arrivals]\nprocess = poisson\nrate_rps = 0.7\n"
#define LENGTHS                                                \
    "[prompt]\ndistribution = uniform\nmin = 37\nmax = 4099\n" \
    "[output]\ndistribution = uniform\nmin = 13\nmax = 137\n"
#define TURNS                                                 \
    "[turns]\ndistribution = geometric\nmean = 3.7\n"         \
    "[followup]\ndistribution = uniform\nmin = 7\nmax = 61\n" \
    "[gap]\ndistribution = lognormal\nmedian_s = 11\nsigma = 0.7\n"

static struct talk_world draw(const char *text, const char *override)
{
    write_file("w.ini", text, strlen(text));
    return talk_world_draw("w.ini", &override, override != NULL ? 1 : 0, false);
}

/* Rows in order, and each turn the last one's prompt, its answer and 7 to 61 tokens. */
static void assert_grows(const struct talk_world *world)
{
    int64_t n_later = 0;
    for (int64_t i = 0; i < world->n; i++) {
        const struct trace_row *row = &world->rows[i].row;
        int64_t j = talk_world_before(world, i);
        assert_true(i == 0 || row->arrival_ns >= world->rows[i - 1].row.arrival_ns);
        assert_int_equal(row->line, i + 1);
        if (j >= 0) {
            const struct trace_row *last = &world->rows[j].row;
            int64_t answer = last->output_tokens - last->reasoning_tokens;
            int64_t added = row->prompt_tokens - last->prompt_tokens - answer;
            assert_in_range(added, 7, 61);
            n_later++;
        }
    }
    assert_true(n_later > world->n / 2);
}

static void the_context_of_a_session_grows_by_answers_and_new_tokens(void **state)
{
    (void)state;
    struct talk_world world = draw(ENDS STARTS LENGTHS TURNS "[sessions]\n", NULL);
    assert_int_equal(world.n, 4099);
    assert_grows(&world);
    assert_null(world.rows[0].row.request_id);
    assert_null(world.rows[0].row.parent_id);
    talk_world_free(&world);
}

static void what_was_thought_is_not_sent_again(void **state)
{
    (void)state;
    struct talk_world world =
        draw(ENDS STARTS LENGTHS TURNS "[sessions]\n[reasoning]\nratio = 0.6\n", NULL);
    assert_grows(&world);
    for (int64_t i = 0; i < world.n; i++) {
        const struct trace_row *row = &world.rows[i].row;
        assert_int_equal(row->reasoning_tokens,
                         llround(0.6 * (double)row->output_tokens));
    }
    talk_world_free(&world);
}

static void turns_that_wait_stand_behind_their_parents_at_their_start(void **state)
{
    (void)state;
    struct talk_world world =
        draw(ENDS STARTS LENGTHS TURNS "[sessions]\ntiming = wait\n", NULL);
    assert_grows(&world);
    for (int64_t i = 0; i < world.n; i++) {
        const struct talk_world_row *row = &world.rows[i];
        int64_t j = talk_world_before(&world, i);
        assert_int_equal(strtoll(row->request_id, NULL, 10), i);
        assert_int_equal(row->n_parents, j >= 0 ? 1 : 0);
        if (j >= 0) {
            assert_int_equal(row->parents[0], j);
            assert_int_equal(row->row.arrival_ns, world.rows[j].row.arrival_ns);
            assert_true(row->row.think_ns > 0);
        }
    }
    talk_world_free(&world);
}

static void a_session_ends_before_its_context_is_too_long(void **state)
{
    (void)state;
    struct talk_world free_of = draw(ENDS STARTS LENGTHS TURNS "[sessions]\n", NULL);
    struct talk_world bound =
        draw(ENDS STARTS LENGTHS TURNS "[sessions]\n", "sessions.max_context=1000");
    int64_t n_later = 0;
    for (int64_t i = 0; i < bound.n; i++) {
        const struct trace_row *row = &bound.rows[i].row;
        if (talk_world_before(&bound, i) >= 0) {
            assert_true(row->prompt_tokens + row->output_tokens <= 1000);
            n_later++;
        }
    }
    assert_true(n_later > 100);
    /* first turns are what they were */
    assert_int_equal(bound.rows[0].row.arrival_ns, free_of.rows[0].row.arrival_ns);
    assert_int_equal(bound.rows[0].row.prompt_tokens,
                     free_of.rows[0].row.prompt_tokens);
    talk_world_free(&free_of);
    talk_world_free(&bound);
}

/* 3.7 turns in the mean, 2.7 gaps of 11 exp(0.7^2 / 2) s; five times the error of a mean. */
static void turns_and_gaps_have_the_means_they_should(void **state)
{
    (void)state;
    struct talk_world world =
        draw("[workload]\nrequests = 29000\n" STARTS LENGTHS TURNS "[sessions]\n"
             "timing = wait\n",
             NULL);
    double n_sessions = 0;
    double think_s = 0;
    double n_later = 0;
    for (int64_t i = 0; i < world.n; i++) {
        bool is_first = world.rows[i].n_parents == 0;
        n_sessions += is_first;
        n_later += !is_first;
        think_s += (double)world.rows[i].row.think_ns / 1e9;
    }
    double turns = (double)world.n / n_sessions;
    double mean_s = 11 * exp(0.7 * 0.7 / 2);
    assert_true(fabs(turns - 3.7) < 5 * sqrt(3.7 * 2.7 / n_sessions));
    assert_true(fabs(think_s / n_later - mean_s) <
                5 * mean_s * sqrt(exp(0.49) - 1) / sqrt(n_later));
    talk_world_free(&world);
}

static void sessions_that_began_before_the_trace_keep_its_rate_even(void **state)
{
    (void)state;
    static const char text[] =
        "[workload]\nduration_s = 2000\n" STARTS LENGTHS TURNS "[sessions]\n";
    struct talk_world from_nothing = draw(text, NULL);
    struct talk_world under_way = draw(text, "workload.skip_s=500");
    double first[2] = {0, 0};
    for (int64_t i = 0; i < from_nothing.n; i++) {
        first[0] += from_nothing.rows[i].row.arrival_ns < 20000000000;
    }
    for (int64_t i = 0; i < under_way.n; i++) {
        first[1] += under_way.rows[i].row.arrival_ns < 20000000000;
    }
    double rate = 0.7 * 3.7;
    assert_true(first[0] < 0.8 * 20 * rate); /* later turns are still to come */
    assert_true(first[1] > 0.8 * 20 * rate);
    double error = sqrt(2000 * 0.7 * (3.7 * 3.7 + 3.7 * 2.7)); /* of compound counts */
    assert_true(fabs((double)under_way.n - 2000 * rate) < 4 * error);
    talk_world_free(&from_nothing);
    talk_world_free(&under_way);
}

static void turns_without_a_history_share_the_first_prompt_alone(void **state)
{
    (void)state;
    struct talk_world world =
        draw(ENDS STARTS LENGTHS TURNS "[sessions]\nhistory = no\n", NULL);
    int64_t n_later = 0;
    for (int64_t i = 0; i < world.n; i++) {
        const struct trace_row *row = &world.rows[i].row;
        int64_t added = row->prompt_tokens - row->prefix_tokens;
        assert_null(row->session_id);
        assert_non_null(row->prefix);
        assert_true(added == 0 || (added >= 7 && added <= 61));
        n_later += added > 0;
    }
    assert_true(n_later > world.n / 2);
    talk_world_free(&world);
}

#define AGENT                                     \
    "[agent]\nfan_out = 3\nfan_out_share = 0.4\n" \
    "[prefix]\ngroups = 2\ntokens = 700\n"

/* Who is asked between two calls of a task, and what the next prompt grows by. */
static void a_task_goes_on_when_all_its_sub_agents_have_answered(void **state)
{
    (void)state;
    struct talk_world world = draw(ENDS STARTS LENGTHS TURNS AGENT, NULL);
    int64_t n_joins = 0;
    for (int64_t i = 0; i < world.n; i++) {
        const struct talk_world_row *row = &world.rows[i];
        assert_non_null(row->row.prefix);
        assert_int_equal(row->row.prefix_tokens, 700);
        assert_true(row->row.prompt_tokens > 700);
        for (int32_t p = 0; p < row->n_parents; p++) {
            assert_true(row->parents[p] < i);
        }
        if (row->n_parents < 2) {
            continue;
        }
        int64_t asker = talk_world_before(&world, i);
        int64_t context =
            world.rows[asker].row.prompt_tokens + world.rows[asker].row.output_tokens;
        assert_int_equal(row->n_parents, 3);
        assert_int_equal(row->row.think_ns, 0);
        for (int32_t p = 0; p < 3; p++) {
            const struct talk_world_row *sub = &world.rows[row->parents[p]];
            assert_int_equal(sub->n_parents, 1);
            assert_int_equal(sub->parents[0], asker);
            assert_int_equal(talk_world_before(&world, row->parents[p]), -1);
            assert_string_equal(sub->prefix, row->prefix);
            context += sub->row.output_tokens;
        }
        assert_in_range(row->row.prompt_tokens - context, 7, 61);
        n_joins++;
    }
    assert_true(n_joins > 100);
    talk_world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_context_of_a_session_grows_by_answers_and_new_tokens),
        cmocka_unit_test(what_was_thought_is_not_sent_again),
        cmocka_unit_test(turns_that_wait_stand_behind_their_parents_at_their_start),
        cmocka_unit_test(a_session_ends_before_its_context_is_too_long),
        cmocka_unit_test(turns_and_gaps_have_the_means_they_should),
        cmocka_unit_test(sessions_that_began_before_the_trace_keep_its_rate_even),
        cmocka_unit_test(turns_without_a_history_share_the_first_prompt_alone),
        cmocka_unit_test(a_task_goes_on_when_all_its_sub_agents_have_answered),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
