/* vLLM's priority policy: by the trace's priority, the smaller first, then by arrival.
 *
 * Against starvation: with `aging_ms`, every so many milliseconds of waiting outweigh one
 * level.  All who wait age alike, so the order between two requests never turns and is that
 * of priority x aging + arrival.
 */
#include "base/wide.h"
#include "policy/policy.h"

static int64_t key(const struct order_settings *settings, const struct order_view *view)
{
    if (settings->aging_ns == 0) {
        return view->priority;
    }
    wide aged = (wide)view->priority * settings->aging_ns + view->arrival_ns;
    return aged < INT64_MIN ? INT64_MIN : aged > INT64_MAX ? INT64_MAX : (int64_t)aged;
}

const struct order_ops order_priority = {
    .name = "priority",
    .help = "by the trace's priority, the smaller first; aging_ms against starvation",
    .key = key,
    .ranks_running = true,
    .levels = true,
};
