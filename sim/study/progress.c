#include "study/progress.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

/* Only people see it: no result depends on this clock. */
static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void progress_start(struct progress *progress, const char *what, int64_t n, bool quiet)
{
    *progress = (struct progress){
        .out = !quiet && isatty(STDERR_FILENO) == 1 ? stderr : NULL,
        .what = what,
        .n = n,
        .begun_s = now_s(),
    };
    pthread_mutex_init(&progress->lock, NULL);
}

static void print_left(FILE *out, double left_s)
{
    int64_t s = (int64_t)(left_s + 0.5);
    if (s >= 3600) {
        fprintf(out, ", %" PRId64 " h %" PRId64 " min left", s / 3600, s / 60 % 60);
    } else if (s >= 60) {
        fprintf(out, ", %" PRId64 " min %" PRId64 " s left", s / 60, s % 60);
    } else {
        fprintf(out, ", %" PRId64 " s left", s);
    }
}

void progress_add(struct progress *progress, int64_t n)
{
    if (progress->out == NULL) {
        return;
    }
    const double every_s = 0.2;
    pthread_mutex_lock(&progress->lock);
    progress->n_done += n;
    double now = now_s();
    if (now - progress->told_s >= every_s) {
        progress->told_s = now;
        fprintf(progress->out, "\r\033[K%s: %" PRId64, progress->what,
                progress->n_done);
        if (progress->n > 0) {
            fprintf(progress->out, " of %" PRId64, progress->n);
        }
        if (progress->n > progress->n_done && progress->n_done > 0) {
            print_left(progress->out, (now - progress->begun_s) /
                                          (double)progress->n_done *
                                          (double)(progress->n - progress->n_done));
        }
        fflush(progress->out);
    }
    pthread_mutex_unlock(&progress->lock);
}

void progress_end(struct progress *progress)
{
    if (progress->out != NULL && progress->told_s > 0) {
        fputs("\r\033[K", progress->out);
    }
    pthread_mutex_destroy(&progress->lock);
}
