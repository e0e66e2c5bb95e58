/* run: one simulation from a configuration: set up, run, write, tell. */
#ifndef SERVESIM_STUDY_RUN_H
#define SERVESIM_STUDY_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "engine/pool.h"
#include "input/config.h"
#include "output/metrics.h"

struct run_options {
    const char *folder; /* NULL: write no files */
    bool overwrite;
    bool stepwise;
    bool verify;    /* check every invariant after every instant: tests */
    FILE *verbose;  /* where to tell what the engine did; NULL: nowhere */
    FILE *warnings; /* NULL: nowhere */
    FILE *progress; /* a terminal, to count requests on; NULL: nowhere */
    const volatile sig_atomic_t
        *interrupted; /* becomes 1 to stop the run; NULL: never */
};

/* Runs it.  `metrics` is what summary.csv holds. */
int run_config(const struct config *config, const struct run_options *options,
               struct metrics *metrics, struct err *err);

/* Works out the configuration's pools without running anything.  `pools` are as many,
 * zeroed and malloc'ed; run_free_pools() frees them whatever run_pools() returned. */
int run_pools(const struct config *config, struct pool *pools, struct err *err);
void run_free_pools(const struct config *config, struct pool *pools);

/* Writes the effective configuration as config.ini of `folder`, with the hash of the trace
 * that was read; `title` is a comment above it. */
int run_write_config(const struct config *config, const char *folder, const char *title,
                     const char *sha256, struct err *err);

/* The same under another name than config.ini. */
int run_write_config_as(const struct config *config, const char *folder,
                        const char *name, const char *title, const char *sha256,
                        struct err *err);

/* The same of a configuration that was not run as it is, as of a study: the trace, if there
 * is one, is read for its hash. */
int run_write_unplayed(const struct config *config, const char *folder,
                       const char *title, struct err *err);

#endif
