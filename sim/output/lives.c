#include "output/lives.h"

#include <stdlib.h>

#include "base/memory.h"
#include "engine/lockstep.h"
#include "engine/scaler.h"
#include "output/text.h"

static const struct column list[] = {
    {"t_s", "s", "when it happened"},
    {"pool", "", "whose replica it is"},
    {"replica", "", "its number, as in replicas.csv"},
    {"event", "",
     "start, wake or repair: a boot begins; ready; drain: no more requests; undrain; "
     "stop; sleep; fail"},
    {"detail", "",
     "who wanted it: a policy of [scale], held: requests that nobody could take, "
     "the pool that gets the GPUs, or fail, reclaim, repair"},
};

const struct columns lives_columns = {
    .file = "events.csv",
    .help = "one row per change of a replica's life, if there are any",
    .list = list,
    .n = sizeof list / sizeof list[0],
};

void lives_add(struct lives *lives, const struct probe_life *life)
{
    if (lives->n == lives->room) {
        lives->room = lives->room * 2 + 16;
        lives->events =
            memory_grow(lives->events, (size_t)lives->room, sizeof *lives->events);
    }
    lives->events[lives->n++] = *life;
}

void lives_free(struct lives *lives)
{
    free(lives->events);
    *lives = (struct lives){0};
}

const char *lives_name(const struct probe_life *life)
{
    switch (life->to) {
    case LIFE_OFF:
        return "stop";
    case LIFE_STARTING:
        return life->from == LIFE_ASLEEP   ? "wake"
               : life->from == LIFE_FAILED ? "repair"
                                           : "start";
    case LIFE_READY:
        return life->from == LIFE_DRAINING ? "undrain" : "ready";
    case LIFE_DRAINING:
        return "drain";
    case LIFE_FAILED:
        return "fail";
    case LIFE_ASLEEP:
        return "sleep";
    case N_LIFE_STATES:
        break;
    }
    return "";
}

int lives_write(const struct lives *lives, const struct sim *sim, const char *folder,
                struct err *err)
{
    struct text text;
    if (lives->n == 0) {
        return 0;
    }
    if (text_open(&text, folder, "events.csv", err) != 0) {
        return -1;
    }
    columns_write_header(&text, &lives_columns);
    for (int64_t i = 0; i < lives->n; i++) {
        const struct probe_life *life = &lives->events[i];
        text_decimal(&text, life->at_ns, 9);
        text_printf(&text, ",%s,%d,%s,%s\n",
                    sim->replicas[life->replica].pool->config->name, life->replica,
                    lives_name(life), life->detail);
        text_flush_if_full(&text);
    }
    return text_close(&text, err);
}

void lives_metrics(struct sim *sim, struct metrics *metrics)
{
    int64_t end_ns = sim->totals.end_ns;
    int64_t n_ups = 0;
    int64_t n_downs = 0;
    wide on_ns = 0;
    wide starting_ns = 0;
    wide paid_ns = 0;
    if (sim->scalers == NULL && sim->sleepers == NULL) {
        return;
    }
    for (int32_t i = 0; sim->scalers != NULL && i < sim->config->n_pools; i++) {
        n_ups += sim->scalers[i].n_ups;
        n_downs += sim->scalers[i].n_downs;
    }
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct life *life = &sim->replicas[i].life;
        if (lockstep_first(&sim->replicas[i]) != i) {
            continue; /* ranks are one replica */
        }
        on_ns += life_on_ns(life, end_ns);
        starting_ns += life_ns(life, LIFE_STARTING, end_ns);
        paid_ns += life_paid_ns(life, end_ns);
    }
    metrics_integer(metrics, "scale_ups", n_ups, "");
    metrics_integer(metrics, "scale_downs", n_downs, "");
    metrics_ratio(metrics, "mean_replicas", on_ns, end_ns, 6, "replicas");
    metrics_integer(metrics, "peak_replicas", sim->most_on, "replicas");
    metrics_ratio(metrics, "starting_share", starting_ns, paid_ns, 6, "");
    metrics_integer(metrics, "held_requests", sim->n_held, "requests");
    metrics_ratio(metrics, "mean_hold_ms", sim->held_ns, (wide)sim->n_held * 1000000, 6,
                  "ms");
}
