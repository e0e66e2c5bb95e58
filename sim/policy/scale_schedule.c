#include "policy/policy.h"

static int64_t desired(const struct scale_view *view, const struct scale_config *config)
{
    return timetable_at(&config->schedule, view->now_ns);
}

const struct scale_ops scale_schedule = {
    .name = "schedule",
    .help = "as many replicas as `schedule` says, at once",
    .needs_schedule = true,
    .is_plain = true,
    .desired = desired,
};
