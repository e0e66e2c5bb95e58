#include "input/generate_row.h"

#include <inttypes.h>
#include <stdio.h>

#include "input/trace_write.h"

static const char *or_none(const char *label)
{
    return label[0] != '\0' ? label : NULL;
}

static void tell_labels(const struct talk_script *script, struct trace_row *row)
{
    const struct talk_client *client = script->client;
    row->tenant = script->tenant != NULL ? script->tenant : or_none(client->tenant);
    row->model = or_none(client->model);
    row->class = or_none(client->class);
    row->adapter = or_none(client->adapter);
    row->priority = client->priority;
    row->deadline_ns = client->deadline_ns > 0 ? client->deadline_ns : -1;
}

/* What turns without a history share is named as a prefix, not as a session: what comes
 * behind it is not the same. */
static void tell_session(struct generate_draw *draw, const struct talk_script *script,
                         struct trace_row *row)
{
    const struct talk_client *client = script->client;
    if (client->kind == TALK_REQUESTS) {
        return;
    }
    if (client->has_history == 0) {
        snprintf(draw->prefix, sizeof draw->prefix, "s%" PRId64, script->number);
        row->prefix = draw->prefix;
        row->prefix_tokens = script->calls[0].prompt_tokens;
        return;
    }
    int used =
        snprintf(draw->session_id, sizeof draw->session_id, "%" PRId64, script->number);
    if (script->calls[script->next].is_sub_agent) {
        snprintf(draw->session_id + used, sizeof draw->session_id - (size_t)used,
                 "-%" PRId32, script->next);
    }
    row->session_id = draw->session_id;
}

static void tell_prefix(struct generate_draw *draw, const struct talk_script *script,
                        struct trace_row *row)
{
    if (script->group < 0) {
        return;
    }
    const char *owner = script->prefixes->spec->owner;
    int64_t tokens = script->prefixes->tokens[script->group];
    snprintf(draw->prefix, sizeof draw->prefix, "%s%s%" PRId64, owner,
             owner[0] != '\0' ? "-" : "p", script->group + 1);
    row->prefix = draw->prefix;
    row->prefix_tokens = tokens < row->prompt_tokens ? tokens : row->prompt_tokens;
}

/* Calls of a script that waits are rows one behind the other; ids count rows from 0. */
static void tell_parents(struct generate_draw *draw, struct talk_script *script,
                         const struct talk_call *call, struct trace_row *row)
{
    if (!draw->waits) {
        return;
    }
    if (script->next == 0) {
        script->first_row = draw->n - 1;
    }
    snprintf(draw->request_id, sizeof draw->request_id, "%" PRId64, draw->n - 1);
    row->request_id = draw->request_id;
    size_t used = 0;
    for (int32_t i = 0; i < call->n_parents; i++) {
        used += (size_t)snprintf(draw->parent_id + used, sizeof draw->parent_id - used,
                                 "%s%" PRId64, i > 0 ? " " : "",
                                 script->first_row + call->first_parent + i);
    }
    row->parent_id = call->n_parents > 0 ? draw->parent_id : NULL;
    row->think_ns = call->n_parents > 0 ? call->at_ns : 0;
}

void generate_row_tell(struct generate_draw *draw, struct talk_script *script,
                       struct trace_row *row)
{
    const struct talk_call *call = &script->calls[script->next];
    row->line = draw->n;
    row->arrival_ns = talk_draw_time(script) - draw->spec->skip_ns;
    row->prompt_tokens = call->prompt_tokens;
    row->output_tokens = call->output_tokens;
    row->reasoning_tokens = call->reasoning_tokens;
    tell_labels(script, row);
    tell_session(draw, script, row);
    tell_prefix(draw, script, row);
    tell_parents(draw, script, call, row);
    if (draw->has_blocks) {
        talk_blocks_tell(&draw->blocks, &draw->talk, script, row);
    }
}

static uint32_t columns_of(const struct talk_client *client)
{
    bool session = client->kind != TALK_REQUESTS;
    bool waits = session && client->timing == TALK_WAIT;
    bool keeps = session && client->has_history != 0;
    uint32_t columns = TRACE_WRITE_HASH_IDS;
    columns |= client->tenant[0] != '\0' ? TRACE_WRITE_TENANT : 0;
    columns |= client->model[0] != '\0' ? TRACE_WRITE_MODEL : 0;
    columns |= client->class[0] != '\0' ? TRACE_WRITE_CLASS : 0;
    columns |= client->adapter[0] != '\0' ? TRACE_WRITE_ADAPTER : 0;
    columns |= client->priority != 0 ? TRACE_WRITE_PRIORITY : 0;
    columns |= client->deadline_ns > 0 ? TRACE_WRITE_DEADLINE : 0;
    columns |= client->reasons ? TRACE_WRITE_REASONING : 0;
    columns |= keeps ? TRACE_WRITE_SESSION_ID : 0;
    columns |= waits ? TRACE_WRITE_REQUEST_ID | TRACE_WRITE_PARENT_ID : 0;
    columns |= client->prefix != NULL || (session && !keeps) ? TRACE_WRITE_PREFIX : 0;
    return columns;
}

uint32_t generate_row_columns(const struct generate_spec *spec)
{
    bool has_names = spec->arrivals.process == ARRIVALS_SERVEGEN;
    uint32_t columns = has_names ? TRACE_WRITE_TENANT : 0;
    for (int32_t i = 0; i < spec->n_clients; i++) {
        columns |= columns_of(&spec->clients[i]);
    }
    return columns;
}
