/* disaggregate: prompts in one pool, outputs in another: what is sent, and over what.
 *
 * What a prefill replica has computed of a request goes to the decode replica as its model's
 * KV cache: the bytes of every token in every layer that keeps it (of layers with a window
 * the last tokens only), in the prefill pool's kv_precision, and the constant state of
 * linear layers.  With `overlap = layerwise` layers are sent while later ones are being
 * computed: at the end of the prompt's last step what is left is what that step was too
 * short for, and always the last layer's part.
 *
 * Each way a replica has the bandwidth of its own GPUs, which all its transfers share, and
 * a node, where node_bandwidth says so, less than that of its GPUs together
 * (engine/link.h).  Replicas of a pool fill nodes in order; a replica that is larger than
 * a node has nodes of its own.  Pools do not share nodes.
 */
#ifndef SERVESIM_ENGINE_DISAGGREGATE_H
#define SERVESIM_ENGINE_DISAGGREGATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/field.h"
#include "engine/pool.h"

enum disaggregate_policy { DISAGGREGATE_PLAIN, DISAGGREGATE_SPLITWISE };
enum disaggregate_links { DISAGGREGATE_NODE, DISAGGREGATE_INFINITE };
enum disaggregate_overlap { DISAGGREGATE_AFTER, DISAGGREGATE_LAYERWISE };

struct disaggregate_config {
    int64_t policy;            /* enum disaggregate_policy */
    int64_t min_prompt_tokens; /* shorter ones are prefilled where they decode */
    int64_t overflow_tokens;   /* splitwise: waiting at a prefill replica */
    int64_t overlap;           /* enum disaggregate_overlap */
    int64_t links;             /* enum disaggregate_links */
    int64_t latency_ns;
    int64_t gpu_bytes_per_s;  /* 0: the accelerator's node_bandwidth */
    int64_t node_bytes_per_s; /* 0: what its GPUs have together */
    int64_t kv_bytes;         /* per token; 0: the model's */
};

enum { DISAGGREGATE_FIELDS = 9 };
extern const struct field disaggregate_fields[DISAGGREGATE_FIELDS];

/* Bytes of the KV cache of a sequence's first `tokens` tokens. */
int64_t disaggregate_bytes(const struct disaggregate_config *config,
                           const struct pool *pool, int64_t tokens);

/* What is left of them when the last step of the prompt, which took `step_ns`, has ended. */
int64_t disaggregate_left(const struct disaggregate_config *config,
                          const struct pool *pool, int64_t bytes, int64_t step_ns);

/* Bytes per second of a replica's own GPUs, each way; of the nodes that it stands in, or
 * that it fills; 0: unbounded. */
int64_t disaggregate_replica_bandwidth(const struct disaggregate_config *config,
                                       const struct pool *pool);
int64_t disaggregate_node_bandwidth(const struct disaggregate_config *config,
                                    const struct pool *pool);

/* How many replicas of the pool stand in one node. */
int64_t disaggregate_per_node(const struct pool *pool);

#endif
