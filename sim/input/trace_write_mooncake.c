/* Mooncake's format: a line of JSON per request, with the keys that others added for what
 * Mooncake's own traces do not tell. */
#include <inttypes.h>
#include <string.h>

#include "input/trace_write.h"

enum { UNIT_NS = 1000000 };

static int write_text(FILE *out, const char *key, const char *text)
{
    if (text == NULL) {
        return 0;
    }
    return fprintf(out, ", \"%s\": ", key) < 0 ? -1 : trace_write_string(out, text);
}

/* The ids that it waits for as a list, and how long behind them. */
static int write_parents(FILE *out, const struct trace_row *row)
{
    const char *before = ", \"wait_for\": [";
    for (const char *at = row->parent_id; at != NULL; before = ", ") {
        size_t length = strcspn(at, " ");
        char id[TRACE_LABEL_BYTES + 1];
        snprintf(id, sizeof id, "%.*s", (int)length, at);
        if (fputs(before, out) < 0 || trace_write_string(out, id) < 0) {
            return -1;
        }
        at = at[length] == ' ' ? at + length + 1 : NULL;
    }
    return fprintf(out, "], \"delay\": %" PRId64,
                   trace_write_units(row->think_ns, UNIT_NS));
}

static int write_hash_ids(FILE *out, const struct trace_row *row)
{
    int status = fputs(", \"hash_ids\": [", out);
    for (int64_t i = 0; i < row->n_hash_ids && status >= 0; i++) {
        status = fprintf(out, "%s%" PRId64, i > 0 ? ", " : "", row->hash_ids[i]);
    }
    return status < 0 ? status : fputs("]", out);
}

static int write_row(const struct trace_writer *writer, const struct trace_row *row)
{
    FILE *out = writer->out;
    if (fprintf(out,
                "{\"timestamp\": %" PRId64 ", \"input_length\": %" PRId64
                ", \"output_length\": %" PRId64,
                trace_write_units(row->arrival_ns, UNIT_NS), row->prompt_tokens,
                row->output_tokens) < 0 ||
        (row->hash_tokens == TRACE_WRITE_HASH_TOKENS && row->hash_ids != NULL &&
         write_hash_ids(out, row) < 0) ||
        write_text(out, "request_id", row->request_id) < 0 ||
        write_text(out, "session_id", row->session_id) < 0 ||
        (row->parent_id != NULL && write_parents(out, row) < 0) ||
        (row->priority != 0 &&
         fprintf(out, ", \"priority\": %" PRId64, row->priority) < 0)) {
        return -1;
    }
    return fputs("}\n", out);
}

const struct trace_write_format trace_write_mooncake = {
    .name = "mooncake",
    .help = "Mooncake's lines of JSON",
    .columns = TRACE_WRITE_REQUEST_ID | TRACE_WRITE_PRIORITY | TRACE_WRITE_SESSION_ID |
               TRACE_WRITE_PARENT_ID | TRACE_WRITE_HASH_IDS,
    .unit_ns = UNIT_NS,
    .row = write_row,
};
