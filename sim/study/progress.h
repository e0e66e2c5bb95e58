/* progress: how far a study is and when it will be done, on a terminal's last line.
 *
 * A pipe sees nothing.  Safe from several threads.
 */
#ifndef SERVESIM_STUDY_PROGRESS_H
#define SERVESIM_STUDY_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *out; /* NULL: nobody is told */
    const char *what;
    int64_t n_done;
    int64_t n; /* 0: not known how many there will be */
    double begun_s;
    double told_s;
    pthread_mutex_t lock;
};

/* Tells on standard error if that is a terminal and `quiet` is not set. */
void progress_start(struct progress *progress, const char *what, int64_t n, bool quiet);

/* So many more are done. */
void progress_add(struct progress *progress, int64_t n);

/* Wipes the line. */
void progress_end(struct progress *progress);

#endif
