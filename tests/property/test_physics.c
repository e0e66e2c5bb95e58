#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "input/config_pool.h"
#include "input/settings.h"
#include "model/cost.h"
#include "model/power.h"

/* What physics says of every model on every accelerator, whatever the constants are. */

enum { MOST_NAMES = 200, NAME = 80 };

struct names {
    char name[MOST_NAMES][NAME];
    int n;
};

static void list_presets(struct names *names, const char *folder)
{
    DIR *opened = opendir(folder);
    assert_non_null(opened);
    names->n = 0;
    for (struct dirent *entry; (entry = readdir(opened)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length > 4 && strcmp(entry->d_name + length - 4, ".ini") == 0) {
            assert_true(names->n < MOST_NAMES && length < NAME);
            snprintf(names->name[names->n++], NAME, "%.*s", (int)length - 4,
                     entry->d_name);
        }
    }
    closedir(opened);
}

static void read_preset(struct pool_config *pool, int32_t kind, const char *name,
                        struct arena *arena)
{
    const struct config_pool_preset *preset = &config_pool_presets[kind];
    struct field_table tables[CONFIG_POOL_TABLES];
    struct settings file = {0};
    struct err err;
    char path[512];
    config_pool_tables(tables);
    assert_true(config_pool_find(preset->folder, name, path));
    assert_int_equal(settings_read(&file, path, arena, &err), 0);
    assert_int_equal(
        settings_apply(&file, preset->key, &tables[kind], 1, pool, arena, &err), 0);
}

/* Decodes of a context each, beside a chunk of a prompt. */
static const struct {
    int64_t n_decodes;
    int64_t context;
    int64_t chunk;
    int64_t before;
} steps[] = {{1, 100, 0, 0},  {64, 2000, 0, 0},    {512, 4000, 0, 0},
             {0, 0, 8192, 0}, {0, 0, 2048, 20000}, {64, 2000, 1984, 0}};
enum { N_STEPS = sizeof steps / sizeof steps[0] };

/* Seconds of each step; no step of the pool may do more than its GPUs can. */
static void price(const struct pool_config *pool, double seconds[N_STEPS])
{
    struct cost cost;
    struct power power;
    struct err err;
    assert_int_equal(cost_init(&cost, &pool->cost, &pool->accelerator, &pool->llm,
                               &pool->constants, &pool->layout, &err),
                     0);
    power_init(&power, &cost, &pool->accelerator, &pool->llm, &pool->constants,
               &pool->layout);
    double gpus = (double)layout_gpus(&pool->layout);
    double flop_per_s =
        gpus * (double)power_peak_flop_per_s(&pool->accelerator, &pool->llm);
    double bytes_per_s = gpus * (double)pool->accelerator.memory_bytes_per_s;
    double most_mw = gpus * (double)pool->accelerator.tdp_mw;
    for (int i = 0; i < N_STEPS; i++) {
        int64_t n = steps[i].n_decodes;
        struct step_counts counts = {.n_decodes = n,
                                     .decode_context = n * steps[i].context,
                                     .decode_window =
                                         n * cost_in_window(&cost, steps[i].context),
                                     .n_emitting = n};
        if (steps[i].chunk > 0) {
            cost_count_chunk(&cost, &counts, steps[i].before, steps[i].chunk);
            counts.n_emitting++;
        }
        struct step_price of;
        cost_price(&cost, &counts, &of);
        struct work work = power_work(&cost, &counts);
        seconds[i] = (double)cost_sum_fs(&of) * 1e-15;
        int64_t ns = cost_duration_ns(cost_sum_fs(&of));
        double most = seconds[i] * 1.0001; /* experts are counted in thousandths */
        assert_true((double)power_sum(&power.flops, &work) <= most * flop_per_s);
        assert_true((double)power_sum(&power.bytes, &work) <= most * bytes_per_s);
        assert_true((double)power_energy_pj(&power, &work, ns) <=
                    (double)ns * most_mw * 1.0001);
    }
    cost_free(&cost);
}

static void assert_no_slower(const struct pool_config *pool, const double than[N_STEPS])
{
    double seconds[N_STEPS];
    price(pool, seconds);
    for (int i = 0; i < N_STEPS; i++) {
        assert_true(seconds[i] <= than[i] * (1 + 1e-6)); /* coefficients are rounded */
    }
}

/* More of anything on the data sheet, or kernels that lose nothing. */
static void assert_better_is_not_slower(const struct pool_config *pool,
                                        const struct constants *ideal)
{
    double seconds[N_STEPS];
    price(pool, seconds);
    struct pool_config better = *pool;
    better.constants = *ideal;
    assert_no_slower(&better, seconds);
    better = *pool;
    better.accelerator.memory_bytes_per_s += pool->accelerator.memory_bytes_per_s / 3;
    assert_no_slower(&better, seconds);
    better = *pool;
    better.accelerator.bf16_flop_per_s += pool->accelerator.bf16_flop_per_s / 3;
    assert_no_slower(&better, seconds);
    better = *pool;
    better.accelerator.fp8_flop_per_s += pool->accelerator.fp8_flop_per_s / 3;
    better.accelerator.fp4_flop_per_s += pool->accelerator.fp4_flop_per_s / 3;
    assert_no_slower(&better, seconds);
    better = *pool;
    better.accelerator.link_bytes_per_s *= 2;
    assert_no_slower(&better, seconds);
    better = *pool;
    better.accelerator.gpus_per_node *= 2;
    assert_no_slower(&better, seconds);
}

static void no_preset_beats_the_roofline_and_better_chips_are_not_slower(void **state)
{
    (void)state;
    static const struct layout layouts[] = {
        {1, 1, 1, 0, 0}, {8, 2, 1, 0, 0}, {2, 1, 8, 1, 0}};
    struct names models;
    struct names chips;
    struct arena arena = {0};
    struct field_table tables[CONFIG_POOL_TABLES];
    struct pool_config pool = {0};
    struct pool_config ideal = {0};
    list_presets(&models, "configs/models");
    list_presets(&chips, "configs/accelerators");
    config_pool_tables(tables);
    for (int32_t i = 0; i < CONFIG_POOL_TABLES; i++) {
        field_defaults(&tables[i], &pool, &arena);
        field_defaults(&tables[i], &ideal, &arena);
    }
    read_preset(&pool, CONFIG_POOL_ENGINE, "vllm", &arena);
    read_preset(&ideal, CONFIG_POOL_ENGINE, "ideal", &arena);
    const struct llm blank = pool.llm;
    const struct accelerator no_chip = pool.accelerator;
    for (int m = 0; m < models.n; m++) {
        pool.llm = blank;
        read_preset(&pool, CONFIG_POOL_MODEL, models.name[m], &arena);
        for (int c = 0; c < chips.n; c++) {
            pool.accelerator = no_chip;
            read_preset(&pool, CONFIG_POOL_ACCELERATOR, chips.name[c], &arena);
            for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
                pool.layout = layouts[i];
                assert_better_is_not_slower(&pool, &ideal.constants);
            }
        }
    }
    memory_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_preset_beats_the_roofline_and_better_chips_are_not_slower),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
