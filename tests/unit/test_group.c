#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/group.h"

#include <stdlib.h>

enum { MOST = 40 };

/* A member as somebody would keep it who visits everybody in every step. */
struct naive {
    bool is_in;
    bool irregular; /* the next step is not one of its own */
    struct request request;
    int64_t computed;
    int64_t emitted;
    int64_t decode_ns;
    int64_t max_gap_ns;
    wide paid_ns;
    wide energy_pj;
    int64_t first_answer_ns;
};

struct world {
    struct rng rng;
    struct group group;
    struct naive members[MOST];
    int64_t n;
    wide paid_pot_ns;
    wide energy_pot_pj;
    int64_t n_left; /* how many have left */
    int64_t now_ns;
    int64_t n_answers;
};

static struct world *new_world(uint64_t seed, int64_t block_tokens,
                               int64_t window_tokens)
{
    struct world *world = calloc(1, sizeof *world);
    rng_init(&world->rng, seed, "group");
    group_init(&world->group, block_tokens, window_tokens);
    return world;
}

static void free_world(struct world *world)
{
    group_free(&world->group);
    rng_free(&world->rng);
    free(world);
}

static void divide(struct world *world)
{
    group_divide(&world->group);
    if (world->n == 0) {
        return;
    }
    wide paid_ns = world->paid_pot_ns / world->n;
    wide energy_pj = world->energy_pot_pj / world->n;
    for (int i = 0; i < MOST; i++) {
        if (world->members[i].is_in) {
            world->members[i].paid_ns += paid_ns;
            world->members[i].energy_pj += energy_pj;
        }
    }
    world->paid_pot_ns -= paid_ns * world->n;
    world->energy_pot_pj -= energy_pj * world->n;
}

static void join(struct world *world, struct naive *member)
{
    divide(world);
    struct rng *rng = &world->rng;
    *member = (struct naive){
        .is_in = true,
        .irregular = rng_below(rng, 3) == 0,
        .computed = 1 + rng_below(rng, 4099),
        .emitted = 1 + rng_below(rng, 13),
        .max_gap_ns = rng_below(rng, 1000),
        .paid_ns = rng_below(rng, 777),
        .energy_pj = ((wide)rng_bits(rng) << 40) + 3, /* of its prefill */
    };
    member->request = (struct request){
        .counted = rng_below(rng, 2) == 0,
        .computed_tokens = member->computed,
        .n_emitted = member->emitted,
        .output_tokens = member->emitted + 1 + rng_below(rng, 60),
        .max_gap_ns = member->max_gap_ns,
        .paid_ns = (int64_t)member->paid_ns,
        .energy_pj = member->energy_pj,
        .first_answer_ns = REQUEST_NEVER,
    };
    int64_t left = member->request.output_tokens - member->emitted;
    member->first_answer_ns = REQUEST_NEVER;
    member->request.reasoning_tokens =
        member->emitted +
        rng_below(rng, left); /* its answer begins with a step to come */
    if (rng_below(rng, 3) == 0) {
        member->request.reasoning_tokens = rng_below(rng, member->emitted);
        member->request.first_answer_ns = member->first_answer_ns = world->now_ns;
    }
    group_join(&world->group, &member->request);
    world->n++;
}

static void leave(struct world *world, struct naive *member)
{
    divide(world);
    const struct request *request = &member->request;
    group_leave(&world->group, &member->request);
    if (request->first_answer_ns == REQUEST_NEVER) { /* who leaves has it elsewhere */
        bool is_new = member->emitted > request->reasoning_tokens;
        assert_int_equal(member->first_answer_ns,
                         is_new ? world->now_ns : REQUEST_NEVER);
    } else {
        assert_int_equal(request->first_answer_ns, member->first_answer_ns);
        world->n_answers += request->reasoning_tokens > 0;
    }
    group_note_answers(&world->group, world->now_ns);
    assert_false(request->in_group);
    assert_int_equal(request->computed_tokens, member->computed);
    assert_int_equal(request->n_emitted, member->emitted);
    assert_int_equal(request->decode_ns, member->decode_ns);
    assert_int_equal(request->max_gap_ns, member->max_gap_ns);
    assert_true(request->paid_ns == member->paid_ns);
    assert_true(request->energy_pj == member->energy_pj);
    member->is_in = false;
    world->n--;
    world->n_left++;
}

/* Steps until the first member has all its tokens, or its answer begins. */
static int64_t steps_left(const struct world *world)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < MOST; i++) {
        const struct naive *member = &world->members[i];
        int64_t left = member->request.output_tokens - member->emitted;
        if (member->first_answer_ns == REQUEST_NEVER) {
            left = member->request.reasoning_tokens + 1 - member->emitted;
        }
        least = member->is_in && left < least ? left : least;
    }
    return least;
}

static bool any_irregular(const struct world *world)
{
    for (int i = 0; i < MOST; i++) {
        if (world->members[i].is_in && world->members[i].irregular) {
            return true;
        }
    }
    return false;
}

static void settle_in(struct world *world)
{
    for (int i = 0; i < MOST; i++) {
        if (world->members[i].is_in && world->members[i].irregular) {
            group_settle_in(&world->group, &world->members[i].request);
            world->members[i].irregular = false;
        }
    }
}

/* A span of steps whose durations do not fall, as contexts grow; alone if
 * somebody's step is irregular. */
static void advance(struct world *world)
{
    if (world->n == 0) {
        return;
    }
    int64_t most = any_irregular(world) ? 1 : steps_left(world);
    int64_t crossing = group_steps_to_crossing(&world->group);
    assert_true(crossing >= 1);
    most = crossing < most ? crossing : most;
    int64_t n_steps = 1 + rng_below(&world->rng, most);
    int64_t gap_ns = 1 + rng_below(&world->rng, 9001);
    int64_t sum_ns = 0;
    for (int64_t step = 0; step < n_steps; step++) {
        gap_ns += rng_below(&world->rng, 3);
        sum_ns += gap_ns;
        for (int i = 0; i < MOST; i++) {
            struct naive *member = &world->members[i];
            if (!member->is_in) {
                continue;
            }
            member->computed++;
            member->emitted++;
            if (member->emitted == member->request.reasoning_tokens + 1) {
                member->first_answer_ns = world->now_ns + sum_ns;
            }
            if (!member->irregular) {
                member->decode_ns += gap_ns;
                member->max_gap_ns =
                    gap_ns > member->max_gap_ns ? gap_ns : member->max_gap_ns;
            }
        }
    }
    wide pj = (wide)sum_ns * 700001;
    world->paid_pot_ns += sum_ns;
    world->energy_pot_pj += pj;
    world->group.paid_pot_ns += sum_ns;
    world->group.energy_pot_pj += pj;
    group_advance(&world->group, n_steps, sum_ns, gap_ns);
    world->now_ns += sum_ns;
    group_note_answers(&world->group, world->now_ns);
    settle_in(world);
}

/* Members' contexts within the window, and who still grows there. */
static void assert_window(const struct world *world)
{
    const struct group *group = &world->group;
    int64_t window = 0;
    int64_t n_growing = 0;
    for (int i = 0; i < MOST; i++) {
        int64_t context = world->members[i].computed + 1;
        if (world->members[i].is_in) {
            window += context < group->window_tokens ? context : group->window_tokens;
            n_growing += context < group->window_tokens;
        }
    }
    assert_int_equal(group->window, window);
    assert_int_equal(group->n_growing, n_growing);
}

static void assert_alike(const struct world *world)
{
    const struct group *group = &world->group;
    int64_t context = 0;
    int64_t n_counted = 0;
    int64_t n_due = 0;
    for (int i = 0; i < MOST; i++) {
        const struct naive *member = &world->members[i];
        if (member->is_in) {
            context += member->computed + 1;
            n_counted += member->request.counted;
            n_due += member->computed % group->block_tokens == 0;
            assert_int_equal(group_computed(group, &member->request), member->computed);
        }
    }
    assert_window(world);
    assert_int_equal(group->n, world->n);
    assert_int_equal(group->context, context);
    assert_int_equal(group->n_counted, n_counted);
    assert_int_equal(group->residue[group_due_residue(group)], n_due);
    assert_true(group->paid_pot_ns == world->paid_pot_ns);
    assert_true(group->energy_pot_pj == world->energy_pot_pj);
    if (world->n == 0) {
        assert_null(group_next_due(group));
        return;
    }
    const struct request *next = group_next_due(group);
    int64_t tokens = next->first_answer_ns == REQUEST_NEVER ? next->reasoning_tokens + 1
                                                            : next->output_tokens;
    int64_t computed = group_computed(group, next);
    int64_t left = tokens - next->n_emitted - (computed - next->computed_tokens);
    assert_int_equal(left, steps_left(world));
    assert_int_equal(group_steps_left(group), steps_left(world));
}

/* Those who are done leave; sometimes another one goes before its time. */
static void let_go(struct world *world)
{
    for (int i = 0; i < MOST; i++) {
        struct naive *member = &world->members[i];
        if (member->is_in && (member->emitted == member->request.output_tokens ||
                              rng_below(&world->rng, 50) == 0)) {
            leave(world, member);
        }
    }
}

static void run_world(struct world *world, int n_rounds)
{
    for (int round = 0; round < n_rounds; round++) {
        int64_t n_joins = rng_below(&world->rng, 4);
        for (int64_t i = 0; i < n_joins; i++) {
            struct naive *member = &world->members[rng_below(&world->rng, MOST)];
            if (!member->is_in) {
                join(world, member);
            }
        }
        assert_alike(world);
        advance(world);
        let_go(world);
        assert_alike(world);
    }
}

static void sums_say_of_each_member_what_visiting_it_would(void **state)
{
    (void)state;
    static const int64_t blocks[] = {1, 2, 7, 16, 137};
    for (size_t b = 0; b < sizeof blocks / sizeof blocks[0]; b++) {
        struct world *world = new_world(4099 + b, blocks[b], 0);
        run_world(world, 4000);
        assert_true(world->n_left > 1000);
        assert_true(world->n_answers > 500);
        free_world(world);
    }
}

static void contexts_within_a_window_are_those_of_visiting_every_member(void **state)
{
    (void)state;
    /* contexts start anywhere up to 4,100 and grow by up to 60 */
    static const int64_t windows[] = {1, 2, 13, 512, 2053, 4099, 4133, 9001};
    for (size_t w = 0; w < sizeof windows / sizeof windows[0]; w++) {
        struct world *world = new_world(919 + w, 16, windows[w]);
        run_world(world, 3000);
        assert_true(world->n_left > 500);
        free_world(world);
    }
}

static void a_division_leaves_the_remainder_in_the_pot(void **state)
{
    (void)state;
    struct group group;
    struct request requests[3] = {0};
    group_init(&group, 16, 0);
    group.paid_pot_ns = 4099; /* nobody is there: it stays */
    group_divide(&group);
    assert_true(group.paid_pot_ns == 4099);
    for (int i = 0; i < 3; i++) {
        requests[i].output_tokens = 7;
        group_join(&group, &requests[i]);
    }
    group.energy_pot_pj = ((wide)1 << 90) + 1; /* 2^90 is 1 modulo 3 */
    group_divide(&group);
    assert_true(group.paid_pot_ns == 1); /* 3 x 1,366 + 1 */
    assert_true(group.energy_pot_pj == 2);
    for (int i = 0; i < 3; i++) {
        group_leave(&group, &requests[i]);
        assert_int_equal(requests[i].paid_ns, 1366);
        assert_true(requests[i].energy_pj == (((wide)1 << 90) - 1) / 3);
    }
    group_free(&group);
}

static void gaps_of_those_who_left_are_forgotten(void **state)
{
    (void)state;
    struct group group;
    struct request before = {.output_tokens = 7};
    struct request after = {.output_tokens = 7};
    group_init(&group, 16, 0);
    group_join(&group, &before);
    group_advance(&group, 3, 3 * 4099, 4099);
    group_join(&group, &after);
    group_advance(&group, 1, 137, 137);
    group_advance(&group, 1, 13, 13);
    group_leave(&group, &after);
    assert_int_equal(after.max_gap_ns, 137);
    group_leave(&group, &before);
    assert_int_equal(before.max_gap_ns, 4099);
    assert_int_equal(group.n_gaps, 0);
    group_free(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_say_of_each_member_what_visiting_it_would),
        cmocka_unit_test(contexts_within_a_window_are_those_of_visiting_every_member),
        cmocka_unit_test(a_division_leaves_the_remainder_in_the_pot),
        cmocka_unit_test(gaps_of_those_who_left_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
