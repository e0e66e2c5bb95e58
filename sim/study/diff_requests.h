/* diff_requests: the same requests in two runs, row by row. */
#ifndef SERVESIM_STUDY_DIFF_REQUESTS_H
#define SERVESIM_STUDY_DIFF_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wide.h"

enum { DIFF_REQUESTS_SHOWN = 5, DIFF_REQUESTS_ID = 80 };

enum diff_requests_time {
    DIFF_REQUESTS_TTFT,
    DIFF_REQUESTS_TPOT,
    DIFF_REQUESTS_E2E,
    N_DIFF_REQUESTS_TIMES
};

/* How one latency changed, of requests that have it in both runs. */
struct diff_requests_change {
    int64_t n;
    int64_t n_faster;
    int64_t n_slower;
    wide sum_ns; /* of after - before */
};

struct diff_requests_one {
    char id[DIFF_REQUESTS_ID];
    int64_t before_ns; /* its E2E */
    int64_t after_ns;
};

struct diff_requests {
    int64_t n_rows[2]; /* of each file */
    int64_t n_both;    /* the same requests: the first so many rows of both */
    int64_t n_differ;  /* of these, anything of the row is different */
    int64_t n_only[2]; /* of these, completed in one run only */
    bool is_other; /* the row behind them is another request, not the end of a file */
    struct diff_requests_change changes[N_DIFF_REQUESTS_TIMES];
    struct diff_requests_one
        slower[DIFF_REQUESTS_SHOWN]; /* those most so, in E2E ... */
    struct diff_requests_one faster[DIFF_REQUESTS_SHOWN];
    int32_t n_slower;
    int32_t n_faster;
};

/* Reads requests.csv of both folders, side by side. */
int diff_requests_read(struct diff_requests *requests, const char *const folders[2],
                       struct err *err);

/* "ttft_s" ... */
const char *diff_requests_name(enum diff_requests_time which);

#endif
