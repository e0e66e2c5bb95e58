#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_fail(const char *condition, const char *file, int line)
{
    fprintf(stderr, "servesim: bug: %s:%d: not true: %s\n", file, line, condition);
    abort();
}
