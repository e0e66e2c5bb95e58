#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_world.h"

static void what_is_not_said_has_its_default(void **state)
{
    (void)state;
    struct config_world world;
    config_world_must(&world, TRACE_ONLY LINEAR, NULL);
    const struct config *config = &world.config;
    assert_string_equal(config->workload.trace, "t.csv");
    assert_string_equal(config->workload.trace_sha256, "");
    assert_int_equal(config->run.seed, 1);
    assert_int_equal(config->workload.rate_scale_nano, 1000000000);
    assert_int_equal(config->workload.rate_rps_nano, 0);
    assert_int_equal(config->workload.repeat, 1);
    assert_int_equal(config->workload.unservable, CONFIG_STOP);
    assert_int_equal(config->workload.client_timeout_ns, 0);
    assert_int_equal(config->slo.ttft_ns, 0);
    assert_int_equal(config->slo.attainment_nano, 990000000);
    assert_string_equal(config->route.policy, "round_robin");
    assert_int_equal(config->output.interval_ns, 10000000000);
    assert_int_equal(config->output.steps, 0);
    assert_int_equal(config->output.itl, 1);
    assert_int_equal(config->n_pools, 1);
    const struct pool_config *pool = config->pools;
    assert_string_equal(pool->name, "main");
    assert_int_equal(pool->n_replicas, 1);
    assert_int_equal(pool->block_tokens, 16);
    assert_int_equal(pool->utilization_nano, 900000000);
    assert_string_equal(pool->scheduler.batching, "unified");
    assert_int_equal(pool->scheduler.max_num_seqs, 256);
    assert_int_equal(pool->scheduler.max_num_batched_tokens, 8192);
    assert_int_equal(pool->scheduler.reserve_full_prompt, 0);
    assert_int_equal(pool->accelerator.memory_bytes, 0); /* nobody said */
    config_world_free(&world);
}

static void a_named_file_gives_what_the_pool_does_not_say(void **state)
{
    (void)state;
    struct config_world world;
    config_world_must(&world,
                      TRACE_ONLY HARDWARE "policy = vllm-v1\n"
                                          "max_num_seqs = 137\n"
                                          "usd_per_hour = 2.5\n"
                                          "layer_overhead_us = 13.7\n",
                      "pool.main.max_num_batched_tokens=4099");
    const struct pool_config *pool = world.config.pools;
    assert_int_equal(pool->accelerator.memory_bytes, 85520809984);
    assert_int_equal(pool->accelerator.bf16_flop_per_s, 989400000000000);
    assert_int_equal(pool->accelerator.usd_per_hour_nano, 2500000000);
    assert_int_equal(pool->llm.vocab, 128256);
    assert_int_equal(pool->constants.knee_tokens, 50); /* engine = vllm by default */
    assert_int_equal(pool->constants.layer_overhead_fs, 13700000000);
    assert_int_equal(pool->scheduler.max_num_seqs, 137);
    assert_int_equal(pool->scheduler.max_num_batched_tokens, 4099);
    assert_int_equal(pool->scheduler.reserve_full_prompt, 1);
    config_world_free(&world);
}

static void a_name_with_a_slash_or_an_ending_is_a_path(void **state)
{
    (void)state;
    static const char text[] = "[engine]\nmemory_efficiency = 0.5\n"
                               "compute_efficiency = 0.25\n";
    write_file("mine.ini", text, strlen(text));
    struct config_world world;
    config_world_must(&world, TRACE_ONLY HARDWARE "engine = mine.ini\n", NULL);
    assert_int_equal(world.config.pools->constants.memory_efficiency_nano, 500000000);
    assert_int_equal(world.config.pools->constants.knee_tokens, 0);
    config_world_free(&world);
    config_world_must(&world, TRACE_ONLY HARDWARE, "pool.main.engine=./mine.ini");
    assert_int_equal(world.config.pools->constants.compute_efficiency_nano, 250000000);
    config_world_free(&world);
    unlink("mine.ini");
}

/* Prints, reads that and prints again: twice the same, and no other file was needed. */
static void assert_fixed_point(const char *text, const char *override)
{
    struct config_world first;
    struct config_world second;
    config_world_must(&first, text, override);
    char *printed = config_world_print(&first);
    config_world_must(&second, printed, NULL);
    char *again = config_world_print(&second);
    assert_string_equal(again, printed);
    free(printed);
    free(again);
    config_world_free(&first);
    config_world_free(&second);
}

/* A model that drafts is read as a pool's own is: the file, and over it what stands in the
 * section; another file named with -s drops what a run wrote of the old one. */
static void a_drafter_is_a_file_and_what_the_section_says(void **state)
{
    (void)state;
    static const char text[] = TRACE_ONLY "[speculative]\nmethod = draft\n"
                                          "draft_model = llama-3.2-1b\n"
                                          "weight_precision = fp8\n" HARDWARE;
    struct config_world world;
    config_world_must(&world, text, NULL);
    const struct llm *draft = &world.config.pools[0].speculative.draft;
    assert_int_equal(draft->hidden, 2048);
    assert_int_equal(draft->weight_precision, PRECISION_FP8);
    assert_int_equal(world.config.pools[0].llm.hidden, 4096);
    char *printed = config_world_print(&world);
    config_world_free(&world);
    config_world_must(&world, printed, "speculative.draft_model=llama-3.2-3b");
    draft = &world.config.pools[0].speculative.draft;
    assert_int_equal(draft->hidden, 3072);
    assert_int_equal(draft->weight_precision, PRECISION_BF16);
    free(printed);
    config_world_free(&world);
}

static void a_printed_configuration_reads_back_as_itself(void **state)
{
    (void)state;
    assert_fixed_point(TRACE_ONLY LINEAR, NULL);
    assert_fixed_point(TRACE_ONLY LINEAR "base_us = 0.000137\nusd_per_hour = 2.5\n"
                                         "replicas = 13\nblock_size = 7\n",
                       "slo.ttft_ms=13.7us");
    assert_fixed_point(TRACE_ONLY HARDWARE "policy = vllm-v1\n",
                       "workload.rate_scale=0.0137");
    assert_fixed_point(TRACE_ONLY "[tenant.a]\nacceptance = 0.41\n[speculative]\n"
                                  "method = draft\ndraft_model = llama-3.2-1b\n"
                                  "layers = 7\n" HARDWARE,
                       "speculative.acceptance_by_position=0.8 0.6, 0.5");
    assert_fixed_point("[run]\nseed = 9223372036854775807\n"
                       "[workload]\ntrace = a day.csv.zst\nrate_rps = 4.099\n"
                       "limit = 4099\nrepeat = 13\nunservable = reject\n"
                       "on_bad_row = skip\nclient_timeout = 13.7min\nwarmup = 1 ns\n"
                       "[slo]\ntpot_ms = 50.5\nattainment = 0.137\n"
                       "[route]\npolicy = least_requests\n"
                       "[output]\ninterval = 137us\nsteps = yes\nitl = no\n"
                       "[pool.my_pool-7]\naccelerator = rtx-4090\n"
                       "model = llama-3.1-70b\nengine = ideal\n"
                       "tensor_parallel = 4\nroofline = step\nnum_gpu_blocks = 4099\n",
                       NULL);
}

static void kinds_of_layers_precisions_and_layouts_read_back_as_themselves(void **state)
{
    (void)state;
    assert_fixed_point(TRACE_ONLY
                       "[pool.main]\naccelerator = b200-sxm\nmodel = deepseek-v3\n"
                       "weight_precision = nvfp4\nattention_precision = int4\n"
                       "expert_precision = mxfp4\nhead_precision = fp8\n"
                       "kv_precision = int8\ncompute_precision = fp4\nsparsity = 2:4\n"
                       "window = 2048\nwindow_layers = 61\nindex_heads = 64\n"
                       "index_head_dim = 128\ntensor_parallel = 2\n"
                       "pipeline_parallel = 3\ndata_parallel = 4\n"
                       "expert_parallel = yes\nscale = 1.37\noverlap = 0.3\n"
                       "attention_kernel = naive\nlink = pcie\n",
                       NULL);
    struct config_world world;
    config_world_must(&world,
                      TRACE_ONLY "[pool.main]\naccelerator = h100-sxm\n"
                                 "model = gpt-oss-120b\n",
                      NULL);
    const struct pool_config *pool = world.config.pools;
    assert_int_equal(pool->llm.expert_precision, PRECISION_MXFP4);
    assert_int_equal(pool->llm.attention_precision, PRECISION_SAME);
    assert_int_equal(pool->llm.moe_layer_step, 1);
    assert_int_equal(pool->layout.pp, 1);
    assert_int_equal(pool->layout.expert_parallel, 0);
    assert_int_equal(pool->cost.scale_nano, 1000000000);
    config_world_free(&world);
}

static void a_price_or_power_of_zero_reads_back_as_zero(void **state)
{
    (void)state;
    assert_fixed_point(TRACE_ONLY HARDWARE "usd_per_hour = 0\n", NULL);
    assert_fixed_point(TRACE_ONLY HARDWARE "idle_power = 0\n", NULL);
}

static void a_printed_configuration_needs_none_of_the_files_it_names(void **state)
{
    (void)state;
    static const char text[] = "[accelerator]\nmemory = 137GB\n"
                               "memory_bandwidth = 4.099TB/s\nbf16_flops = 919\n"
                               "link_bandwidth = 13.7\nidle_power = 7\ntdp = 1009\n"
                               "usd_per_hour = 0.0137\n";
    write_file("gone.ini", text, strlen(text));
    struct config_world first;
    struct config_world second;
    config_world_must(&first,
                      TRACE_ONLY "[pool.a]\naccelerator = gone.ini\n"
                                 "model = llama-3.1-8b\n",
                      NULL);
    char *printed = config_world_print(&first);
    unlink("gone.ini");
    config_world_must(&second, printed, NULL);
    assert_int_equal(second.config.pools->accelerator.memory_bytes_per_s,
                     4099000000000);
    free(printed);
    config_world_free(&first);
    config_world_free(&second);
}

static void each_mistake_in_the_sections_is_told_whole(void **state)
{
    (void)state;
    assert_config_refused(
        LINEAR, NULL,
        "run.ini: [workload] must give 'trace' (a file of requests) or "
        "'generator' (a description that they are drawn from)");
    assert_config_refused(
        "[workload]\nlimit = 7\n" LINEAR, NULL,
        "run.ini:1: [workload] must give 'trace' (a file of requests) "
        "or 'generator' (a description that they are drawn from)");
    assert_config_refused(TRACE_ONLY "generator = w.ini\n" LINEAR, NULL,
                          "run.ini: [workload] trace and generator: give one of them");
    assert_config_refused(
        TRACE_ONLY LINEAR "[slos]\nttft_ms = 13\n", NULL,
        "run.ini:6: unknown section [slos] (expected one of run, workload, "
        "slo, speculative, lora, tenant.NAME, pool.NAME, scale.POOL, sleep, route, "
        "admit, offload, disaggregate, fail, power, price, output, study, capacity, "
        "size, tune, over)");
    assert_config_refused(TRACE_ONLY "limits = 7\n" LINEAR, NULL,
                          "run.ini:3: [workload] unknown key 'limits' (did you mean "
                          "'limit'?)");
    assert_config_refused(TRACE_ONLY LINEAR "turbo_boost = 7\n", NULL,
                          "run.ini:6: [pool.main] unknown key 'turbo_boost' (see "
                          "'servesim list keys')");
    assert_config_refused(TRACE_ONLY "unservable = ignore\n" LINEAR, NULL,
                          "run.ini:3: unservable: 'ignore' is not one of stop, reject");
    assert_config_refused(TRACE_ONLY LINEAR, "slo.attainment=1.37",
                          "-s slo.attainment=1.37: '1.37' is greater than 1");
    assert_config_refused(
        TRACE_ONLY "rate_scale = 2.5\nrate_rps = 13\n" LINEAR, NULL,
        "run.ini: [workload] rate_rps and rate_scale: give one of them");
    assert_config_refused(
        TRACE_ONLY "mode = closed\n" LINEAR, NULL,
        "run.ini: [workload] concurrency: must be given with mode = closed");
    assert_config_refused(
        TRACE_ONLY "concurrency = 13\n" LINEAR, NULL,
        "run.ini: [workload] concurrency: clients wait for answers with mode = "
        "closed only");
    assert_config_refused(
        TRACE_ONLY "mode = closed\nconcurrency = 13\nrate_rps = 7\n" LINEAR, NULL,
        "run.ini: [workload] rate_rps: has no meaning with mode = closed, where a "
        "request is sent when another has left");
}

static void each_mistake_about_pools_is_told_whole(void **state)
{
    (void)state;
    assert_config_refused(
        TRACE_ONLY, NULL,
        "run.ini: no [pool.NAME] section says what serves the requests");
    assert_config_refused(TRACE_ONLY "[pool.]\ncost = linear\n", NULL,
                          "run.ini:3: '[pool.]' is no section name (at most 49 "
                          "letters, digits, '_', '-' and, between others, '.')");
    assert_config_refused(TRACE_ONLY "[pool.a.b]\ncost = linear\n", NULL,
                          "run.ini:3: [pool.a.b]: a pool's name is letters, digits, "
                          "'_' and '-'");
    assert_config_refused(
        TRACE_ONLY "[pool.main]\naccelerator = h101\n", NULL,
        "run.ini:4: accelerator: 'h101' is not known: there is no "
        "configs/accelerators/h101.ini (see 'servesim list accelerators')");
    assert_config_refused(TRACE_ONLY HARDWARE, "pool.main.engine=vlm",
                          "-s pool.main.engine=vlm: 'vlm' is not known: there is no "
                          "configs/engines/vlm.ini (see 'servesim list engines')");
}

static void each_mistake_in_a_named_file_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *sentence;
    } cases[] = {
        {"[engine]\nmemory_efficiency = 0.5\n",
         "run.ini:3: [pool.main] must give 'compute_efficiency' (share of the dense "
         "peak FLOP rate that kernels reach)"},
        {"[engine]\nmemory_efficiency = 1.37\n",
         "./mine.ini:2: memory_efficiency: '1.37' is greater than 1"},
        {"[engines]\nmemory_efficiency = 0.5\n",
         "./mine.ini:1: unknown section [engines] (expected one of engine)"},
        {"[engine]\nmemory_eficiency = 0.5\n",
         "./mine.ini:2: [engine] unknown key 'memory_eficiency' (did you mean "
         "'memory_efficiency'?)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file("mine.ini", cases[i].text, strlen(cases[i].text));
        assert_config_refused(TRACE_ONLY HARDWARE "engine = ./mine.ini\n", NULL,
                              cases[i].sentence);
    }
    unlink("mine.ini");
}

/* Every shipped file of a kind loads as what its folder says; how many there are. */
static int load_all(const struct config_pool_preset *preset)
{
    char roots[CONFIG_POOL_ROOTS][400];
    char path[500];
    int n = 0;
    config_pool_roots(roots); /* [1]: where servesim was built from */
    snprintf(path, sizeof path, "%s/configs/%s", roots[1], preset->folder);
    DIR *listing = opendir(path);
    assert_non_null(listing);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length < 5 || strcmp(entry->d_name + length - 4, ".ini") != 0) {
            continue;
        }
        char text[600];
        struct config_world world;
        snprintf(text, sizeof text, TRACE_ONLY "[pool.main]\n%s = %.*s\n", preset->key,
                 (int)length - 4, entry->d_name);
        config_world_must(&world, text, NULL);
        config_world_free(&world);
        n++;
    }
    closedir(listing);
    return n;
}

static void every_shipped_file_loads(void **state)
{
    (void)state;
    for (int i = 0; i < CONFIG_POOL_PRESETS; i++) {
        assert_true(load_all(&config_pool_presets[i]) >= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_has_its_default),
        cmocka_unit_test(a_named_file_gives_what_the_pool_does_not_say),
        cmocka_unit_test(a_name_with_a_slash_or_an_ending_is_a_path),
        cmocka_unit_test(a_drafter_is_a_file_and_what_the_section_says),
        cmocka_unit_test(a_printed_configuration_reads_back_as_itself),
        cmocka_unit_test(
            kinds_of_layers_precisions_and_layouts_read_back_as_themselves),
        cmocka_unit_test(a_price_or_power_of_zero_reads_back_as_zero),
        cmocka_unit_test(a_printed_configuration_needs_none_of_the_files_it_names),
        cmocka_unit_test(each_mistake_in_the_sections_is_told_whole),
        cmocka_unit_test(each_mistake_about_pools_is_told_whole),
        cmocka_unit_test(each_mistake_in_a_named_file_is_told_with_its_place),
        cmocka_unit_test(every_shipped_file_loads),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
