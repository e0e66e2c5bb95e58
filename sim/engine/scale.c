#include "engine/scale.h"

#define AT(member) offsetof(struct scale_config, member)

static const struct field fields[] = {
    {"policy", FIELD_TEXT, AT(policy), "", "none", NULL, NULL, NULL,
     "scaler: see 'servesim list scale'; none: replicas are as many as at the start"},
    {"target", FIELD_NANO, AT(target_nano), "", "0", "0", "1000000000", NULL,
     "what a replica should have, in the units of the policy"},
    {"min", FIELD_COUNT, AT(min_replicas), "", "1", "0", "100000", NULL,
     "fewest replicas; with 0 a pool without requests goes off, and the next request "
     "starts one"},
    {"max", FIELD_COUNT, AT(max_replicas), "", "0", "0", "100000", NULL,
     "most replicas; 0: as many as at the start, or as the schedule has"},
    {"interval", FIELD_TIME, AT(interval_ns), "s", "15", "0.001", "1000000000", NULL,
     "time between two decisions"},
    {"window", FIELD_TIME, AT(window_ns), "s", "0", "0", "1000000000", NULL,
     "how far policies rate and slo look back, in whole intervals; 0: one interval"},
    {"up_step", FIELD_COUNT, AT(up_step), "", "0", "0", "100000", NULL,
     "most replicas that one decision adds; 0: any number"},
    {"down_step", FIELD_COUNT, AT(down_step), "", "1", "0", "100000", NULL,
     "most replicas that one decision takes away; 0: any number"},
    {"up_cooldown", FIELD_TIME, AT(up_cooldown_ns), "s", "0", "0", "1000000000", NULL,
     "time after replicas were added in which none are"},
    {"down_cooldown", FIELD_TIME, AT(down_cooldown_ns), "s", "300", "0", "1000000000",
     NULL, "time after replicas were added or taken away in which none are taken away"},
    {"schedule", FIELD_TEXT, AT(schedule_text), "", "", NULL, NULL, NULL,
     "replicas by time of the period, such as 0:4 8h:16 20h:4 (policy = schedule)"},
    {"period", FIELD_TIME, AT(period_ns), "h", "24", "0.000000001", "1000000", NULL,
     "after which the schedule begins again"},
    {"image_s", FIELD_TIME, AT(boot.image_ns), "s", "10", "0", "1000000000", NULL,
     "part of a boot: a machine, the image, the start of the server's processes"},
    {"storage_bandwidth", FIELD_BANDWIDTH, AT(boot.storage_bytes_per_s), "GB/s", "2",
     "0", "100000", NULL,
     "part of a boot: the model's weights are read with it; 0: in no time"},
    {"graph_capture_s", FIELD_TIME, AT(boot.graph_capture_ns), "s", "20", "0",
     "1000000000", NULL, "part of a boot: profiling, compiling, capturing graphs"},
    {"boot_s", FIELD_TIME, AT(boot.boot_ns), "s", "0", "0", "1000000000", NULL,
     "the whole boot, instead of these three; 0: their sum"},
};

const struct field_table scale_table = {
    .name = "scale",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};

int64_t scale_n_waiting(const struct scale_view *view)
{
    int64_t n = view->n_held;
    for (int64_t i = 0; i < view->n_ready; i++) {
        n += view->ready[i].n_waiting;
    }
    return n;
}

int64_t scale_n_running(const struct scale_view *view)
{
    int64_t n = 0;
    for (int64_t i = 0; i < view->n_ready; i++) {
        n += view->ready[i].n_running;
    }
    return n;
}

int64_t scale_ceil(wide a, wide b)
{
    wide n = a / b + (a % b > 0);
    return n < INT32_MAX ? (int64_t)n : INT32_MAX;
}
