#include "output/usage_columns.h"

static const struct column timeline[] = {
    {"t_s", "s", "end of the interval"},
    {"pool", "", "name of the pool"},
    {"replicas", "", "of it"},
    {"running", "requests",
     "that run, in the mean over the interval, as are the others"},
    {"waiting", "requests", "that wait"},
    {"kv_used_blocks", "blocks", "KV blocks that requests hold"},
    {"kv_total_blocks", "blocks", "KV blocks that there are, without the null block"},
    {"kv_used_fraction", "", "kv_used_blocks of kv_total_blocks"},
    {"batch_tokens", "tokens", "tokens in the step that runs"},
    {"prefill_tokens_per_s", "tokens/s", "prompt tokens computed"},
    {"decode_tokens_per_s", "tokens/s", "tokens computed while decoding"},
    {"mfu", "", "FLOPs over what the dense peak allows; empty without hardware"},
    {"mbu", "", "bytes moved over what the peak bandwidth allows; likewise"},
    {"bound", "", "what bounds most of the time of steps; idle: there was no step"},
    {"power_w", "W", "of the GPUs of the pool"},
    {"usd_per_h", "usd/h", "price of its replicas"},
};

static const struct column replicas[] = {
    {"replica", "", "its number, 0, 1, 2 ..."},
    {"pool", "", "name of its pool"},
    {"busy_s", "s", "time in which a step ran"},
    {"idle_s", "s", "time in which it could have"},
    {"starting_s", "s", "time in which it started"},
    {"failed_s", "s", "time in which it had failed"},
    {"steps", "", "steps run"},
    {"prefill_tokens", "tokens", "prompt tokens computed"},
    {"decode_tokens", "tokens", "tokens computed while decoding"},
    {"mean_batch", "requests", "that ran, in the mean over busy_s"},
    {"peak_batch", "requests", "that ran at most"},
    {"mean_kv_used_fraction", "", "of its KV blocks, held by requests"},
    {"peak_kv_used_fraction", "", "of its KV blocks, held at most"},
    {"preemptions", "", "how often a request had to give way"},
    {"mfu", "", "FLOPs over what the dense peak allows; empty without hardware"},
    {"mbu", "", "bytes moved over what the peak bandwidth allows; likewise"},
    {"compute_bound_share", "", "of the time of steps, bound by compute"},
    {"weight_bound_share", "", "bound by reading weights"},
    {"kv_bound_share", "", "bound by reading the KV cache"},
    {"network_bound_share", "", "bound by the network and other transfers"},
    {"overhead_bound_share", "", "bound by what takes time whatever is computed"},
    {"energy_j", "J", "of its GPUs"},
    {"cost_usd", "usd", "of the time that is paid for"},
};

const struct columns usage_columns_timeline = {
    .file = "timeline.csv",
    .help = "one row per interval and pool",
    .list = timeline,
    .n = sizeof timeline / sizeof timeline[0],
};

const struct columns usage_columns_replicas = {
    .file = "replicas.csv",
    .help = "one row per replica",
    .list = replicas,
    .n = sizeof replicas / sizeof replicas[0],
};
