#include "engine/pool_scheduler.h"

#include <stdbool.h>
#include <string.h>

#define AT(member) offsetof(struct pool_scheduler, member)

static const struct field fields[] = {
    {"batching", FIELD_TEXT, AT(batching), "", "unified", NULL, NULL, NULL,
     "batching discipline: see 'servesim list batching'"},
    {"order", FIELD_TEXT, AT(order), "", "fcfs", NULL, NULL, NULL,
     "order of the waiting queue: see 'servesim list order'"},
    {"preempt", FIELD_CHOICE, AT(preempt), "", "auto", NULL, NULL,
     "recompute|swap|none|auto",
     "what happens to the KV cache of a sequence that gives way; none: nobody does, "
     "blocks for the whole output are kept from the start; auto: none for static, "
     "dynamic and orca, else recompute"},
    {"victim", FIELD_CHOICE, AT(victim), "", "auto", NULL, NULL,
     "last|order|fewest_outputs|auto",
     "who gives way where blocks lack: the last admitted, the last in the order, or "
     "who has the fewest tokens of output; auto: order where that ranks running "
     "requests, else last"},
    {"preemptive_order", FIELD_CHOICE, AT(preemptive_order), "", "auto", NULL, NULL,
     "no|yes|auto",
     "a running request gives way to a waiting one that the order puts first; auto: "
     "with srpt and mlfq"},
    {"admission", FIELD_CHOICE, AT(admission), "", "fits", NULL, NULL, "fits|forecast",
     "forecast: admit only while the peak memory of all running outputs fits "
     "(LightLLM)"},
    {"max_num_seqs", FIELD_COUNT, AT(max_num_seqs), "", "256", "1", "1000000", NULL,
     "most sequences running at once"},
    {"max_num_batched_tokens", FIELD_COUNT, AT(max_num_batched_tokens), "", "8192", "1",
     "1000000000", NULL, "token budget of a step"},
    {"long_prefill_token_threshold", FIELD_COUNT, AT(long_prefill_token_threshold), "",
     "0", "0", "1000000000", NULL,
     "most prefill tokens of one request in a step; 0: no limit"},
    {"reserve_full_prompt", FIELD_FLAG, AT(reserve_full_prompt), "", "no", NULL, NULL,
     NULL, "admit a request only when blocks for its whole prompt are free"},
    {"enable_prefix_caching", FIELD_FLAG, AT(enable_prefix_caching), "", "yes", NULL,
     NULL, NULL, "requests whose prompts begin alike share KV blocks"},
    {"enable_chunked_prefill", FIELD_CHOICE, AT(enable_chunked_prefill), "", "auto",
     NULL, NULL, "no|yes|auto",
     "a prompt may be computed in pieces (unified, prefill_first); auto: not with "
     "prefill_first"},
    {"max_num_partial_prefills", FIELD_COUNT, AT(max_num_partial_prefills), "", "0",
     "0", "1000000", NULL,
     "most requests with prefill tokens in a step (unified); 0: no limit"},
    {"watermark", FIELD_NANO, AT(watermark_nano), "", "0", "0", "0.9", NULL,
     "share of the KV blocks that admission leaves free (prefill_first)"},
    {"delay_factor", FIELD_NANO, AT(delay_factor_nano), "", "0", "0", "1000000", NULL,
     "hold prompts back until the oldest has waited this many times the last prefill "
     "step (prefill_first)"},
    {"decode_iterations", FIELD_COUNT, AT(decode_iterations), "", "0", "0", "1000000",
     NULL,
     "decode steps between looks for new requests (prefill_first); 0: look always"},
    {"max_output_tokens", FIELD_COUNT, AT(max_output_tokens), "", "0", "0",
     "1000000000", NULL,
     "max_tokens of every request, for policies that reserve or forecast; 0: its own "
     "output length"},
    {"padding", FIELD_FLAG, AT(padding), "", "no", NULL, NULL, NULL,
     "prompts of a batch cost as much as its longest (static, dynamic)"},
    {"preferred_batch_sizes", FIELD_TEXT, AT(preferred_batch_sizes), "", "", NULL, NULL,
     NULL, "sizes to wait for, such as 4 8 (dynamic)"},
    {"max_queue_delay_us", FIELD_TIME, AT(max_queue_delay_ns), "us", "0", "0",
     "1000000000000", NULL, "longest wait for more requests (dynamic)"},
    {"max_queue_size", FIELD_COUNT, AT(max_queue_size), "", "0", "0", "1000000000",
     NULL, "requests beyond this many waiting are shed; 0: no limit"},
    {"queue_timeout_us", FIELD_TIME, AT(queue_timeout_ns), "us", "0", "0",
     "1000000000000", NULL,
     "a request that has waited longer meets queue_timeout_action (dynamic); 0: never"},
    {"queue_timeout_action", FIELD_CHOICE, AT(queue_timeout_action), "", "reject", NULL,
     NULL, "reject|delay",
     "reject: the request is shed; delay: it goes behind all others"},
    {"chunked_prefill_size", FIELD_COUNT, AT(chunked_prefill_size), "", "0", "0",
     "1000000000", NULL, "most prefill tokens of a step (sglang); 0: no chunks"},
    {"enable_mixed_chunk", FIELD_FLAG, AT(enable_mixed_chunk), "", "no", NULL, NULL,
     NULL, "decodes join steps with prefill (sglang)"},
    {"schedule_conservativeness", FIELD_NANO, AT(conservativeness_nano), "", "1", "0",
     "1000", NULL, "how much of outputs to come is kept free at first (sglang)"},
    {"clip_max_new_tokens", FIELD_COUNT, AT(clip_max_new_tokens), "", "4096", "1",
     "1000000000", NULL,
     "outputs are taken to be no longer than this at admission (sglang)"},
    {"chunk_stages", FIELD_COUNT, AT(chunk_stages), "", "1", "1", "1000", NULL,
     "stages of a prompt with chunks from chunk_high down to chunk_low (sarathi)"},
    {"chunk_high", FIELD_COUNT, AT(chunk_high), "", "0", "0", "1000000000", NULL,
     "chunk at the beginning of a prompt, with chunk_stages"},
    {"chunk_low", FIELD_COUNT, AT(chunk_low), "", "0", "0", "1000000000", NULL,
     "chunk at the end of the longest prompt, with chunk_stages"},
    {"aging_ms", FIELD_TIME, AT(aging_ns), "ms", "0", "0", "1000000", NULL,
     "waiting that outweighs one level of priority (order = priority); 0: none does"},
    {"mlfq_levels", FIELD_COUNT, AT(mlfq_levels), "", "4", "1", "30", NULL,
     "levels of the queue (order = mlfq)"},
    {"mlfq_quantum", FIELD_COUNT, AT(mlfq_quantum), "", "32", "1", "1000000000", NULL,
     "tokens of output after which a request leaves the first level; twice as many in "
     "each level below (order = mlfq)"},
    {"mlfq_prefill_tokens", FIELD_COUNT, AT(mlfq_prefill_tokens), "", "64", "1",
     "1000000000", NULL,
     "tokens of prompt that weigh as much as one of output (order = mlfq)"},
    {"mlfq_promote_ms", FIELD_TIME, AT(mlfq_promote_ns), "ms", "0", "0", "1000000000",
     NULL,
     "a request that has waited this long goes to the first level (order = mlfq); 0: "
     "never"},
    {"predictor", FIELD_CHOICE, AT(predictor), "", "perfect", NULL, NULL,
     "perfect|noisy|bucketed|none",
     "what orders are told of output lengths: the truth, the truth with an error, its "
     "bucket, nothing"},
    {"predictor_error", FIELD_NANO, AT(predictor_error_nano), "", "0.3", "0", "100",
     NULL, "mean of |predicted - true| over the true length (predictor = noisy)"},
    {"predictor_bucket", FIELD_COUNT, AT(predictor_bucket), "", "128", "1",
     "1000000000", NULL, "tokens of a bucket (predictor = bucketed)"},
    {"swap_blocks", FIELD_COUNT, AT(swap_blocks), "", "0", "0", "1000000000000", NULL,
     "KV blocks of host memory (preempt = swap); 0: no limit"},
    {"swap_block_us", FIELD_FEMTO, AT(swap_block_fs), "us", "0", "0", "1000000", NULL,
     "time to move a block; 0: its bytes over host_bandwidth"},
    {"host_bandwidth", FIELD_BANDWIDTH, AT(host_bytes_per_s), "GB/s", "25", "0.001",
     "100000", NULL, "between one GPU and host memory"},
    {"policy_source", FIELD_TEXT, AT(source), "", "", NULL, NULL, NULL,
     "the system and version that these settings mirror"},
};

int64_t pool_scheduler_next_size(const char **at)
{
    const int64_t most = 1000000000;
    const char *from = *at + strspn(*at, " ,");
    size_t n_digits = strspn(from, "0123456789");
    int64_t size = 0;
    for (size_t i = 0; i < n_digits; i++) {
        size = size * 10 + (from[i] - '0');
        size = size < most ? size : most;
    }
    *at = from + n_digits;
    if (from[0] == '\0') {
        return 0;
    }
    bool ends = **at == '\0' || **at == ' ' || **at == ',';
    return size > 0 && ends ? size : -1;
}

const struct field_table pool_scheduler_table = {
    .name = "scheduler",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};
