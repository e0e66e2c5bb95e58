#include "model/constants.h"

#define AT(member) offsetof(struct constants, member)

static const struct field fields[] = {
    {"memory_efficiency", FIELD_NANO, AT(memory_efficiency_nano), "", NULL, "0.01", "1",
     NULL, "share of the peak memory bandwidth that kernels reach"},
    {"compute_efficiency", FIELD_NANO, AT(compute_efficiency_nano), "", NULL, "0.01",
     "1", NULL, "share of the dense peak FLOP rate that kernels reach"},
    {"mixed_attention_efficiency", FIELD_NANO, AT(mixed_attention_efficiency_nano), "",
     "1", "0.01", "1", NULL,
     "further factor on KV bandwidth in steps that mix prefill and decode"},
    {"link_efficiency", FIELD_NANO, AT(link_efficiency_nano), "", "1", "0.01", "1",
     NULL, "share of the link bandwidth that collectives reach"},
    {"knee_tokens", FIELD_COUNT, AT(knee_tokens), "", "0", "0", "100000", NULL,
     "tokens added to every GEMM's FLOPs: small batches do not reach the peak rate"},
    {"activation_traffic", FIELD_NANO, AT(activation_traffic_nano), "", "0", "0",
     "1000", NULL,
     "activation reads and writes per layer, in units of the hidden vector"},
    {"step_overhead_us", FIELD_FEMTO, AT(step_overhead_fs), "us", "0", "0", "1000000",
     NULL, "fixed time of a step: scheduling, launch, sampling"},
    {"layer_overhead_us", FIELD_FEMTO, AT(layer_overhead_fs), "us", "0", "0", "1000000",
     NULL, "fixed time of a layer on one GPU"},
    {"layer_overhead_tp_us", FIELD_FEMTO, AT(layer_overhead_tp_fs), "us", "0", "0",
     "1000000", NULL, "fixed time of a layer with tensor_parallel > 1"},
    {"sequence_overhead_us", FIELD_FEMTO, AT(sequence_overhead_fs), "us", "0", "0",
     "1000000", NULL, "time of a step per decoding sequence"},
    {"allreduce_latency_us", FIELD_FEMTO, AT(allreduce_latency_fs), "us", "0", "0",
     "1000000", NULL, "latency of one all-reduce, two per layer"},
    {"overlap", FIELD_NANO, AT(overlap_nano), "", "1", "0", "1", NULL,
     "1: compute and memory traffic overlap fully (max), 0: not at all (sum)"},
    {"frontend_ms", FIELD_TIME, AT(frontend_ns), "ms", "0", "0", "3600000", NULL,
     "API server and tokenizer: the scheduler sees a request this long after its "
     "arrival"},
    {"sampler_bytes_per_logit", FIELD_COUNT, AT(sampler_bytes_per_logit), "", "0", "0",
     "1000", NULL, "memory of the sampler per sequence and vocabulary entry"},
    {"runtime_memory", FIELD_BYTES, AT(runtime_bytes), "GB", "0", "0", "1000", NULL,
     "memory of CUDA graphs, workspaces and communication buffers on one GPU"},
    {"engine_source", FIELD_TEXT, AT(source), "", "", NULL, NULL, NULL,
     "where these constants come from"},
};

const struct field_table constants_table = {
    .name = "engine",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};
