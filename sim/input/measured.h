/* measured: what was measured on real servers, as CSV, for `calibrate` and `validate`.
 *
 * Five kinds of rows, told apart by a column that only one of them has:
 *
 *   closed   conc       a fixed number of clients, each sends when it is answered
 *   open     stages     requests at given rates: one row per stage, or for all of them
 *   step     batch_size one batch: its prompt and its mean decode step
 *   request  arrival_s  one request each, all of one file on one server
 *   server   t_s        one interval of a server's own metrics
 *
 * Values become integers from their text.  A cell of an optional column may be empty or
 * the column missing: it is then MEASURED_NONE, "" for a text, or what is said below.
 */
#ifndef SERVESIM_INPUT_MEASURED_H
#define SERVESIM_INPUT_MEASURED_H

#include <stdint.h>

#include "base/err.h"

enum { MEASURED_NONE = -1, MEASURED_TEXT = 128, MEASURED_STAGES = 16 };

enum measured_kind {
    MEASURED_CLOSED,
    MEASURED_OPEN,
    MEASURED_STEP,
    MEASURED_REQUEST,
    MEASURED_SERVER,
    MEASURED_KINDS
};

/* What ran where.  `system` is the column `system` or `hardware`. */
struct measured_server {
    char source[MEASURED_TEXT];
    char day[MEASURED_TEXT];
    char backend[MEASURED_TEXT];
    char backend_version[MEASURED_TEXT];
    char model[MEASURED_TEXT];
    char system[MEASURED_TEXT];
    char precision[MEASURED_TEXT];
    char split[MEASURED_TEXT];
    int64_t tensor_parallel; /* these four: 1 if not given */
    int64_t pipeline_parallel;
    int64_t data_parallel; /* of attention */
    int64_t expert_parallel;
};

struct measured_closed {
    int64_t prompt_tokens; /* nominal */
    int64_t output_tokens;
    int64_t
        range_ratio_nano; /* lengths are even in [ratio, 1] x nominal; 1 if not given */
    int64_t concurrency;  /* all clients together */
    int64_t ttft_ns;      /* means */
    int64_t tpot_ns;
};

struct measured_stage {
    int64_t rate_nano; /* requests per second */
    int64_t length_ns;
};

struct measured_open {
    char experiment[MEASURED_TEXT];
    char workload[MEASURED_TEXT];
    int64_t stage; /* which of `stages` the row is about; -1: all of them */
    int64_t n_stages;
    struct measured_stage stages[MEASURED_STAGES];
    int64_t max_num_batched_tokens;
    int64_t max_num_seqs;
    int64_t total_kv_blocks;
    int64_t gpu_memory_utilization_nano;
    int64_t system_prompt_tokens; /* shared by all; 0 if not given */
    int64_t question_tokens;
    int64_t output_tokens;
    int64_t ttft_mean_ns;
    int64_t ttft_p90_ns;
    int64_t ttft_p99_ns;
    int64_t e2e_mean_ns;
    int64_t e2e_p90_ns;
    int64_t e2e_p99_ns;
    int64_t itl_mean_ns;
};

struct measured_step {
    int64_t prompt_tokens; /* of each sequence */
    int64_t batch_size;
    int64_t output_tokens;
    int64_t prompt_ns; /* the step that computes all prompts */
    int64_t token_ns;  /* the mean decode step after it */
};

struct measured_request {
    char id[MEASURED_TEXT];
    int64_t arrival_ns;
    int64_t prompt_tokens;
    int64_t output_tokens;
    int64_t sched_delay_ns;
    int64_t queued_ns;
    int64_t ttft_ns;
    int64_t tpot_ns; /* none for an output of one token */
    int64_t latency_ns;
};

/* `running`, `waiting` and `kv_used` are as the scrape at `t` found them; the rest is what
 * happened since the row above. */
struct measured_interval {
    int64_t t_ns;
    int64_t running_nano; /* means over servers and scrapes need not be whole */
    int64_t waiting_nano;
    int64_t kv_used_nano; /* 1: all blocks */
    int64_t n_preemptions;
    int64_t prefix_hit_tokens;
    int64_t prefix_query_tokens;
    int64_t prompt_tokens;
    int64_t generation_tokens;
    int64_t ttft_mean_ns;
    int64_t itl_mean_ns;
    int64_t e2e_mean_ns;
    int64_t n_requests; /* that finished */
};

struct measured_row {
    int64_t line;
    struct measured_server server; /* not in requests and intervals */
    union {
        struct measured_closed closed;
        struct measured_open open;
        struct measured_step step;
        struct measured_request request;
        struct measured_interval interval;
    };
};

struct measured;

/* Opens a file ("-": standard input; it may be compressed) and reads its first line.
 * NULL and `err` if it cannot; otherwise measured_close() it. */
struct measured *measured_open(const char *path, struct err *err);

enum measured_kind measured_kind(const struct measured *measured);

/* The file as errors name it. */
const char *measured_name(const struct measured *measured);

/* The next row: 1 and `row` filled, 0 at the end, -1 and `err` filled. */
int measured_next(struct measured *measured, struct measured_row *row, struct err *err);

void measured_close(struct measured *measured);

#endif
