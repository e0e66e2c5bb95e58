#include "input/workload_row.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "engine/jump.h"
#include "input/prompt_text.h"

/* The labels as one text, or NULL: "request\ntenant\nsession". */
static char *join_labels(const struct trace_row *row)
{
    if (row->request_id == NULL && row->tenant == NULL && row->session_id == NULL) {
        return NULL;
    }
    char text[3 * (TRACE_LABEL_BYTES + 1) + 1];
    int length = snprintf(
        text, sizeof text, "%s%c%s%c%s", row->request_id != NULL ? row->request_id : "",
        SIM_LABEL_SEPARATOR, row->tenant != NULL ? row->tenant : "",
        SIM_LABEL_SEPARATOR, row->session_id != NULL ? row->session_id : "");
    return memory_copy(text, (size_t)length);
}

/* What the prompt holds; the sessions of requests that do not tell may be inferred, where
 * clients wait for answers by the order of requests. */
static struct prefix_part *prompt_parts(struct workload *workload,
                                        const struct trace_row *row, int64_t arrival_ns,
                                        int64_t *n_parts)
{
    const struct config_workload *config = workload->config;
    struct prefix_part *parts =
        prompt_text_parts(row, config->session_prefix != 0, n_parts);
    if (parts != NULL || config->infer_sessions == 0) {
        return parts;
    }
    int64_t continued_tokens;
    arrival_ns = config->mode == CONFIG_CLOSED ? workload->n_given : arrival_ns;
    int64_t session = sessions_add(&workload->sessions, arrival_ns, row->prompt_tokens,
                                   row->output_tokens, &continued_tokens);
    *n_parts = 1;
    return prompt_text_of_session(session, row->prompt_tokens, row->output_tokens);
}

/* What decides where the request may go, as numbers. */
static void describe_target(struct workload *workload, const struct trace_row *row,
                            struct sim_arrival *arrival)
{
    const struct served *served = workload->served;
    const char *session = row->session_id;
    if (served != NULL) {
        arrival->model = served_number(&served->models, row->model);
        arrival->klass = served_number(&served->classes, row->class);
        arrival->model_name = row->model;
        arrival->class_name = row->class;
    }
    arrival->adapter = names_number(&workload->adapters, row->adapter);
    if (session != NULL) { /* 0 is none */
        arrival->session = jump_text(session, (int64_t)strlen(session)) | 1;
    }
}

void workload_row_describe(struct workload *workload, const struct trace_row *row,
                           int64_t at_ns, struct sim_arrival *arrival)
{
    int64_t n_parts;
    struct prefix_part *parts = prompt_parts(workload, row, at_ns, &n_parts);
    *arrival = (struct sim_arrival){
        .prompt_tokens = row->prompt_tokens,
        .output_tokens = row->output_tokens,
        .reasoning_tokens = row->reasoning_tokens,
        .priority = row->priority,
        .deadline_ns = row->deadline_ns,
        .labels = join_labels(row),
        .parts = parts,
        .n_parts = n_parts,
        .file = workload->file,
        .line = row->line,
    };
    describe_target(workload, row, arrival);
}
