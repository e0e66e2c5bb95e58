#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/crowd.h"
#include "talk_world.h"

#include <math.h>

#define STARTS \
    "[workload]\nrequests = 4099\n[arrivals]\nprocess = poisson\nrate_rps = 0.7\n"
#define LENGTHS                                                \
    "[prompt]\ndistribution = uniform\nmin = 37\nmax = 4099\n" \
    "[output]\ndistribution = uniform\nmin = 13\nmax = 137\n"
#define TURNS                                                 \
    "turns]\ndistribution = geometric\nmean = 3.7\n"          \
    "[followup]\ndistribution = uniform\nmin = 7\nmax = 61\n" \
    "[gap]\ndistribution = exponential\nmean_s = 11\n"

static void write_text(const char *text)
{
    write_file("w.ini", text, strlen(text));
}

static struct talk_world draw(const char *text, const char *override)
{
    write_text(text);
    return talk_world_draw("w.ini", &override, override != NULL ? 1 : 0, false);
}

#define MIX                                                               \
    STARTS LENGTHS "[client.slow]\nshare = 3\ntenant = T\nclass = bulk\n" \
                   "[client.fast]\npriority = -4\ndeadline_s = 1.7\n"     \
                   "[client.fast.output]\ndistribution = fixed\ntokens = 5\n"

static void clients_come_in_proportion_with_their_labels_and_lengths(void **state)
{
    (void)state;
    struct talk_world world = draw(MIX, NULL);
    double n_slow = 0;
    for (int64_t i = 0; i < world.n; i++) {
        const struct trace_row *row = &world.rows[i].row;
        bool slow = strcmp(row->tenant, "T") == 0;
        n_slow += slow;
        assert_true(slow || strcmp(row->tenant, "fast") == 0);
        assert_true(slow ? row->output_tokens >= 13 : row->output_tokens == 5);
        assert_int_equal(row->priority, slow ? 0 : -4);
        assert_int_equal(row->deadline_ns, slow ? -1 : 1700000000);
        assert_true(slow == (row->class != NULL));
        assert_null(row->session_id);
    }
    double n = (double)world.n;
    assert_true(fabs(n_slow / n - 0.75) < 4 * sqrt(0.75 * 0.25 / n));
    talk_world_free(&world);
}

static void the_columns_are_those_that_some_client_fills(void **state)
{
    (void)state;
    write_text(MIX);
    char *text = crowd_text("w.ini", NULL, 0);
    static const char header[] =
        "arrival_s,prompt_tokens,output_tokens,tenant,priority,deadline_s,class\n";
    assert_memory_equal(text, header, sizeof header - 1);
    free(text);
    write_text(STARTS LENGTHS);
    text = crowd_text("w.ini", NULL, 0);
    static const char plain[] = "arrival_s,prompt_tokens,output_tokens\n";
    assert_memory_equal(text, plain, sizeof plain - 1);
    free(text);
}

/* What one says is drawn from streams of its own. */
static void a_clients_lengths_do_not_depend_on_the_others(void **state)
{
    (void)state;
    struct talk_world one = draw(MIX, NULL);
    struct talk_world other = draw(MIX, "client.fast.share=0.37");
    int64_t j = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < one.n && j < other.n; i++) {
        if (strcmp(one.rows[i].tenant, "T") != 0) {
            continue;
        }
        while (j < other.n && strcmp(other.rows[j].tenant, "T") != 0) {
            j++;
        }
        assert_int_equal(one.rows[i].row.prompt_tokens,
                         other.rows[j].row.prompt_tokens);
        assert_int_equal(one.rows[i].row.output_tokens,
                         other.rows[j].row.output_tokens);
        j++;
        n++;
    }
    assert_true(n > 2500);
    talk_world_free(&one);
    talk_world_free(&other);
}

static void one_client_may_talk_while_another_asks_once(void **state)
{
    (void)state;
    struct talk_world world = draw(
        STARTS LENGTHS "[client.a]\n[client.b]\n[client.b.sessions]\n[client.b." TURNS
                       "[client.b.prefix]\ntokens = 500\nwithin = yes\n",
        NULL);
    int64_t n[2] = {0, 0};
    for (int64_t i = 0; i < world.n; i++) {
        const struct trace_row *row = &world.rows[i].row;
        bool talks = strcmp(row->tenant, "b") == 0;
        n[talks]++;
        assert_true(talks == (row->session_id != NULL));
        assert_true(talks == (row->prefix != NULL));
        assert_true(!talks || strcmp(row->prefix, "b-1") == 0);
        assert_int_equal(row->prefix_tokens, !talks ? 0
                                             : row->prompt_tokens < 500
                                                 ? row->prompt_tokens
                                                 : 500);
    }
    assert_true(n[1] > 2 * n[0]);
    talk_world_free(&world);
}

/* Shares of 3 groups with zipf = 1: 6/11, 3/11, 2/11, of 4/5 of all. */
static void groups_are_drawn_by_their_popularity(void **state)
{
    (void)state;
    struct talk_world world =
        draw(STARTS LENGTHS "[prefix]\ngroups = 3\nzipf = 1\nshare = 0.8\n"
                            "[prefix_tokens]\ndistribution = uniform\nmin = 100\n"
                            "max = 900\n",
             NULL);
    static const double expected[4] = {0.2, 0.8 * 6 / 11, 0.8 * 3 / 11, 0.8 * 2 / 11};
    double counts[4] = {0, 0, 0, 0};
    int64_t tokens[4] = {0, 0, 0, 0};
    for (int64_t i = 0; i < world.n; i++) {
        const struct trace_row *row = &world.rows[i].row;
        int64_t group = row->prefix != NULL ? strtoll(row->prefix + 1, NULL, 10) : 0;
        assert_true(tokens[group] == 0 || tokens[group] == row->prefix_tokens);
        assert_true(row->prompt_tokens >= row->prefix_tokens + 37);
        tokens[group] = row->prefix_tokens;
        counts[group]++;
    }
    double n = (double)world.n;
    for (int i = 0; i < 4; i++) {
        assert_true(fabs(counts[i] / n - expected[i]) <
                    4 * sqrt(expected[i] * (1 - expected[i]) / n));
    }
    assert_true(tokens[1] != tokens[2] && tokens[2] != tokens[3]);
    talk_world_free(&world);
}

static void thinking_comes_on_top_of_an_answer_where_its_length_is_drawn(void **state)
{
    (void)state;
    struct talk_world world =
        draw(STARTS LENGTHS "[reasoning]\nshare = 0.3\n[thinking]\n"
                            "distribution = uniform\nmin = 500\nmax = 700\n",
             NULL);
    double n_think = 0;
    for (int64_t i = 0; i < world.n; i++) {
        const struct trace_row *row = &world.rows[i].row;
        bool thinks = row->reasoning_tokens > 0;
        assert_true(!thinks ||
                    (row->reasoning_tokens >= 500 && row->reasoning_tokens <= 700));
        assert_in_range(row->output_tokens - row->reasoning_tokens, 13, 137);
        n_think += thinks;
    }
    double n = (double)world.n;
    assert_true(fabs(n_think / n - 0.3) < 4 * sqrt(0.21 / n));
    talk_world_free(&world);
}

/* An output of one token is an answer, whatever the ratio. */
static void something_is_always_answered(void **state)
{
    (void)state;
    struct talk_world world =
        draw(STARTS "[prompt]\ndistribution = fixed\ntokens = 37\n"
                    "[output]\ndistribution = uniform\nmin = 1\nmax = 3\n"
                    "[reasoning]\nratio = 0.9\nratio_sd = 0.2\n",
             NULL);
    for (int64_t i = 0; i < world.n; i++) {
        const struct trace_row *row = &world.rows[i].row;
        assert_true(row->reasoning_tokens >= 0 &&
                    row->reasoning_tokens < row->output_tokens);
    }
    talk_world_free(&world);
}

static void the_same_seed_gives_the_same_bytes_with_all_sections(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "agent",        "chat-sessions", "mooncake-conversation", "mooncake-synthetic",
        "reasoning-r1", "tenants"};
    for (int i = 0; i < 6; i++) {
        char path[256];
        snprintf(path, sizeof path, "configs/workloads/%s.ini", paths[i]);
        const char *const few[] = {"workload.requests=1371", "workload.seed=37"};
        const char *const others[] = {"workload.requests=1371", "workload.seed=41"};
        char *once = crowd_text(path, few, 2);
        char *again = crowd_text(path, few, 2);
        char *other = crowd_text(path, others, 2);
        assert_string_equal(once, again);
        assert_string_not_equal(once, other);
        free(once);
        free(again);
        free(other);
    }
}

int main(void)
{
    const struct CMUnitTest of_the_repository[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_with_all_sections),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_come_in_proportion_with_their_labels_and_lengths),
        cmocka_unit_test(the_columns_are_those_that_some_client_fills),
        cmocka_unit_test(a_clients_lengths_do_not_depend_on_the_others),
        cmocka_unit_test(one_client_may_talk_while_another_asks_once),
        cmocka_unit_test(groups_are_drawn_by_their_popularity),
        cmocka_unit_test(thinking_comes_on_top_of_an_answer_where_its_length_is_drawn),
        cmocka_unit_test(something_is_always_answered),
    };
    int failed = cmocka_run_group_tests(of_the_repository, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
