#include "study/sweep_point.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/wide.h"
#include "study/progress.h"
#include "study/run.h"

/* sweep.csv is written anew this often, or so rarely that it takes a twentieth. */
static const double every_s = 2;
static const double patience = 20;

static int read_config(const struct sweep *sweep, int64_t at, struct config *config,
                       struct arena *arena, struct err *err)
{
    struct grid_point point;
    const struct sweep_request *request = &sweep->request;
    grid_point(&point, &sweep->grid, at, arena);
    const char **overrides = grid_overrides(&point, &sweep->grid, request->overrides,
                                            request->n_overrides, arena);
    int32_t n = request->n_overrides + sweep->grid.n_keys;
    if (config_read(config, request->path, overrides, n, arena, err) != 0) {
        return -1;
    }
    if (strcmp(config->workload.trace, "-") == 0) {
        return err_set(err,
                       "%s: [workload] trace: '-' is standard input, which cannot be "
                       "read once per point",
                       config->file);
    }
    return 0;
}

int sweep_point_check_any(const struct sweep *sweep, struct err *err)
{
    const int64_t most = 10000;
    int64_t n = sweep->grid.n_points;
    for (int64_t i = 0; i < n && i < most; i++) {
        /* a prime step: no axis repeats with it */
        int64_t at = n <= most ? i : (int64_t)((wide)i * 2147483647 % n);
        struct arena arena = {0};
        struct config config;
        struct err fault;
        bool is_good = read_config(sweep, at, &config, &arena, &fault) == 0;
        if (i == 0 && !is_good) {
            struct grid_point point;
            grid_point(&point, &sweep->grid, at, &arena);
            err_set(err, "sweep: %.200s: %.780s", point.label, fault.text);
        }
        memory_arena_free(&arena);
        if (is_good) {
            return 0;
        }
    }
    return -1;
}

/* What a file was when the sweep began. */
struct source {
    const char *path;
    struct stat info;
};

struct playing {
    struct sweep *sweep;
    const struct sweep_options *options;
    struct progress progress;
    struct source sources[2]; /* the configuration and its trace */
    pthread_mutex_t lock;     /* of what follows */
    bool is_writing;          /* sweep.csv */
    double next_s;
    bool failed;
    struct err *err;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Rows before and after a change of these would not belong together. */
static int check_sources(const struct playing *playing, struct err *err)
{
    for (size_t i = 0; i < 2; i++) {
        const struct source *source = &playing->sources[i];
        struct stat now;
        bool is_same =
            source->path[0] == '\0' ||
            (stat(source->path, &now) == 0 && now.st_dev == source->info.st_dev &&
             now.st_ino == source->info.st_ino && now.st_size == source->info.st_size &&
             now.st_mtim.tv_sec == source->info.st_mtim.tv_sec &&
             now.st_mtim.tv_nsec == source->info.st_mtim.tv_nsec);
        if (!is_same) {
            return err_set(err, "%s: was changed while the sweep was running",
                           source->path);
        }
    }
    return 0;
}

/* The first failure is the one that is told; nothing is begun after it. */
static bool fail(struct playing *playing, const struct err *err)
{
    CHECK(pthread_mutex_lock(&playing->lock) == 0);
    if (!playing->failed) {
        playing->failed = true;
        *playing->err = *err;
    }
    CHECK(pthread_mutex_unlock(&playing->lock) == 0);
    return false;
}

/* GPUs of the replicas at the start; pools that take turns on the same ones count once. */
static int64_t count_gpus(const struct config *config)
{
    int64_t n = 0;
    for (int32_t i = 0; i < config->n_pools; i++) {
        const struct pool_config *pool = &config->pools[i];
        bool shares = pool->shares_with[0] != '\0';
        n += shares ? 0 : pool->n_replicas * layout_gpus(&pool->layout);
    }
    return n;
}

static void add_per_gpu(struct metrics *metrics, const struct config *config)
{
    int64_t n = count_gpus(config);
    const char *throughput = metrics_value(metrics, "output_throughput");
    metrics_integer(metrics, "gpus", n, "");
    if (throughput[0] != '\0' && n > 0) {
        metrics_real(metrics, "output_throughput_per_gpu",
                     strtod(throughput, NULL) / (double)n, 6, "tok/s");
    }
}

/* The same sentence wherever the files are: less their folders. */
static const char *without_folder(const char *text, const char *path)
{
    size_t length = strlen(path);
    const char *slash = strrchr(path, '/');
    bool begins = length > 0 && strncmp(text, path, length) == 0;
    return begins && slash != NULL ? text + (slash + 1 - path) : text;
}

/* Runs it; true and `error` filled if it cannot be. */
static bool is_refused(const struct playing *playing, int64_t at,
                       struct metrics *metrics, struct err *error)
{
    struct arena arena = {0};
    struct config config;
    const struct sweep_options *options = playing->options;
    struct run_options run = {
        .warnings = at == 0 ? options->warnings : NULL,
        .interrupted = options->interrupted,
    };
    struct err err;
    const char *trace = "";
    int status = read_config(playing->sweep, at, &config, &arena, &err);
    if (status == 0) {
        trace = config.workload.trace;
        status = run_config(&config, &run, metrics, &err);
    }
    if (status == 0) {
        add_per_gpu(metrics, &config);
    } else {
        const char *text = without_folder(err.text, playing->sweep->request.path);
        text = without_folder(text, trace);
        memcpy(error->text, text, strlen(text) + 1);
    }
    memory_arena_free(&arena);
    return status != 0;
}

/* Writes sweep.csv if it is time to and nobody else does. */
static int update(struct playing *playing, struct err *err)
{
    double begun_s = now_s();
    CHECK(pthread_mutex_lock(&playing->lock) == 0);
    bool is_mine = !playing->is_writing && begun_s >= playing->next_s;
    playing->is_writing = playing->is_writing || is_mine;
    CHECK(pthread_mutex_unlock(&playing->lock) == 0);
    if (!is_mine) {
        return 0;
    }
    struct sweep *sweep = playing->sweep;
    int status = sweep_journal_sync(&sweep->journal, err);
    if (status == 0) {
        status = sweep_table_update(&sweep->grid, &sweep->journal,
                                    sweep->request.folder, err);
    }
    double end_s = now_s();
    double wait_s = patience * (end_s - begun_s);
    CHECK(pthread_mutex_lock(&playing->lock) == 0);
    playing->next_s = end_s + (wait_s > every_s ? wait_s : every_s);
    playing->is_writing = false;
    CHECK(pthread_mutex_unlock(&playing->lock) == 0);
    return status;
}

static bool play_one(void *state, int32_t i)
{
    struct playing *playing = state;
    struct sweep *sweep = playing->sweep;
    const struct sweep_request *request = &sweep->request;
    const volatile sig_atomic_t *interrupted = playing->options->interrupted;
    int64_t at = request->shard - 1 + i * request->n_shards;
    struct err error;
    struct err err;
    if (sweep->journal.places[at].length > 0) {
        return true;
    }
    if (*interrupted) {
        return false;
    }
    struct metrics *metrics = memory_new(1, sizeof *metrics);
    bool refused = is_refused(playing, at, metrics, &error);
    bool counts = !*interrupted;
    int status = counts ? check_sources(playing, &err) : 0;
    if (counts && status == 0) {
        status = sweep_journal_add(&sweep->journal, at, metrics,
                                   refused ? error.text : NULL, &err);
    }
    free(metrics);
    if (counts && status == 0) {
        progress_add(&playing->progress, 1);
        status = update(playing, &err);
    }
    return status == 0 ? counts : fail(playing, &err);
}

static int interrupt(const struct sweep *sweep, struct err *err)
{
    int64_t n = 0;
    const struct sweep_request *request = &sweep->request;
    for (int64_t i = request->shard - 1; i < sweep->grid.n_points;
         i += request->n_shards) {
        n += sweep->journal.places[i].length > 0;
    }
    if (n == sweep->n_points) {
        return 0;
    }
    return err_set(err,
                   "interrupted: %" PRId64 " of %" PRId64 " points are done; run the "
                   "same command again to go on",
                   n, sweep->n_points);
}

int sweep_point_run_all(struct sweep *sweep, const struct sweep_options *options,
                        struct err *err)
{
    struct playing playing = {
        .sweep = sweep,
        .options = options,
        .sources = {{.path = sweep->request.path},
                    {.path = sweep->base.workload.trace}},
        .next_s = now_s() + every_s,
        .err = err,
    };
    for (size_t i = 0; i < 2; i++) {
        struct source *source = &playing.sources[i];
        if (source->path[0] != '\0' && stat(source->path, &source->info) != 0) {
            return err_set(err, "%s: cannot be found any more", source->path);
        }
    }
    CHECK(pthread_mutex_init(&playing.lock, NULL) == 0);
    progress_start(&playing.progress, "sweep", sweep->n_points - sweep->n_resumed,
                   options->quiet);
    parallel_each((int32_t)sweep->n_points, options->n_threads, play_one, &playing);
    progress_end(&playing.progress);
    pthread_mutex_destroy(&playing.lock);
    int status = playing.failed ? -1 : 0;
    if (status == 0) {
        status = sweep_journal_sync(&sweep->journal, err);
    }
    return status == 0 && *options->interrupted ? interrupt(sweep, err) : status;
}
