#include "model/accelerator.h"

#define AT(member) offsetof(struct accelerator, member)

static const struct field fields[] = {
    {"memory", FIELD_BYTES, AT(memory_bytes), "GB", NULL, "0.001", "100000", NULL,
     "memory of one GPU that a process can use, as the driver reports it"},
    {"memory_bandwidth", FIELD_BANDWIDTH, AT(memory_bytes_per_s), "TB/s", NULL, "0.001",
     "1000", NULL, "peak memory bandwidth of one GPU"},
    {"bf16_flops", FIELD_FLOPS, AT(bf16_flop_per_s), "TFLOPS", NULL, "0.001", "1000000",
     NULL, "peak dense BF16 (or FP16) rate of one GPU"},
    {"fp8_flops", FIELD_FLOPS, AT(fp8_flop_per_s), "TFLOPS", "0", "0", "1000000", NULL,
     "peak dense FP8 rate; 0: has no such units"},
    {"int8_flops", FIELD_FLOPS, AT(int8_flop_per_s), "TFLOPS", "0", "0", "1000000",
     NULL, "peak dense INT8 rate, in 10^12 operations/s; 0: has no such units"},
    {"fp4_flops", FIELD_FLOPS, AT(fp4_flop_per_s), "TFLOPS", "0", "0", "1000000", NULL,
     "peak dense FP4 rate; 0: has no such units"},
    {"sparse_speedup", FIELD_NANO, AT(sparse_speedup_nano), "", "1", "1", "4", NULL,
     "factor on the rates with 2:4 sparse weights; 1: the hardware has no such mode"},
    {"link", FIELD_CHOICE, AT(link), "", "fabric", NULL, NULL, "fabric|pcie",
     "how the GPUs of a node reach each other: NVLink, ICI and their like, or PCIe"},
    {"link_bandwidth", FIELD_BANDWIDTH, AT(link_bytes_per_s), "GB/s", NULL, "0.001",
     "100000", NULL, "bandwidth to the other GPUs of the node, one direction"},
    {"node_bandwidth", FIELD_BANDWIDTH, AT(node_bytes_per_s), "GB/s", "50", "0.001",
     "100000", NULL, "bandwidth of one GPU to other nodes, one direction"},
    {"gpus_per_node", FIELD_COUNT, AT(gpus_per_node), "", "8", "1", "100000", NULL,
     "GPUs that share the link"},
    {"idle_power", FIELD_POWER, AT(idle_mw), "W", NULL, "0", "100000", NULL,
     "power of one idle GPU with a process on it"},
    {"tdp", FIELD_POWER, AT(tdp_mw), "W", NULL, "0", "100000", NULL,
     "thermal design power of one GPU; no step draws more"},
    {"usd_per_hour", FIELD_NANO, AT(usd_per_hour_nano), "", NULL, "0", "1000000", NULL,
     "list price of one GPU-hour in US dollars; 0: none known"},
    {"usd_per_hour_reserved", FIELD_NANO, AT(usd_per_hour_reserved_nano), "", "0", "0",
     "1000000", NULL, "price of one GPU-hour that is reserved; 0: none known"},
    {"usd_per_hour_spot", FIELD_NANO, AT(usd_per_hour_spot_nano), "", "0", "0",
     "1000000", NULL, "price of one spot GPU-hour; 0: none known"},
    {"capex_usd", FIELD_NANO, AT(capex_usd_nano), "", "0", "0", "10000000", NULL,
     "price of one GPU with its share of the server, bought; 0: none known"},
    {"power_active_share", FIELD_NANO, AT(active_share_nano), "", "0.25", "0", "1",
     NULL, "share of tdp - idle_power drawn whenever a step runs"},
    {"power_compute_share", FIELD_NANO, AT(compute_share_nano), "", "0.45", "0", "1",
     NULL, "further share drawn while the compute units work at their attainable rate"},
    {"power_memory_share", FIELD_NANO, AT(memory_share_nano), "", "0.3", "0", "1", NULL,
     "further share drawn while memory works at its attainable bandwidth"},
    {"power_uncertainty", FIELD_NANO, AT(power_uncertainty_nano), "", "0.25", "0", "1",
     NULL, "share by which energy may be off either way: a judgement"},
    {"power_source", FIELD_TEXT, AT(power_source), "", "", NULL, NULL, NULL,
     "where tdp, idle_power and the shares of power come from"},
    {"price_source", FIELD_TEXT, AT(price_source), "", "", NULL, NULL, NULL,
     "whose list price, read when; its first word is the vendor"},
    {"reserved_source", FIELD_TEXT, AT(reserved_source), "", "", NULL, NULL, NULL,
     "the same of usd_per_hour_reserved"},
    {"spot_source", FIELD_TEXT, AT(spot_source), "", "", NULL, NULL, NULL,
     "the same of usd_per_hour_spot"},
    {"capex_source", FIELD_TEXT, AT(capex_source), "", "", NULL, NULL, NULL,
     "the same of capex_usd"},
    {"accelerator_source", FIELD_TEXT, AT(source), "", "", NULL, NULL, NULL,
     "where these figures come from"},
    {"confidence", FIELD_CHOICE, AT(confidence), "", "medium", NULL, NULL,
     "low|medium|high", "how well the sources agree"},
    {"release_year", FIELD_COUNT, AT(release_year), "", "0", "0", "2100", NULL,
     "year of the first shipments; 0: not said"},
};

const struct field_table accelerator_table = {
    .name = "accelerator",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};

static int64_t given_or(int64_t rate, int64_t other)
{
    return rate > 0 ? rate : other;
}

int64_t accelerator_flop_per_s(const struct accelerator *accelerator,
                               enum precision precision)
{
    int64_t bf16 = accelerator->bf16_flop_per_s;
    switch (precision) {
    case PRECISION_FP8:
        return given_or(accelerator->fp8_flop_per_s, bf16);
    case PRECISION_INT8:
        return given_or(accelerator->int8_flop_per_s, bf16);
    case PRECISION_FP4:
    case PRECISION_MXFP4:
    case PRECISION_NVFP4:
        return given_or(accelerator->fp4_flop_per_s, bf16);
    case PRECISION_BF16:
    case PRECISION_INT4:
    case N_PRECISIONS:
        break;
    }
    return bf16;
}

double accelerator_ridge(const struct accelerator *accelerator,
                         enum precision precision)
{
    return (double)accelerator_flop_per_s(accelerator, precision) /
           (double)accelerator->memory_bytes_per_s;
}
