#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "input/generate.h"

/* A description without fault, 12 lines; a test adds sections behind it. */
static const char good[] = "[workload]\nrequests = 137\n"
                           "[arrivals]\nprocess = poisson\nrate_rps = 4.1\n"
                           "[prompt]\ndistribution = fixed\ntokens = 37\n"
                           "[output]\ndistribution = fixed\ntokens = 13\n;\n";

#define TURNS "[turns]\ndistribution = fixed\ntokens = 3\n"
#define FOLLOWUP "[followup]\ndistribution = fixed\ntokens = 7\n"
#define GAP "[gap]\ndistribution = fixed\ntime_s = 7\n"

static void assert_refused(const char *sections, const char *override,
                           const char *expected)
{
    char text[4096];
    int used = snprintf(text, sizeof text, "%s%s", good, sections);
    write_file("w.ini", text, (size_t)used);
    struct arena arena = {NULL};
    struct generate_spec spec;
    struct err err = {""};
    int status = generate_read(&spec, "w.ini", &override, override != NULL ? 1 : 0,
                               &arena, &err);
    assert_string_equal(err.text, expected);
    assert_int_equal(status, -1);
    memory_arena_free(&arena);
}

static void a_session_needs_turns_gaps_and_new_tokens(void **state)
{
    (void)state;
    assert_refused("[sessions]\n", NULL,
                   "w.ini: [turns] must give 'distribution' (how lengths are drawn)");
    assert_refused(
        "[sessions]\n" TURNS, NULL,
        "w.ini: [followup] must give 'distribution' (how lengths are drawn)");
    assert_refused("[agent]\n" TURNS FOLLOWUP, NULL,
                   "w.ini: [gap] must give 'distribution' (how times are drawn)");
    assert_refused("[sessions]\ntiming = late\n" TURNS FOLLOWUP GAP, NULL,
                   "w.ini:14: timing: 'late' is not one of timed, wait");
    assert_refused("[sessions]\nhistory = 2\n", NULL,
                   "w.ini:14: history: '2' is not yes or no");
    assert_refused("[sessions]\nmax_context = -1\n", NULL,
                   "w.ini:14: max_context: '-1' is less than 0 tokens");
    assert_refused(
        "[sessions]\nturns = 3\n", NULL,
        "w.ini:14: [sessions] unknown key 'turns' (see 'servesim list keys')");
}

static void an_agent_has_as_many_sub_agents_as_a_row_can_name(void **state)
{
    (void)state;
    assert_refused("[agent]\nfan_out = 65\n", NULL,
                   "w.ini:14: fan_out: '65' is greater than 64");
    assert_refused("[agent]\nfan_out_share = 1.5\n", NULL,
                   "w.ini:14: fan_out_share: '1.5' is greater than 1");
    assert_refused("[agent]\n[sessions]\n", NULL,
                   "w.ini:13: [agent]: [sessions] is given too, and arrivals can begin "
                   "one of the two only");
}

static void a_gap_is_a_time(void **state)
{
    (void)state;
    assert_refused("[sessions]\n" TURNS FOLLOWUP "[gap]\ndistribution = weekly\n", NULL,
                   "w.ini:21: distribution: 'weekly' is not one of fixed, exponential, "
                   "lognormal");
    assert_refused(
        "[sessions]\n" TURNS FOLLOWUP GAP, "gap.sigma=1",
        "-s gap.sigma=1: this key goes with distribution = lognormal, not with fixed");
    assert_refused("[sessions]\n" TURNS FOLLOWUP GAP, "gap.time_s=-1",
                   "-s gap.time_s=-1: '-1' is less than 0 s");
}

static void sections_that_describe_nobody_are_errors(void **state)
{
    (void)state;
    assert_refused(TURNS, NULL,
                   "w.ini:13: [turns] describes nobody: it goes with [sessions] and "
                   "[agent]");
    assert_refused("[prefix_tokens]\ndistribution = fixed\ntokens = 3\n", NULL,
                   "w.ini:13: [prefix_tokens] describes nobody: it goes with [prefix]");
    assert_refused("[thinking]\ndistribution = fixed\ntokens = 3\n", NULL,
                   "w.ini:13: [thinking] describes nobody: it goes with [reasoning]");
    assert_refused("[client.a.output]\ndistribution = fixed\ntokens = 3\n", NULL,
                   "w.ini:13: [client.a.output] describes nobody: there is no such "
                   "[client] section");
    assert_refused("[client.a]\n[client.a.output]\ndistribution = fixed\ntokens = 3\n",
                   NULL,
                   "w.ini:9: [output] describes nobody: every client has its own");
    assert_refused("[client.a]\n[client.a.outputs]\ntokens = 3\n", NULL,
                   "w.ini:14: unknown section [client.a.outputs] (expected one of "
                   "workload, arrivals, modulation, prompt, output, client.NAME, "
                   "sessions, agent, turns, followup, gap, prefix, prefix_tokens, "
                   "reasoning, thinking)");
}

static void labels_of_clients_can_stand_in_a_trace(void **state)
{
    (void)state;
    assert_refused("[client.a]\nmodel = x,y\n", NULL,
                   "w.ini:14: model: this is not a label (at most 64 bytes without "
                   "comma or double quote)");
    assert_refused("[client.a]\nshare = 0\n", NULL,
                   "w.ini:14: share: '0' is less than 0.000001");
    assert_refused("[client.a]\npriority = 3000000000\n", NULL,
                   "w.ini:14: priority: '3000000000' is greater than 2147483647");
    assert_refused("[client.a]\nshares = 1\n", NULL,
                   "w.ini:14: [client.a] unknown key 'shares' (did you mean 'share'?)");
}

static void a_prefix_has_one_kind_of_length(void **state)
{
    (void)state;
    assert_refused("[prefix]\ngroups = 3\n", NULL,
                   "w.ini:13: [prefix]: must give 'tokens', or the section "
                   "[prefix_tokens]");
    assert_refused("[prefix]\ntokens = 3\n[prefix_tokens]\ndistribution = fixed\n"
                   "tokens = 3\n",
                   NULL,
                   "w.ini:13: [prefix]: tokens and [prefix_tokens] are given; only one "
                   "of the two can be");
    assert_refused("[prefix]\ngroups = 0\ntokens = 3\n", NULL,
                   "w.ini:14: groups: '0' is less than 1");
    assert_refused(
        "[prefix]\ntokens = 3\n[sessions]\nhistory = no\n" TURNS FOLLOWUP GAP, NULL,
        "w.ini:13: [prefix]: with history = no the prompts of a session begin with its "
        "own first one");
}

static void reasoning_has_one_kind_of_length(void **state)
{
    (void)state;
    assert_refused(
        "[reasoning]\nshare = 0.3\n", NULL,
        "w.ini:13: [reasoning]: must give 'ratio', or the section [thinking]");
    assert_refused("[reasoning]\nratio = 0.3\n[thinking]\ndistribution = fixed\n"
                   "tokens = 3\n",
                   NULL,
                   "w.ini:13: [reasoning]: ratio and [thinking] are given; only one of "
                   "the two can be");
    assert_refused(
        "[reasoning]\nratio = 0.9\nratio_sd = 0.3\n", NULL,
        "w.ini:13: [reasoning]: ratio_sd: no share has that mean and so great "
        "a deviation");
    assert_refused("[reasoning]\nratio = 1\n", NULL,
                   "w.ini:14: ratio: '1' is greater than 0.999999");
}

static void sessions_that_wait_cannot_have_begun_before(void **state)
{
    (void)state;
    assert_refused(
        "[sessions]\ntiming = wait\n" TURNS FOLLOWUP GAP, "workload.skip_s=7",
        "w.ini: [workload] skip_s: a session whose turns wait for answers has "
        "no turn without the ones before it; it goes with timing = timed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_needs_turns_gaps_and_new_tokens),
        cmocka_unit_test(an_agent_has_as_many_sub_agents_as_a_row_can_name),
        cmocka_unit_test(a_gap_is_a_time),
        cmocka_unit_test(sections_that_describe_nobody_are_errors),
        cmocka_unit_test(labels_of_clients_can_stand_in_a_trace),
        cmocka_unit_test(a_prefix_has_one_kind_of_length),
        cmocka_unit_test(reasoning_has_one_kind_of_length),
        cmocka_unit_test(sessions_that_wait_cannot_have_begun_before),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
