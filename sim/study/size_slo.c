#include "study/size_slo.h"

#include <stdio.h>
#include <string.h>

static size_t print_bounds(const struct config_slo *slo, char *text, size_t room)
{
    const struct {
        const char *name;
        int64_t ns;
    } bounds[] = {{"TTFT", slo->ttft_ns},
                  {"TPOT", slo->tpot_ns},
                  {"ITL", slo->itl_ns},
                  {"E2E", slo->e2e_ns},
                  {"TTFAT", slo->ttfat_ns}};
    size_t used = (size_t)snprintf(text, room, "%.6g %% of the requests within",
                                   (double)slo->attainment_nano * 1e-7);
    for (size_t i = 0, n = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        if (bounds[i].ns > 0 && used < room) {
            used += (size_t)snprintf(text + used, room - used, "%s %s %.6g ms",
                                     n++ > 0 ? "," : "", bounds[i].name,
                                     (double)bounds[i].ns * 1e-6);
        }
    }
    return used < room ? used : room - 1;
}

void size_slo_print(const struct goal *goal, const struct config_slo *slo,
                    char text[SIZE_SLO_TEXT])
{
    size_t used = 0;
    text[0] = '\0';
    for (int32_t i = goal->n - 1; i >= 0 && used < SIZE_SLO_TEXT - 1; i--) {
        const struct goal_criterion *criterion = &goal->list[i];
        size_t room = SIZE_SLO_TEXT - used;
        if (used > 0) {
            used += (size_t)snprintf(text + used, room, "; ");
            room = used < SIZE_SLO_TEXT ? SIZE_SLO_TEXT - used : 0;
        }
        if (room > 0 && i == goal->n - 1 && config_has_bounds(slo)) {
            used += print_bounds(slo, text + used, room);
        } else if (room > 0) {
            used +=
                (size_t)snprintf(text + used, room, "%.100s %s %.6g", criterion->metric,
                                 criterion->at_least ? ">=" : "<=", criterion->bound);
        }
    }
}
