#include "input/trace_format.h"

#include <stdio.h>
#include <string.h>

#define TRACE_FORMAT_ADDRESS(format) &format,
static const struct trace_format *const formats[] = {
    TRACE_FORMATS(TRACE_FORMAT_ADDRESS)};
#undef TRACE_FORMAT_ADDRESS

enum { N_FORMATS = sizeof formats / sizeof formats[0], SHOWN_BYTES = 64 };

static bool is_auto(const char *name)
{
    return name == NULL || strcmp(name, "auto") == 0;
}

const struct trace_format *trace_format_find(const char *name)
{
    for (int i = 0; i < N_FORMATS && !is_auto(name); i++) {
        if (strcmp(formats[i]->name, name) == 0) {
            return formats[i];
        }
    }
    return NULL;
}

bool trace_format_known(const char *name, struct err *err)
{
    if (is_auto(name) || trace_format_find(name) != NULL) {
        return true;
    }
    char known[512];
    int used = snprintf(known, sizeof known, "auto");
    for (int i = 0; i < N_FORMATS; i++) {
        used += snprintf(known + used, sizeof known - (size_t)used, ", %s",
                         formats[i]->name);
    }
    err_set(err, "'%.64s' is no trace format: give one of %s", name, known);
    return false;
}

const char *trace_format_name(int32_t i, const char **first_line)
{
    if (i >= N_FORMATS) {
        return NULL;
    }
    *first_line = formats[i]->first_line;
    return formats[i]->name;
}

const struct trace_format *trace_format_of_start(const struct source_line *start)
{
    for (int i = 0; i < N_FORMATS; i++) {
        if (formats[i]->read_all != NULL && formats[i]->test(start)) {
            return formats[i];
        }
    }
    return NULL;
}

const struct trace_format *trace_format_of_line(const struct source_line *line,
                                                struct err *err)
{
    for (int i = 0; i < N_FORMATS; i++) {
        if (formats[i]->read_all == NULL && formats[i]->test(line)) {
            return formats[i];
        }
    }
    bool is_long = line->length > SHOWN_BYTES;
    err_at(err, line->file, line->number,
           "the first line '%.*s%s' is of no trace format known here; `servesim list "
           "formats` has them all",
           (int)(is_long ? SHOWN_BYTES : line->length), line->text,
           is_long ? "..." : "");
    return NULL;
}
