#include "study/sweep_identity.h"

#include <errno.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/decimal.h"
#include "input/bytes.h"
#include "input/trace.h"
#include "output/text.h"

static void finish(struct sha256_ctx *hash, char hex[65])
{
    unsigned char digest[SHA256_DIGEST_SIZE];
    sha256_digest(hash, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
}

static void add_text(struct sha256_ctx *hash, const char *text)
{
    sha256_update(hash, strlen(text) + 1, (const unsigned char *)text);
}

/* The configuration as config.ini has it, less where its trace is and what studies are
 * told; free() it. */
static char *print_config(const struct config *config)
{
    struct config effective = *config;
    effective.workload.trace = "";
    effective.workload.trace_sha256 = "";
    effective.workload.generator = "";
    effective.workload.generator_sha256 = "";
    effective.study = (struct config_study){0};
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    CHECK(out != NULL);
    config_print(&effective, out);
    fclose(out);
    return text;
}

/* Bytes that cannot be read are as good as none: whoever needs them says so. */
static void add_file(struct sha256_ctx *hash, const char *path)
{
    struct err ignored;
    char hex[65] = "";
    struct bytes *bytes = strcmp(path, "-") != 0 ? bytes_open(path, &ignored) : NULL;
    if (bytes != NULL) {
        if (bytes_sha256(bytes, hex, &ignored) != 0) {
            hex[0] = '\0';
        }
        bytes_close(bytes);
    }
    add_text(hash, hex);
}

static bool is_path(const char *key)
{
    return strcmp(key, "workload.trace") == 0 ||
           strcmp(key, "workload.generator") == 0 || strcmp(key, "fail.events") == 0;
}

static bool is_number(const char *text)
{
    int64_t value;
    return decimal_scan(text, strlen(text), 0, &value);
}

/* What value `at` of an axis stands for, if it is not just numbers: the files of presets
 * may change between a sweep and its resumption. */
static void add_value(struct sha256_ctx *hash,
                      const struct sweep_identity_source *source,
                      const struct grid_axis *axis, int64_t at)
{
    struct arena arena = {0};
    struct err ignored;
    struct config config;
    int32_t n = source->n_overrides;
    bool tells = false;
    const char **overrides =
        ARENA_NEW(&arena, (size_t)n + (size_t)axis->n_keys, const char *);
    for (int32_t i = 0; i < n; i++) {
        overrides[i] = source->overrides[i];
    }
    for (int32_t i = 0; i < axis->n_keys; i++) {
        const char *name = source->grid->keys[axis->first_key + i].name;
        const char *value = axis->values[at * axis->n_keys + i];
        size_t room = strlen(name) + strlen(value) + 2;
        char *text = ARENA_NEW(&arena, room, char);
        snprintf(text, room, "%s=%s", name, value);
        overrides[n + i] = text;
        tells = tells || !is_number(value);
        if (is_path(name)) {
            add_file(hash, value);
        }
    }
    if (tells && config_read(&config, source->path, overrides, n + axis->n_keys, &arena,
                             &ignored) == 0) {
        char *text = print_config(&config);
        add_text(hash, text);
        free(text);
    }
    memory_arena_free(&arena);
}

/* Reads every row, so that a bad one is told before a thousand runs meet it. */
static int read_trace(const struct config_workload *workload, char hex[65],
                      struct err *err)
{
    struct trace_row row;
    struct trace *trace =
        trace_open(workload->trace, workload->format, workload->on_bad_row != 0, err);
    if (trace == NULL) {
        return -1;
    }
    int got = 1;
    for (int64_t n = 0; got > 0 && (workload->limit == 0 || n < workload->limit); n++) {
        got = trace_next(trace, &row, err);
    }
    int status = got < 0 ? -1 : trace_sha256(trace, hex, err);
    trace_close(trace);
    if (status == 0 && workload->trace_sha256[0] != '\0' &&
        strcmp(workload->trace_sha256, hex) != 0) {
        return err_set(err,
                       "%s: its sha256 is %s, and [workload] trace_sha256 expects %s",
                       workload->trace, hex, workload->trace_sha256);
    }
    return status;
}

/* Texts that are to be lines of a file. */
static int check_overs(const struct sweep_identity_source *source, struct err *err)
{
    for (int32_t i = 0; i < source->n_overs; i++) {
        for (const char *c = source->overs[i]; *c != '\0'; c++) {
            if ((unsigned char)*c < ' ') {
                return err_set(err, "--over %.700s: has a control character",
                               source->overs[i]);
            }
        }
    }
    return 0;
}

int sweep_identity_init(struct sweep_identity *identity,
                        const struct sweep_identity_source *source, struct err *err)
{
    const int64_t most_values = 1000; /* of an axis: more are hardly names of files */
    *identity = (struct sweep_identity){
        .version = SERVESIM_VERSION,
        .overs = source->overs,
        .n_overs = source->n_overs,
        .n_points = source->grid->n_points,
        .shard = 1,
        .n_shards = 1,
    };
    const struct config *base = source->base;
    if (check_overs(source, err) != 0 ||
        (base->workload.trace[0] != '\0' &&
         read_trace(&base->workload, identity->trace, err) != 0)) {
        return -1;
    }
    struct sha256_ctx hash;
    sha256_init(&hash);
    char *text = print_config(base);
    add_text(&hash, text);
    free(text);
    add_file(&hash, base->workload.generator);
    add_file(&hash, base->fail.events);
    finish(&hash, identity->configuration);
    sha256_init(&hash);
    for (int32_t a = 0; a < source->grid->n_axes; a++) {
        const struct grid_axis *axis = &source->grid->axes[a];
        for (int64_t i = 0; i < axis->n_values && i < most_values; i++) {
            add_value(&hash, source, axis, i);
        }
    }
    finish(&hash, identity->files);
    return 0;
}

static void write_line(struct text *text, const char *key, const char *value)
{
    text_printf(text, "%s = ", key);
    for (; *value != '\0'; value++) {
        text_printf(text, "%c", *value);
    }
    text_string(text, "\n");
}

int sweep_identity_write(const struct sweep_identity *identity, const char *folder,
                         struct err *err)
{
    struct text text;
    if (text_open(&text, folder, "sweep.ini", err) != 0) {
        return -1;
    }
    text_string(&text,
                "; Which sweep this is: it is gone on with if all of this is the "
                "same.\n");
    write_line(&text, "servesim", identity->version);
    write_line(&text, "configuration", identity->configuration);
    write_line(&text, "trace", identity->trace);
    write_line(&text, "files", identity->files);
    for (int32_t i = 0; i < identity->n_overs; i++) {
        write_line(&text, "over", identity->overs[i]);
    }
    text_printf(&text, "points = %" PRId64 "\nshard = %" PRId64 "/%" PRId64 "\n",
                identity->n_points, identity->shard, identity->n_shards);
    return text_close(&text, err);
}

static void keep_hash(char hex[65], const char *value)
{
    snprintf(hex, 65, "%s", value);
}

/* One line of the file; unknown keys are of other versions, which is told by theirs. */
static void take_line(struct sweep_identity *identity, const char **overs, char *line,
                      struct arena *arena)
{
    line[strcspn(line, "\n")] = '\0';
    char *value = strstr(line, " = ");
    if (line[0] == ';' || value == NULL) {
        return;
    }
    *value = '\0';
    value += strlen(" = ");
    if (strcmp(line, "servesim") == 0) {
        identity->version = memory_arena_text(arena, value);
    } else if (strcmp(line, "configuration") == 0) {
        keep_hash(identity->configuration, value);
    } else if (strcmp(line, "trace") == 0) {
        keep_hash(identity->trace, value);
    } else if (strcmp(line, "files") == 0) {
        keep_hash(identity->files, value);
    } else if (strcmp(line, "over") == 0 &&
               identity->n_overs < SWEEP_IDENTITY_MOST_OVERS) {
        overs[identity->n_overs++] = memory_arena_text(arena, value);
    } else if (strcmp(line, "points") == 0) {
        identity->n_points = strtoll(value, NULL, 10);
    } else if (strcmp(line, "shard") == 0) {
        char *end;
        identity->shard = strtoll(value, &end, 10);
        identity->n_shards = *end == '/' ? strtoll(end + 1, NULL, 10) : 0;
    }
}

int sweep_identity_read(struct sweep_identity *identity, const char *folder,
                        struct arena *arena, struct err *err)
{
    char path[600];
    snprintf(path, sizeof path, "%.500s/sweep.ini", folder);
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        return errno == ENOENT
                   ? err_set(err, "%s: holds no sweep: there is no sweep.ini", folder)
                   : err_set(err, "%s: cannot be opened: %s", path, strerror(errno));
    }
    const char **overs = ARENA_NEW(arena, SWEEP_IDENTITY_MOST_OVERS, const char *);
    *identity = (struct sweep_identity){.version = "", .overs = overs};
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, in) > 0) {
        take_line(identity, overs, line, arena);
    }
    bool failed = ferror(in) != 0;
    free(line);
    fclose(in);
    if (failed) {
        return err_set(err, "%s: cannot be read", path);
    }
    if (identity->version[0] == '\0' || identity->n_points < 1 || identity->shard < 1 ||
        identity->n_shards < identity->shard) {
        return err_set(err, "%s: is broken: it must say servesim, points and shard",
                       path);
    }
    return 0;
}

/* The first line that differs, with its section, as "[pool.main] dtype = bf16 there and
 * fp8 here"; false: none does. */
static bool first_difference(char *there, char *here, char said[300])
{
    char section[64] = "";
    while (there != NULL && here != NULL) {
        const char *a = strsep(&there, "\n");
        const char *b = strsep(&here, "\n");
        if (strcmp(a, b) != 0) {
            const char *value = strstr(b, " =");
            size_t key = value != NULL ? (size_t)(value - b) : 0;
            bool same_key = key > 0 && strncmp(a, b, key + 2) == 0;
            snprintf(said, 300, "%s '%.100s' there and '%.100s' here", section, a,
                     same_key ? b + key + 2 + strspn(b + key + 2, " ") : b);
            return true;
        }
        if (a[0] == '[') {
            snprintf(section, sizeof section, "%.60s", a);
        }
    }
    return false;
}

static int configurations_differ(const char *folder, const struct config *base,
                                 struct err *err)
{
    struct arena arena = {0};
    struct config config;
    struct err ignored;
    char path[600];
    char said[300];
    bool found = false;
    snprintf(path, sizeof path, "%.500s/config.ini", folder);
    if (base != NULL && config_read(&config, path, NULL, 0, &arena, &ignored) == 0) {
        char *there = print_config(&config);
        char *here = print_config(base);
        found = first_difference(there, here, said);
        free(there);
        free(here);
    }
    memory_arena_free(&arena);
    if (found) {
        return err_set(err, "%s: holds another sweep: its configuration differs: %s",
                       folder, said);
    }
    return err_set(err, "%s: holds another sweep: its configuration differs", folder);
}

static int says(const char *folder, const char *what, const char *there,
                const char *here, struct err *err)
{
    return err_set(err,
                   "%s: holds another sweep: %s is '%.200s' there and '%.200s' here",
                   folder, what, there, here);
}

int sweep_identity_compare(const struct sweep_identity *identity,
                           const struct sweep_identity *there, const char *folder,
                           const struct config *base, struct err *err)
{
    if (strcmp(identity->version, there->version) != 0) {
        return says(folder, "the version of servesim", there->version,
                    identity->version, err);
    }
    for (int32_t i = 0; i < identity->n_overs || i < there->n_overs; i++) {
        const char *one = i < there->n_overs ? there->overs[i] : "";
        const char *other = i < identity->n_overs ? identity->overs[i] : "";
        if (strcmp(one, other) != 0) {
            return says(folder, "--over", one, other, err);
        }
    }
    if (strcmp(identity->configuration, there->configuration) != 0) {
        return configurations_differ(folder, base, err);
    }
    if (strcmp(identity->trace, there->trace) != 0) {
        return err_set(err, "%s: holds another sweep: its trace has other bytes",
                       folder);
    }
    if (strcmp(identity->files, there->files) != 0 ||
        identity->n_points != there->n_points) {
        return err_set(err,
                       "%s: holds another sweep: files that the values of --over name "
                       "have changed",
                       folder);
    }
    return 0;
}
