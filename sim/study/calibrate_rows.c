#include "study/calibrate_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Mean TTFT has several times the spread of mean TPOT: among repeated runs of one server
 * (10 % and 3.4 %), and from deployment to deployment. */
static const double first_weight = 0.35;

static const struct {
    enum predict_metric metric;
    bool is_first;
    double weight;
} kinds[] = {
    {PREDICT_TPOT, false, 1},
    {PREDICT_TTFT, true, first_weight},
    {PREDICT_DECODE_STEP, false, 1},
    {PREDICT_PROMPT_STEP, true, 1},
};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

int calibrate_rows_stopped(struct err *err)
{
    return err_set(err, "interrupted; nothing was written");
}

/* In pieces, so that an interrupt is heard; requests of one log are played together. */
static int play(struct calibrate_rows *of)
{
    bool is_log = of->n_cases > 0 && of->cases[0].kind == MEASURED_REQUEST;
    const int32_t piece = is_log ? of->n_cases : 32 * of->n_threads;
    for (int32_t i = 0; i < of->n_cases; i += piece) {
        int32_t n = of->n_cases - i < piece ? of->n_cases - i : piece;
        if (of->interrupted != NULL && *of->interrupted) {
            return -1;
        }
        predict_play_all(of->cases + i, n, of->n_threads, of->results + i);
    }
    return of->interrupted != NULL && *of->interrupted ? -1 : 0;
}

void calibrate_rows_logs(const struct calibrate_rows *of, double *logs)
{
    /* of a case that can no longer be served: far off, but no farther */
    const double none = log(10);
    for (int32_t i = 0; i < of->n_rows; i++) {
        const struct calibrate_row *row = &of->rows[i];
        double ratio = of->results[row->at].value_s[row->metric] /
                       of->cases[row->at].measured_s[row->metric];
        logs[i] = isfinite(ratio) && ratio > 0 ? log(ratio) : none;
    }
}

int calibrate_rows_play(struct calibrate_rows *of, double *logs)
{
    if (play(of) != 0) {
        return -1;
    }
    calibrate_rows_logs(of, logs);
    return 0;
}

void calibrate_rows_set(struct calibrate_rows *of, const struct calibrate_keys *keys,
                        const double *at, int digits)
{
    for (int32_t i = 0; i < of->n_cases; i++) {
        calibrate_keys_set(keys, at, digits, &of->cases[i].config.constants);
    }
}

static bool is_asked(const struct predict_case *of, const char *engine)
{
    const char *backend = predict_engine_family(of->row.server.backend);
    return engine == NULL || (backend != NULL && strcmp(backend, engine) == 0) ||
           (of->has_config && strcmp(of->config.engine_name, engine) == 0);
}

/* "vllm, sglang": the backends of the cases, each once. */
static void name_backends(const struct predict_case *cases, int32_t n, char text[200])
{
    text[0] = '\0';
    for (int32_t i = 0; i < n; i++) {
        const char *name = predict_engine_family(cases[i].row.server.backend);
        name = name != NULL ? name : "none that is known";
        size_t used = strlen(text);
        if (strstr(text, name) == NULL && used + strlen(name) + 3 < 200) {
            snprintf(text + used, 200 - used, "%s%s", used > 0 ? ", " : "", name);
        }
    }
}

/* Keeps the cases of the engine. */
static int select_engine(struct calibrate_rows *of, const char *path,
                         const char *engine, struct err *err)
{
    char backends[200];
    name_backends(of->cases, of->n_cases, backends);
    int32_t n = 0;
    for (int32_t i = 0; i < of->n_cases; i++) {
        if (is_asked(&of->cases[i], engine)) {
            of->cases[n++] = of->cases[i];
        }
    }
    of->n_cases = n;
    of->n_read = n;
    return n > 0 ? 0
                 : err_set(err, "--engine: %s has no rows of '%.80s'; it has %s", path,
                           engine, backends);
}

/* Keeps the cases that were played, and their results as they are. */
static int select_played(struct calibrate_rows *of, const char *path, struct err *err)
{
    int32_t n = 0;
    for (int32_t i = 0; i < of->n_cases; i++) {
        if (of->results[i].played) {
            of->results[n] = of->results[i];
            of->cases[n++] = of->cases[i];
        } else if (of->n_refused++ == 0) {
            memcpy(of->refusal, of->results[i].refusal, sizeof of->refusal);
        }
    }
    of->n_cases = n;
    return n > 0
               ? 0
               : err_set(err, "%s: none of its %d rows can be predicted; the first: %s",
                         path, of->n_read, of->refusal);
}

/* Numbers the deployments, and gives every case's numbers their rows. */
static void fill_rows(struct calibrate_rows *of)
{
    int32_t *first = memory_new((size_t)of->n_cases, sizeof *first);
    int32_t *size = memory_new((size_t)of->n_cases, sizeof *size);
    of->deployment = memory_new((size_t)of->n_cases, sizeof *of->deployment);
    of->rows = memory_new((size_t)of->n_cases * N_KINDS, sizeof *of->rows);
    for (int32_t i = 0; i < of->n_cases; i++) {
        int32_t group = 0;
        while (group < of->n_deployments &&
               !predict_same_deployment(&of->cases[i], &of->cases[first[group]])) {
            group++;
        }
        if (group == of->n_deployments) {
            first[of->n_deployments++] = i;
        }
        of->deployment[i] = group;
        size[group]++;
    }
    for (int32_t i = 0; i < of->n_cases; i++) {
        for (int32_t k = 0; k < N_KINDS; k++) {
            enum predict_metric metric = kinds[k].metric;
            double ratio =
                of->results[i].value_s[metric] / of->cases[i].measured_s[metric];
            if (isfinite(ratio) && ratio > 0) {
                double softer = pow(size[of->deployment[i]], -0.25);
                of->rows[of->n_rows++] =
                    (struct calibrate_row){.at = i,
                                           .metric = metric,
                                           .is_first = kinds[k].is_first,
                                           .weight = kinds[k].weight * softer};
            }
        }
    }
    free(first);
    free(size);
}

int calibrate_rows_read(struct calibrate_rows *of, const char *path,
                        const struct config *base, const char *engine,
                        struct arena *arena, struct err *err)
{
    if (predict_read(&of->cases, &of->n_cases, path, base, arena, err) != 0 ||
        select_engine(of, path, engine, err) != 0) {
        return -1;
    }
    of->results = memory_new((size_t)of->n_cases, sizeof *of->results);
    if (play(of) != 0) {
        return calibrate_rows_stopped(err);
    }
    if (select_played(of, path, err) != 0) {
        return -1;
    }
    fill_rows(of);
    return 0;
}

void calibrate_rows_free(struct calibrate_rows *of)
{
    free(of->cases);
    free(of->results);
    free(of->deployment);
    free(of->rows);
}
