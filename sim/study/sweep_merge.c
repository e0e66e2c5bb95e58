#include "study/sweep_merge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/folder.h"
#include "output/text.h"

/* The first folder's config.ini: those of the others differ in the trace's path at most. */
static int copy_config(const char *from, const char *to, struct err *err)
{
    char path[600];
    struct text text;
    snprintf(path, sizeof path, "%.500s/config.ini", from);
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        return err_set(err, "%s: cannot be opened: %s", path, strerror(errno));
    }
    if (text_open(&text, to, "config.ini", err) != 0) {
        fclose(in);
        return -1;
    }
    for (int c; (c = getc(in)) != EOF;) {
        text_printf(&text, "%c", c);
    }
    bool failed = ferror(in) != 0;
    fclose(in);
    int status = text_close(&text, err);
    return failed ? err_set(err, "%s: cannot be read", path) : status;
}

/* Reads which sweep the first folder holds, and that all others hold it. */
static int check_folders(struct sweep *sweep, const struct sweep_merge_request *request,
                         struct arena *arena, struct err *err)
{
    if (sweep_identity_read(&sweep->identity, request->folders[0], arena, err) != 0) {
        return -1;
    }
    for (int32_t i = 1; i < request->n_folders; i++) {
        struct arena passing = {0};
        struct sweep_identity other;
        const char *folder = request->folders[i];
        int status = sweep_identity_read(&other, folder, &passing, err);
        if (status == 0) {
            status =
                sweep_identity_compare(&sweep->identity, &other, folder, NULL, err);
        }
        memory_arena_free(&passing);
        if (status != 0) {
            return -1;
        }
    }
    sweep->identity.shard = 1;
    sweep->identity.n_shards = 1;
    if (grid_read(&sweep->grid, sweep->identity.overs, sweep->identity.n_overs,
                  SWEEP_MOST_POINTS, arena, err) != 0) {
        return -1;
    }
    if (sweep->grid.n_points != sweep->identity.n_points) {
        return err_set(err,
                       "%s/sweep.ini: says %" PRId64 " points, and its grid has "
                       "%" PRId64,
                       request->folders[0], sweep->identity.n_points,
                       sweep->grid.n_points);
    }
    sweep->n_points = sweep->grid.n_points;
    return 0;
}

/* How many points are missing, and which shards have them if all folders are of as many. */
static int tell_missing(const struct sweep *sweep,
                        const struct sweep_merge_request *request, struct arena *arena,
                        struct err *err)
{
    const int64_t most_told = 10;
    int64_t n_shards = 0;
    for (int32_t i = 0; i < request->n_folders; i++) {
        struct sweep_identity one;
        if (sweep_identity_read(&one, request->folders[i], arena, err) != 0) {
            return -1;
        }
        n_shards = i == 0 || one.n_shards == n_shards ? one.n_shards : 1;
    }
    char list[300] = "";
    size_t used = 0;
    int64_t n_told = 0;
    for (int64_t shard = 0; shard < n_shards && n_shards > 1; shard++) {
        bool is_whole = true;
        for (int64_t i = shard; i < sweep->n_points && is_whole; i += n_shards) {
            is_whole = sweep->journal.places[i].length > 0;
        }
        if (!is_whole && n_told++ < most_told) {
            used += (size_t)snprintf(list + used, sizeof list - used,
                                     "%s%" PRId64 "/%" PRId64, n_told > 1 ? ", " : "",
                                     shard + 1, n_shards);
        }
    }
    return err_set(err,
                   "merge: %" PRId64 " of %" PRId64 " points are missing%s%s%s; "
                   "--partial writes what is there",
                   sweep->n_points - sweep->journal.n_done, sweep->n_points,
                   n_told > 0 ? ", of shards " : "", list,
                   n_told > most_told ? " and others" : "");
}

static int write_files(struct sweep *sweep, const struct sweep_merge_request *request,
                       const char *folder, struct arena *arena, struct err *err)
{
    if (sweep_journal_open(&sweep->journal, folder, sweep->n_points, true, err) != 0) {
        return -1;
    }
    for (int32_t i = 0; i < request->n_folders; i++) {
        if (sweep_journal_merge(&sweep->journal, request->folders[i], err) != 0) {
            return -1;
        }
    }
    if (sweep->journal.n_done < sweep->n_points && !request->partial) {
        return tell_missing(sweep, request, arena, err);
    }
    if (copy_config(request->folders[0], folder, err) != 0 ||
        sweep_identity_write(&sweep->identity, folder, err) != 0 ||
        sweep_journal_sync(&sweep->journal, err) != 0 ||
        sweep_table_init(&sweep->table, &sweep->grid, &sweep->journal, err) != 0) {
        return -1;
    }
    return sweep_table_write(&sweep->table, folder, err);
}

int sweep_merge(struct sweep *sweep, const struct sweep_merge_request *request,
                struct arena *arena, struct err *err)
{
    struct folder folder;
    *sweep = (struct sweep){.request = {.folder = request->output}};
    if (check_folders(sweep, request, arena, err) != 0 ||
        (request->overwrite && sweep_journal_check_free(request->output, err) != 0) ||
        folder_create(&folder, request->output, request->overwrite, err) != 0) {
        return -1;
    }
    if (write_files(sweep, request, folder.temporary, arena, err) != 0) {
        folder_discard(&folder);
        return -1;
    }
    return folder_commit(&folder, err);
}
