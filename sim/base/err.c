#include "base/err.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Appends the formatted text at `used` and makes what cannot be printed a '?'. */
__attribute__((format(printf, 3, 0))) static void append(struct err *err, int used,
                                                         const char *format,
                                                         va_list arguments)
{
    vsnprintf(err->text + used, sizeof err->text - (size_t)used, format, arguments);
    for (char *c = err->text; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~') {
            *c = '?';
        }
    }
}

int err_set(struct err *err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    append(err, 0, format, arguments);
    va_end(arguments);
    return -1;
}

int err_at(struct err *err, const char *file, int64_t line, const char *format, ...)
{
    int used =
        snprintf(err->text, sizeof err->text, "%.700s:%" PRId64 ": ", file, line);
    va_list arguments;
    va_start(arguments, format);
    append(err, used, format, arguments);
    va_end(arguments);
    return -1;
}
