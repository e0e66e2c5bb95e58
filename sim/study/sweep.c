#include "study/sweep.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/parallel.h"
#include "output/folder.h"
#include "study/run.h"
#include "study/sweep_point.h"

/* Files of a new sweep: everything is there but points. */
static int write_files(struct sweep *sweep, const char *folder, struct err *err)
{
    struct sweep_journal journal;
    struct config told = sweep->base;
    told.study.overs = sweep->identity.overs; /* to be swept again */
    told.study.n_overs = sweep->identity.n_overs;
    int status = run_write_config(&told, folder,
                                  "What a sweep of servesim " SERVESIM_VERSION
                                  " varied: sweep.csv has the points.",
                                  sweep->identity.trace, err);
    if (status == 0) {
        status = sweep_identity_write(&sweep->identity, folder, err);
    }
    if (status == 0) {
        status = sweep_journal_open(&journal, folder, sweep->grid.n_points, true, err);
        if (status == 0) {
            status = sweep_table_update(&sweep->grid, &journal, folder, err);
        }
        sweep_journal_close(&journal);
    }
    return status;
}

static int create(struct sweep *sweep, struct err *err)
{
    struct folder folder;
    const struct sweep_request *request = &sweep->request;
    if (request->overwrite && sweep_journal_check_free(request->folder, err) != 0) {
        return -1;
    }
    if (folder_create(&folder, request->folder, request->overwrite, err) != 0) {
        return -1;
    }
    if (write_files(sweep, folder.temporary, err) != 0) {
        folder_discard(&folder);
        return -1;
    }
    return folder_commit(&folder, err);
}

/* Whether the folder that is there holds this sweep and this shard of it. */
static int check_folder(const struct sweep *sweep, struct arena *arena, struct err *err)
{
    struct sweep_identity there;
    const struct sweep_identity *here = &sweep->identity;
    const char *folder = sweep->request.folder;
    if (sweep_identity_read(&there, folder, arena, err) != 0) {
        char reason[sizeof err->text];
        snprintf(reason, sizeof reason, "%s", err->text);
        return err_set(err, "-o %.1000s", reason);
    }
    if (sweep_identity_compare(here, &there, folder, &sweep->base, err) != 0) {
        char reason[sizeof err->text];
        snprintf(reason, sizeof reason, "%s", err->text);
        return err_set(err, "-o %.900s; --overwrite starts afresh", reason);
    }
    if (here->shard != there.shard || here->n_shards != there.n_shards) {
        return err_set(
            err,
            "-o %.500s: holds shard %" PRId64 "/%" PRId64 " of this sweep, not %" PRId64
            "/%" PRId64 ": each shard has a folder of its own",
            folder, there.shard, there.n_shards, here->shard, here->n_shards);
    }
    return 0;
}

/* So many of the points of this shard are in the journal. */
static int64_t count_done(const struct sweep *sweep)
{
    int64_t n = 0;
    const struct sweep_request *request = &sweep->request;
    for (int64_t i = request->shard - 1; i < sweep->grid.n_points;
         i += request->n_shards) {
        n += sweep->journal.places[i].length > 0;
    }
    return n;
}

static int set_folder(struct sweep *sweep, struct arena *arena, struct err *err)
{
    struct stat info;
    const char *folder = sweep->request.folder;
    bool exists = stat(folder, &info) == 0 && !sweep->request.overwrite;
    if (exists && !S_ISDIR(info.st_mode)) {
        return err_set(err, "-o %s: exists and is not a folder", folder);
    }
    if (exists ? check_folder(sweep, arena, err) : create(sweep, err)) {
        return -1;
    }
    if (sweep_journal_open(&sweep->journal, folder, sweep->grid.n_points, false, err) !=
        0) {
        return -1;
    }
    sweep->n_resumed = count_done(sweep);
    return 0;
}

int sweep_open(struct sweep *sweep, const struct sweep_request *request,
               struct arena *arena, struct err *err)
{
    *sweep = (struct sweep){.request = *request};
    if (config_read(&sweep->base, request->path, request->overrides,
                    request->n_overrides, arena, err) != 0 ||
        grid_choose(&sweep->grid, &sweep->base, request->overs, request->n_overs,
                    SWEEP_MOST_POINTS, arena, err) != 0) {
        return -1;
    }
    if (strcmp(sweep->base.workload.trace, "-") == 0) {
        return err_set(err,
                       "%s: [workload] trace: '-' is standard input, which cannot be "
                       "read once per point",
                       sweep->base.file);
    }
    bool given = request->n_overs > 0;
    struct sweep_identity_source source = {
        .path = request->path,
        .overrides = request->overrides,
        .n_overrides = request->n_overrides,
        .base = &sweep->base,
        .grid = &sweep->grid,
        .overs = given ? request->overs : sweep->base.study.overs,
        .n_overs = given ? request->n_overs : sweep->base.study.n_overs,
    };
    if (sweep_identity_init(&sweep->identity, &source, err) != 0 ||
        sweep_point_check_any(sweep, err) != 0) {
        return -1;
    }
    sweep->identity.shard = request->shard;
    sweep->identity.n_shards = request->n_shards;
    int64_t n = sweep->grid.n_points - (request->shard - 1);
    sweep->n_points = n <= 0 ? 0 : (n + request->n_shards - 1) / request->n_shards;
    return set_folder(sweep, arena, err);
}

int sweep_check_any(const struct sweep_table *table, struct err *err)
{
    if (table->n_failed == 0 || table->n_failed < table->n_done) {
        return 0;
    }
    struct arena arena = {0};
    struct grid_point point;
    grid_point(&point, table->grid, table->first_failed, &arena);
    int status = err_set(err, "sweep: %.200s: %.780s", point.label, table->first_error);
    memory_arena_free(&arena);
    return status;
}

int sweep_run(struct sweep *sweep, const struct sweep_options *options, struct err *err)
{
    int status = sweep_point_run_all(sweep, options, err);
    struct err second;
    /* What is there is worth a table whatever happened. */
    struct err *told = status == 0 ? err : &second;
    if (sweep_table_init(&sweep->table, &sweep->grid, &sweep->journal, told) != 0 ||
        sweep_table_write(&sweep->table, sweep->request.folder, told) != 0) {
        status = -1;
    }
    return status;
}

void sweep_close(struct sweep *sweep)
{
    sweep_table_free(&sweep->table);
    sweep_journal_close(&sweep->journal);
}
