#include "model/accelerator.h"

#define AT(member) offsetof(struct accelerator, member)

static const struct field fields[] = {
    {"memory", FIELD_BYTES, AT(memory_bytes), "GB", NULL, "0.001", "100000", NULL,
     "memory of one GPU that a process can use, as the driver reports it"},
    {"memory_bandwidth", FIELD_BANDWIDTH, AT(memory_bytes_per_s), "TB/s", NULL, "0.001",
     "1000", NULL, "peak memory bandwidth of one GPU"},
    {"bf16_flops", FIELD_FLOPS, AT(bf16_flop_per_s), "TFLOPS", NULL, "0.001", "1000000",
     NULL, "peak dense BF16 (or FP16) rate of one GPU"},
    {"link_bandwidth", FIELD_BANDWIDTH, AT(link_bytes_per_s), "GB/s", NULL, "0.001",
     "100000", NULL, "bandwidth to the other GPUs of the node, one direction"},
    {"idle_power", FIELD_POWER, AT(idle_mw), "W", NULL, "0", "100000", NULL,
     "power of one idle GPU with a process on it"},
    {"tdp", FIELD_POWER, AT(tdp_mw), "W", NULL, "0", "100000", NULL,
     "thermal design power of one GPU; no step draws more"},
    {"usd_per_hour", FIELD_NANO, AT(usd_per_hour_nano), "", NULL, "0", "1000000", NULL,
     "list price of one GPU-hour in US dollars"},
    {"power_active_share", FIELD_NANO, AT(active_share_nano), "", "0.25", "0", "1",
     NULL, "share of tdp - idle_power drawn whenever a step runs"},
    {"power_compute_share", FIELD_NANO, AT(compute_share_nano), "", "0.45", "0", "1",
     NULL, "further share drawn while the compute units work at their attainable rate"},
    {"power_memory_share", FIELD_NANO, AT(memory_share_nano), "", "0.3", "0", "1", NULL,
     "further share drawn while memory works at its attainable bandwidth"},
    {"accelerator_source", FIELD_TEXT, AT(source), "", "", NULL, NULL, NULL,
     "where these figures come from"},
};

const struct field_table accelerator_table = {
    .name = "accelerator",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};

double accelerator_ridge(const struct accelerator *accelerator)
{
    return (double)accelerator->bf16_flop_per_s /
           (double)accelerator->memory_bytes_per_s;
}
