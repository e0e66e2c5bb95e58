#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cli/command.h"
#include "cli/table.h"
#include "input/config_route.h"
#include "study/run.h"

static void print_tiers(const struct tier_limits *limits)
{
    static const char *const names[N_TIERS] = {"host memory", "disk"};
    for (int i = 0; i < N_TIERS; i++) {
        const struct tier_level *level = &limits->levels[i];
        if (level->most_blocks > 0) {
            printf("%s: %" PRId64 " KV blocks a replica, each fetched in %.3f us\n",
                   names[i], level->most_blocks, (double)level->block_fs / 1e9);
        }
    }
}

static void print_pool(const struct pool *pool)
{
    const struct pool_config *config = pool->config;
    printf("\n; pool %s\n", config->name);
    if (pool->has_ledger) {
        table_ledger(stdout, config, &pool->ledger);
    }
    if (config->num_gpu_blocks > 0) {
        printf("num_gpu_blocks = %" PRId64 " is given and used%s\n",
               config->num_gpu_blocks,
               pool->has_ledger ? " instead of the ledger's" : "");
    }
    print_tiers(&pool->tiers);
    if (pool->has_hardware) {
        enum precision products = llm_compute_precision(
            &config->llm, (enum precision)config->llm.weight_precision);
        printf("ridge point %.1f FLOP per byte (%s, dense)\n",
               accelerator_ridge(&config->accelerator, products),
               precision_name(products));
    }
}

static int run(const struct command_line *line)
{
    struct arena arena = {0};
    struct config config;
    struct err err;
    struct pool *pools = NULL;
    int status = config_read(&config, line->operands[0], line->overrides,
                             line->n_overrides, &arena, &err);
    if (status == 0) {
        pools = memory_new((size_t)config.n_pools, sizeof *pools);
        status = run_pools(&config, pools, &err);
    }
    if (status == 0) {
        config_print(&config, stdout);
        for (int32_t i = 0; i < config.n_pools; i++) {
            print_pool(&pools[i]);
        }
        config_route_print(&config, stdout);
    } else {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    if (pools != NULL) {
        run_free_pools(&config, pools);
    }
    memory_arena_free(&arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_check = {
    .name = "check",
    .arguments = "CONFIG [-s section.key=value]...",
    .summary = "Prints the effective configuration and the memory ledger",
    .help = "Reads and checks CONFIG and all the files it names, and runs nothing.\n",
    .options = "s",
    .least_operands = 1,
    .most_operands = 1,
    .run = run,
};
