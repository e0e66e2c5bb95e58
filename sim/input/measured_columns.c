#include "input/measured_columns.h"

/* Rows of the tables below; the offsets are those of struct measured_row. */
#define AT(member) offsetof(struct measured_row, member)
#define NEEDED(name, type, member)                 \
    {                                              \
        name, MEASURED_##type, true, AT(member), 0 \
    }
#define OPTIONAL(name, type, member, standard)             \
    {                                                      \
        name, MEASURED_##type, false, AT(member), standard \
    }

static const struct measured_column closed[] = {
    NEEDED("model", NAME, server.model),
    NEEDED("prec", NAME, server.precision),
    NEEDED("isl", ORDINAL, closed.prompt_tokens),
    NEEDED("osl", ORDINAL, closed.output_tokens),
    NEEDED("conc", ORDINAL, closed.concurrency),
    NEEDED("ttft_ms", POSITIVE_MS, closed.ttft_ns),
    NEEDED("tpot_ms", POSITIVE_MS, closed.tpot_ns),
    OPTIONAL("system", NAME, server.system, 0),
    OPTIONAL("hardware", NAME, server.system, 0),
    OPTIONAL("src", NAME, server.source, 0),
    OPTIONAL("day", NAME, server.day, 0),
    OPTIONAL("backend", NAME, server.backend, 0),
    OPTIONAL("backend_version", NAME, server.backend_version, 0),
    OPTIONAL("range_ratio", FRACTION, closed.range_ratio_nano, 1000000000),
    OPTIONAL("tp", ORDINAL, server.tensor_parallel, 1),
    OPTIONAL("pp", ORDINAL, server.pipeline_parallel, 1),
    OPTIONAL("dp", ORDINAL, server.data_parallel, 1),
    OPTIONAL("ep", ORDINAL, server.expert_parallel, 1),
    OPTIONAL("split", NAME, server.split, 0),
};

static const struct measured_column opened[] = {
    NEEDED("model", NAME, server.model),
    NEEDED("precision", NAME, server.precision),
    NEEDED("stages", STAGE_LIST, open.stages),
    NEEDED("question_len", ORDINAL, open.question_tokens),
    NEEDED("output_len", ORDINAL, open.output_tokens),
    NEEDED("ttft_mean_ms", POSITIVE_MS, open.ttft_mean_ns),
    NEEDED("e2e_mean_ms", POSITIVE_MS, open.e2e_mean_ns),
    OPTIONAL("system", NAME, server.system, 0),
    OPTIONAL("hardware", NAME, server.system, 0),
    OPTIONAL("experiment", NAME, open.experiment, 0),
    OPTIONAL("workload", NAME, open.workload, 0),
    OPTIONAL("stage", STAGE, open.stage, MEASURED_NONE),
    OPTIONAL("tp", ORDINAL, server.tensor_parallel, 1),
    OPTIONAL("max_num_batched_tokens", ORDINAL, open.max_num_batched_tokens,
             MEASURED_NONE),
    OPTIONAL("max_num_seqs", ORDINAL, open.max_num_seqs, MEASURED_NONE),
    OPTIONAL("total_kv_blocks", ORDINAL, open.total_kv_blocks, MEASURED_NONE),
    OPTIONAL("gpu_mem_util", FRACTION, open.gpu_memory_utilization_nano, MEASURED_NONE),
    OPTIONAL("system_prompt_len", COUNT, open.system_prompt_tokens, 0),
    OPTIONAL("ttft_p90_ms", MS, open.ttft_p90_ns, MEASURED_NONE),
    OPTIONAL("ttft_p99_ms", MS, open.ttft_p99_ns, MEASURED_NONE),
    OPTIONAL("e2e_p90_ms", MS, open.e2e_p90_ns, MEASURED_NONE),
    OPTIONAL("e2e_p99_ms", MS, open.e2e_p99_ns, MEASURED_NONE),
    OPTIONAL("itl_mean_ms", MS, open.itl_mean_ns, MEASURED_NONE),
};

static const struct measured_column steps[] = {
    NEEDED("model", NAME, server.model),
    NEEDED("prompt_size", ORDINAL, step.prompt_tokens),
    NEEDED("batch_size", ORDINAL, step.batch_size),
    NEEDED("token_size", ORDINAL, step.output_tokens),
    NEEDED("prompt_time", POSITIVE_MS, step.prompt_ns),
    NEEDED("token_time", POSITIVE_MS, step.token_ns),
    OPTIONAL("system", NAME, server.system, 0),
    OPTIONAL("hardware", NAME, server.system, 0),
    OPTIONAL("precision", NAME, server.precision, 0),
    OPTIONAL("tensor_parallel", ORDINAL, server.tensor_parallel, 1),
};

static const struct measured_column requests[] = {
    NEEDED("arrival_s", S, request.arrival_ns),
    NEEDED("prompt_tokens", ORDINAL, request.prompt_tokens),
    NEEDED("output_tokens", ORDINAL, request.output_tokens),
    NEEDED("ttft_ms", MS, request.ttft_ns),
    NEEDED("latency_ms", MS, request.latency_ns),
    OPTIONAL("id", NAME, request.id, 0),
    OPTIONAL("sched_delay_ms", MS, request.sched_delay_ns, MEASURED_NONE),
    OPTIONAL("queued_s", S, request.queued_ns, MEASURED_NONE),
    OPTIONAL("tpot_ms", MS, request.tpot_ns, MEASURED_NONE),
};

static const struct measured_column intervals[] = {
    NEEDED("t_s", S, interval.t_ns),
    OPTIONAL("running", NANO, interval.running_nano, MEASURED_NONE),
    OPTIONAL("waiting", NANO, interval.waiting_nano, MEASURED_NONE),
    OPTIONAL("kv_used_fraction", FRACTION, interval.kv_used_nano, MEASURED_NONE),
    OPTIONAL("preemptions", COUNT, interval.n_preemptions, MEASURED_NONE),
    OPTIONAL("prefix_hits", COUNT, interval.prefix_hit_tokens, MEASURED_NONE),
    OPTIONAL("prefix_queries", COUNT, interval.prefix_query_tokens, MEASURED_NONE),
    OPTIONAL("prompt_tokens", COUNT, interval.prompt_tokens, MEASURED_NONE),
    OPTIONAL("generation_tokens", COUNT, interval.generation_tokens, MEASURED_NONE),
    OPTIONAL("ttft_mean_ms", MS, interval.ttft_mean_ns, MEASURED_NONE),
    OPTIONAL("itl_mean_ms", MS, interval.itl_mean_ns, MEASURED_NONE),
    OPTIONAL("e2e_mean_ms", MS, interval.e2e_mean_ns, MEASURED_NONE),
    OPTIONAL("n_requests", COUNT, interval.n_requests, MEASURED_NONE),
};

#define COLUMNS(table) table, sizeof table / sizeof *table

const struct measured_columns measured_columns_all[MEASURED_KINDS] = {
    [MEASURED_CLOSED] = {"closed loop", "conc", COLUMNS(closed)},
    [MEASURED_OPEN] = {"open loop", "stages", COLUMNS(opened)},
    [MEASURED_STEP] = {"steps", "batch_size", COLUMNS(steps)},
    [MEASURED_REQUEST] = {"requests", "arrival_s", COLUMNS(requests)},
    [MEASURED_SERVER] = {"a server's metrics", "t_s", COLUMNS(intervals)},
};

static bool is_whole(wide mantissa, int exponent)
{
    for (; exponent < 0 && mantissa % 10 == 0 && mantissa != 0; exponent++) {
        mantissa /= 10;
    }
    return mantissa == 0 || exponent >= 0;
}

bool measured_columns_allows(enum measured_type type, wide mantissa, int exponent,
                             int64_t value)
{
    const int64_t most = 1000000000;
    switch (type) {
    case MEASURED_COUNT:
        return is_whole(mantissa, exponent) && value >= 0;
    case MEASURED_ORDINAL:
        return is_whole(mantissa, exponent) && value >= 1 && value <= most;
    case MEASURED_STAGE:
        return is_whole(mantissa, exponent) && value >= -1 && value <= most;
    case MEASURED_FRACTION:
        return value >= 0 && value <= most;
    case MEASURED_NANO:
    case MEASURED_S:
    case MEASURED_MS:
        return value >= 0;
    case MEASURED_POSITIVE_MS:
        return value > 0;
    case MEASURED_NAME:
    case MEASURED_STAGE_LIST:
        break;
    }
    return false;
}

const char *measured_columns_expect(enum measured_type type)
{
    switch (type) {
    case MEASURED_COUNT:
        return "is not a whole number of 0 or more";
    case MEASURED_ORDINAL:
        return "is not a whole number from 1 to 1000000000";
    case MEASURED_STAGE:
        return "is not a stage, counted from 0, or -1 for all of them";
    case MEASURED_FRACTION:
        return "is not a number from 0 to 1";
    case MEASURED_NANO:
        return "is not a number of 0 or more";
    case MEASURED_S:
        return "is not a time in seconds of 0 or more";
    case MEASURED_MS:
        return "is not a time in milliseconds of 0 or more";
    case MEASURED_POSITIVE_MS:
        return "is not a time in milliseconds of more than 0";
    case MEASURED_NAME:
    case MEASURED_STAGE_LIST:
        break;
    }
    return "";
}
