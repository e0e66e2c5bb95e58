#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "input/closed.h"

/* A source of `n` requests, each a token longer than the one before. */
struct numbered {
    int64_t n;
    int64_t n_given;
};

static int next_numbered(void *state, struct sim_arrival *arrival, struct err *err)
{
    struct numbered *numbered = state;
    (void)err;
    if (numbered->n_given == numbered->n) {
        return 0;
    }
    *arrival = (struct sim_arrival){
        .arrival_ns = 4099, .prompt_tokens = ++numbered->n_given, .counted = true};
    return 1;
}

static void assert_sends(const struct sim_source *source, int64_t prompt_tokens,
                         int64_t at_ns, bool counted)
{
    struct sim_arrival arrival;
    struct err err = {""};
    assert_int_equal(source->next(source->state, &arrival, &err), 1);
    assert_int_equal(arrival.prompt_tokens, prompt_tokens);
    assert_int_equal(arrival.arrival_ns, at_ns);
    assert_int_equal(arrival.counted, counted);
}

static void assert_waits(const struct sim_source *source)
{
    struct sim_arrival arrival;
    struct err err = {""};
    assert_int_equal(source->next(source->state, &arrival, &err), 0);
}

static void finish(const struct sim_source *source, int64_t at_ns)
{
    struct probe_record record = {.finish_ns = at_ns};
    source->finished(source->state, &record);
}

static void clients_send_when_their_last_request_has_left(void **state)
{
    (void)state;
    struct numbered numbered = {.n = 7};
    struct sim_source lengths = {.state = &numbered, .next = next_numbered};
    struct closed closed;
    const struct closed_think none = {.mean_ns = 0};
    closed_init(&closed, &lengths, 3, 137, &none);
    struct sim_source source = closed_source(&closed);
    for (int64_t i = 1; i <= 3; i++) {
        assert_sends(&source, i, 0, false);
    }
    assert_waits(&source);
    finish(&source, 137);
    assert_sends(&source, 4, 137, true);
    assert_waits(&source);
    finish(&source, 4099); /* whoever has been idle for longest sends first */
    finish(&source, 1370);
    assert_sends(&source, 5, 1370, true);
    finish(&source, 1371);
    assert_sends(&source, 6, 1371, true);
    assert_sends(&source, 7, 4099, true);
    finish(&source, 5000);
    assert_waits(&source); /* there is nothing left to send */
    assert_waits(&source);
    closed_free(&closed);
}

static void assert_peeks(const struct sim_source *source, int64_t at_ns)
{
    struct err err = {""};
    int64_t told_ns = -1;
    assert_int_equal(source->peek(source->state, &told_ns, &err), 1);
    assert_int_equal(told_ns, at_ns);
}

static void clients_think_before_they_send_again(void **state)
{
    (void)state;
    struct numbered numbered = {.n = 5};
    struct sim_source lengths = {.state = &numbered, .next = next_numbered};
    const struct closed_think think = {.mean_ns = 4099};
    struct closed closed;
    closed_init(&closed, &lengths, 2, 0, &think);
    struct sim_source source = closed_source(&closed);
    assert_sends(&source, 1, 0, true);
    assert_sends(&source, 2, 0, true);
    assert_waits(&source);
    finish(&source, 137);
    assert_peeks(&source, 4236);
    finish(&source, 13);
    assert_peeks(&source, 4112); /* earlier than what was known before */
    assert_sends(&source, 3, 4112, true);
    finish(&source, 5000);
    assert_sends(&source, 4, 4236, true);
    assert_sends(&source, 5, 9099, true);
    finish(&source, 9999);
    assert_waits(&source);
    closed_free(&closed);
}

static void drawn_thinking_has_its_mean_and_is_of_the_seed(void **state)
{
    (void)state;
    enum { N = 4099 };
    int64_t sums_ns[3] = {0};
    for (int i = 0; i < 3; i++) {
        struct numbered numbered = {.n = N + 1};
        struct sim_source lengths = {.state = &numbered, .next = next_numbered};
        const struct closed_think think = {
            .mean_ns = 137000, .is_exponential = true, .seed = i == 2 ? 4099 : 1};
        struct closed closed;
        closed_init(&closed, &lengths, 1, 0, &think);
        struct sim_source source = closed_source(&closed);
        struct sim_arrival arrival = {.arrival_ns = 0};
        struct err err = {""};
        for (int j = 0; j <= N; j++) {
            assert_int_equal(source.next(source.state, &arrival, &err), 1);
            finish(&source, arrival.arrival_ns);
        }
        sums_ns[i] = arrival.arrival_ns;
        closed_free(&closed);
    }
    assert_int_equal(sums_ns[0], sums_ns[1]);
    assert_int_not_equal(sums_ns[0], sums_ns[2]);
    for (int i = 0; i < 3; i++) { /* within four standard errors of the mean */
        int64_t off_ns = sums_ns[i] / N - 137000;
        assert_in_range(off_ns + 4 * 137000 / 64, 0, 8 * 137000 / 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_send_when_their_last_request_has_left),
        cmocka_unit_test(clients_think_before_they_send_again),
        cmocka_unit_test(drawn_thinking_has_its_mean_and_is_of_the_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
