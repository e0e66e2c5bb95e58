/* servegen: ServeGen's description of a service as its clients.
 *
 * Source: Xiang et al., "ServeGen: Workload Characterization and Generation of Large
 * Language Model Serving in Production", arXiv 2505.09999; files of the repository
 * alibaba/ServeGen.  A folder has for each client
 *
 *   chunk-N-trace.csv     start_s,rate_rps,cv,family,param1,param2: a line per window
 *   chunk-N-dataset.json  how long its prompts and outputs are, if it is there
 *                         (input/servegen_lengths.h)
 *
 * Windows are driven from rate, cv and family.  The two parameters are not read: in a
 * quarter of the published windows they have another mean than 1 / rate.
 */
#ifndef SERVESIM_INPUT_SERVEGEN_H
#define SERVESIM_INPUT_SERVEGEN_H

#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "input/renewal.h"

struct servegen_lengths;

/* Until the next window begins. */
struct servegen_window {
    int64_t start_ns;
    double rate_per_s;
    double shape;
    enum renewal_family family;
};

struct servegen_client {
    const char *name; /* "chunk-7" */
    int64_t number;   /* 7 */
    struct servegen_window *windows;
    int32_t n_windows;                /* the last one has rate 0 and is the end */
    double n_requests;                /* expected */
    struct servegen_lengths *lengths; /* NULL: there is no such file */
};

/* 4,096 clients at most, of 10^6 lines each and 2 x 10^7 together; all in the arena. */
struct servegen {
    struct servegen_client *clients; /* in the order of their numbers */
    int32_t n_clients;
    int64_t from_ns; /* the part of the windows that counts */
    int64_t until_ns;
    double rate_per_s; /* mean of all clients together in that part */
};

enum { SERVEGEN_MOST_CLIENTS = 4096, SERVEGEN_MOST_WINDOWS = 1000000 };

/* Reads the folder.  Of its clients the `most` with the most requests from from_ns to
 * until_ns (0: the end of the last window) are kept. */
int servegen_read(struct servegen *servegen, const char *folder, int64_t most,
                  int64_t from_ns, int64_t until_ns, struct arena *arena,
                  struct err *err);

#endif
