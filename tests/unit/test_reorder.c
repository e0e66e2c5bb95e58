#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "base/memory.h"
#include "base/rng.h"
#include "output/reorder.h"

#include <fcntl.h>

/* What was written so far: ids in order, each with what was pushed under it. */
struct written {
    int64_t n;
};

/* Everything about a record follows from its id, labels too; every third has none, and
 * some have the longest there are. */
static struct probe_record record_of(int64_t id)
{
    struct probe_record record = {
        .id = (int32_t)id,
        .arrival_ns = id * 4099,
        .max_gap_ns = id % 7 == 0 ? REQUEST_NEVER : id,
        .energy_pj = ((wide)id << 70) + 13,
    };
    if (id % 3 != 0) {
        char labels[256];
        int padding = id % 5 == 0 ? 180 : 0;
        int n =
            snprintf(labels, sizeof labels, "id-%d\n%.*s\nsession %d", (int)id, padding,
                     "tttttttttttttttttttttttttttttttttttttttttttttttttt"
                     "tttttttttttttttttttttttttttttttttttttttttttttttttt"
                     "tttttttttttttttttttttttttttttttttttttttttttttttttt"
                     "tttttttttttttttttttttttttttttttttttttttttttttttttt",
                     (int)(id * 13));
        record.labels = memory_copy(labels, (size_t)n);
    }
    return record;
}

static void check_and_count(void *state, const struct probe_record *record)
{
    struct written *written = state;
    struct probe_record expected = record_of(written->n++);
    assert_int_equal(record->id, expected.id);
    assert_int_equal(record->arrival_ns, expected.arrival_ns);
    assert_int_equal(record->max_gap_ns, expected.max_gap_ns);
    assert_true(record->energy_pj == expected.energy_pj);
    assert_int_equal(record->labels == NULL, expected.labels == NULL);
    if (expected.labels != NULL) {
        assert_string_equal(record->labels, expected.labels);
    }
    free(expected.labels);
}

static void push(struct reorder *reorder, int64_t id)
{
    struct probe_record record = record_of(id);
    reorder_push(reorder, &record);
}

/* Ids 0 ... n - 1, each displaced by up to `reach` places. */
static int64_t *permutation(struct rng *rng, int64_t n, int64_t reach)
{
    int64_t *ids = memory_new((size_t)n, sizeof *ids);
    for (int64_t i = 0; i < n; i++) {
        ids[i] = i;
    }
    for (int64_t i = 0; i + 1 < n; i++) {
        int64_t most = i + reach < n ? i + reach : n - 1;
        int64_t j = i + rng_below(rng, most - i + 1);
        int64_t id = ids[i];
        ids[i] = ids[j];
        ids[j] = id;
    }
    return ids;
}

static void any_order_comes_out_as_0_1_2_whatever_spills(void **state)
{
    (void)state;
    static const int64_t reaches[] = {1, 5, 60, 3000};
    struct rng rng;
    rng_init(&rng, 4099, "permutations");
    for (int64_t room = 1; room <= 64; room *= 4) {
        int64_t n_worlds_spilled = 0;
        for (int world = 0; world < 12; world++) {
            int64_t n = 1 + rng_below(&rng, 3000);
            int64_t *ids = permutation(&rng, n, reaches[world % 4]);
            struct written written = {0};
            struct reorder reorder;
            struct err err = {""};
            reorder_init(&reorder, ".", room, &written, check_and_count);
            for (int64_t i = 0; i < n; i++) {
                push(&reorder, ids[i]);
                assert_int_equal(reorder.base, written.n);
                assert_int_equal(written.n + reorder.n_waiting + reorder.n_spilled,
                                 i + 1);
                assert_int_equal(access("spill", F_OK), -1); /* it has no name */
            }
            n_worlds_spilled += reorder.fd >= 0;
            assert_int_equal(reorder_close(&reorder, &err), 0);
            assert_int_equal(written.n, n);
            free(ids);
        }
        assert_true(n_worlds_spilled >= 3);
    }
    rng_free(&rng);
}

static void the_last_first_and_the_first_last_goes_through_the_file(void **state)
{
    (void)state;
    struct written written = {0};
    struct reorder reorder;
    struct err err = {""};
    reorder_init(&reorder, ".", 16, &written, check_and_count);
    for (int64_t id = 4098; id > 0; id--) {
        push(&reorder, id);
    }
    assert_int_equal(written.n, 0);
    assert_int_equal(reorder.n_waiting, 15);
    assert_int_equal(reorder.n_spilled, 4098 - 15);
    push(&reorder, 0);
    assert_int_equal(written.n, 4099);
    assert_int_equal(reorder_close(&reorder, &err), 0);
}

static void the_ring_grows_before_anything_spills(void **state)
{
    (void)state;
    struct written written = {0};
    struct reorder reorder;
    struct err err = {""};
    reorder_init(&reorder, "no such folder", 0, &written, check_and_count);
    assert_int_equal(reorder.room, 1024);
    for (int64_t id = 30011; id > 0; id--) {
        push(&reorder, id);
    }
    assert_int_equal(reorder.room, 32768);
    assert_true(reorder.most_room * (int64_t)sizeof(struct probe_record) <= 16 << 20);
    assert_true(reorder.most_room * (int64_t)sizeof(struct probe_record) > 8 << 20);
    push(&reorder, 0);
    assert_int_equal(written.n, 30012);
    assert_int_equal(reorder_close(&reorder, &err), 0);
}

static void a_file_that_cannot_be_created_is_told_at_the_end(void **state)
{
    (void)state;
    struct written written = {0};
    struct reorder reorder;
    struct err err = {""};
    reorder_init(&reorder, "no such folder", 4, &written, check_and_count);
    push(&reorder, 137);
    push(&reorder, 0);
    push(&reorder, 139);
    push(&reorder, 2);
    assert_int_equal(written.n, 1);
    assert_int_equal(reorder_close(&reorder, &err), -1);
    assert_string_equal(err.text,
                        "no such folder: cannot spill finished requests to a temporary "
                        "file: No such file or directory");
}

static void a_full_disk_is_told_at_the_end(void **state)
{
    (void)state;
    struct written written = {0};
    struct reorder reorder;
    struct err err = {""};
    reorder_init(&reorder, ".", 4, &written, check_and_count);
    push(&reorder, 4099);
    int full = open("/dev/full", O_RDWR);
    assert_int_equal(dup2(full, reorder.fd), reorder.fd);
    close(full);
    push(&reorder, 4098);
    push(&reorder, 0);
    assert_int_equal(reorder_close(&reorder, &err), -1);
    assert_string_equal(err.text,
                        ".: cannot spill finished requests to a temporary file: No "
                        "space left on device");
}

static void a_run_that_failed_forgets_what_waits_and_what_spilled(void **state)
{
    (void)state;
    struct written written = {0};
    struct reorder reorder;
    reorder_init(&reorder, ".", 8, &written, check_and_count);
    for (int64_t id = 1; id < 137; id++) {
        push(&reorder, id);
    }
    reorder_discard(&reorder);
    assert_int_equal(written.n, 0);
    assert_int_equal(reorder.fd, -1);
    assert_null(reorder.records);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_comes_out_as_0_1_2_whatever_spills),
        cmocka_unit_test(the_last_first_and_the_first_last_goes_through_the_file),
        cmocka_unit_test(the_ring_grows_before_anything_spills),
        cmocka_unit_test(a_file_that_cannot_be_created_is_told_at_the_end),
        cmocka_unit_test(a_full_disk_is_told_at_the_end),
        cmocka_unit_test(a_run_that_failed_forgets_what_waits_and_what_spilled),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
