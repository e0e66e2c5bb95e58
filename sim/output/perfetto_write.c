#include "output/perfetto.h"

#include <inttypes.h>

#include "base/digits.h"
#include "output/lives.h"
#include "output/text.h"

/* While a replica's events are written in their order. */
struct track {
    struct text *text;
    const struct replica *replica;
    int32_t pid;
    int32_t tid;
    enum life_state state;
    int64_t last_ns; /* until then it is written */
    bool is_held;    /* and the blocks that it holds behind it */
    int64_t blocks;  /* the counters, as last written; -1: not yet */
    int64_t mw;
};

/* Colours of chrome://tracing for what bounds a step; Perfetto has one for each name. */
static const char *colour_of(int bound)
{
    static const char *const colours[N_BOUNDS] = {
        [BOUND_COMPUTE] = "thread_state_runnable",
        [BOUND_WEIGHT] = "rail_response",
        [BOUND_KV] = "thread_state_running",
        [BOUND_NETWORK] = "thread_state_iowait",
        [BOUND_OVERHEAD] = "grey",
    };
    return colours[bound];
}

/* Microseconds with three decimals: nanoseconds. */
static void put_us(struct text *text, const char *key, int64_t ns)
{
    text_string(text, key);
    char *at = text_room(text);
    if (ns < 0) {
        *at++ = '-';
    }
    text_took(text, digits_decimal(at, ns < 0 ? -ns : ns, 3));
}

/* What is in quotes in JSON; what is not ASCII is shown as '?'. */
static void put_word(struct text *text, const char *word)
{
    for (; *word != '\0'; word++) {
        char *at = text_room(text);
        if (*word == '"' || *word == '\\') {
            *at++ = '\\';
        }
        *at++ = *word >= ' ' && *word <= '~' ? *word : '?';
        text_took(text, at);
    }
}

static void put_head(struct text *text, const char *kind, int32_t pid, int32_t tid,
                     int64_t at_ns)
{
    text_printf(text, ",\n{\"ph\":\"%s\",\"pid\":%d,\"tid\":%d", kind, pid, tid);
    put_us(text, ",\"ts\":", at_ns);
}

static void put_counter(const struct track *track, int64_t at_ns, const char *of,
                        const char *unit)
{
    put_head(track->text, "C", track->pid, track->tid, at_ns);
    text_printf(track->text,
                ",\"name\":\"replica %d %s\",\"args\":{\"%s\":", track->replica->index,
                of, unit);
}

static void put_blocks(struct track *track, int64_t at_ns, int64_t blocks)
{
    if (blocks != track->blocks) {
        put_counter(track, at_ns, "KV", "blocks");
        text_printf(track->text, "%" PRId64 "}}", blocks);
        track->blocks = blocks;
    }
}

static void put_power(struct track *track, int64_t at_ns, int64_t mw)
{
    if (mw != track->mw) {
        put_counter(track, at_ns, "power", "W");
        text_decimal(track->text, mw, 3);
        text_string(track->text, "}}");
        track->mw = mw;
    }
}

/* What it draws while no step runs. */
static int64_t resting_mw(const struct track *track)
{
    bool is_up = track->state == LIFE_READY || track->state == LIFE_DRAINING ||
                 track->state == LIFE_STARTING;
    return is_up ? track->replica->pool->power.idle_mw : 0;
}

/* Nothing ran from the last step to `at_ns`. */
static void put_rest(struct track *track, int64_t at_ns)
{
    if (at_ns > track->last_ns) {
        put_power(track, track->last_ns, resting_mw(track));
        if (!track->is_held) {
            put_blocks(track, track->last_ns, 0);
        }
        track->last_ns = at_ns;
    }
}

static void put_step_name(struct text *text, const struct perfetto_step *step)
{
    text_string(text, ",\"name\":\"");
    if (step->how == PROBE_DUMMY) {
        text_string(text, "dummy");
    }
    if (step->prompt_tokens > 0) {
        text_printf(text, "prefill %" PRId64 "%s", step->prompt_tokens,
                    step->n_decodes > 0 ? " + " : "");
    }
    if (step->n_decodes > 0) {
        text_printf(text, "decode %" PRId64, step->n_decodes);
    }
    text_printf(text, ", %s-bound%s\"", cost_bound_name((enum bound)step->bound),
                step->how == PROBE_ABORTED ? ", aborted" : "");
}

static void put_step(struct track *track, const struct perfetto_event *event)
{
    const struct perfetto_step *step = &event->step;
    struct text *text = track->text;
    const char *bound = cost_bound_name((enum bound)step->bound);
    put_rest(track, event->at_ns);
    put_head(text, "X", track->pid, track->tid, event->at_ns);
    put_us(text, ",\"dur\":", step->end_ns - event->at_ns);
    put_step_name(text, step);
    text_printf(text, ",\"cat\":\"%s\",\"cname\":\"%s\"", bound,
                colour_of(step->bound));
    text_printf(text, ",\"args\":{\"bound\":\"%s\",\"bound_share\":", bound);
    text_decimal(text, step->share_milli, 3);
    text_printf(text,
                ",\"decodes\":%" PRId64 ",\"prompts\":%" PRId64
                ",\"batch_tokens\":%" PRId64 ",\"context\":%" PRId64
                ",\"blocks\":%" PRId64 "}}",
                step->n_decodes, step->n_chunks,
                step->n_decodes + step->draft_tokens + step->prompt_tokens,
                step->context, step->blocks);
    put_blocks(track, event->at_ns, step->blocks);
    put_power(track, event->at_ns, step->mw);
    track->last_ns = step->end_ns;
    track->is_held = false;
}

static void put_event(struct track *track, const struct perfetto_event *event)
{
    struct text *text = track->text;
    switch (event->kind) {
    case PERFETTO_STEP:
        put_step(track, event);
        break;
    case PERFETTO_LOAD:
        put_counter(track, event->at_ns, "requests", "running");
        text_printf(text, "%" PRId64 ",\"waiting\":%" PRId64 "}}", event->load.running,
                    event->load.waiting);
        break;
    case PERFETTO_HELD:
        put_blocks(track, event->at_ns, event->held_blocks);
        track->is_held = true;
        break;
    case PERFETTO_LIFE:
        put_rest(track, event->at_ns);
        track->state = event->life.to;
        put_head(text, "i", track->pid, track->tid, event->at_ns);
        text_printf(text,
                    ",\"s\":\"t\",\"name\":\"%s\",\"cat\":\"life\","
                    "\"args\":{\"detail\":\"%s\"}}",
                    lives_name(&event->life), event->life.detail);
        break;
    }
}

/* Names a process, or with `tid` > 0 a thread. */
static void put_name(struct text *text, int32_t pid, int32_t tid, const char *what,
                     const char *name, int32_t number)
{
    put_head(text, "M", pid, tid, 0);
    text_printf(text, ",\"name\":\"%s_name\",\"args\":{\"name\":\"%s", what, name);
    if (number >= 0) {
        text_printf(text, " %d", number);
    }
    text_string(text, "\"}}");
    put_head(text, "M", pid, tid, 0);
    text_printf(text, ",\"name\":\"%s_sort_index\",\"args\":{\"sort_index\":%d}}", what,
                tid > 0 ? tid : pid);
}

static void put_replicas(struct text *text, const struct perfetto *perfetto,
                         const struct sim *sim)
{
    int64_t next = 0;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct replica *replica = &sim->replicas[i];
        struct track track = {
            .text = text,
            .replica = replica,
            .pid = replica->pool->index + 1,
            .tid = i + 1,
            .state = i < perfetto->n_replicas ? perfetto->replicas[i].first : LIFE_OFF,
            .last_ns = perfetto->first_ns,
            .blocks = -1,
            .mw = -1,
        };
        if (replica->place == 0) {
            put_name(text, track.pid, 0, "process", replica->pool->config->name, -1);
        }
        put_name(text, track.pid, track.tid, "thread", "replica", i);
        while (next < perfetto->n && perfetto->events[next].replica == i) {
            put_event(&track, &perfetto->events[next++]);
        }
        put_rest(&track, perfetto->until_ns);
    }
}

/* A phase of a request, if it has a length. */
static void put_phase(struct text *text, int32_t pid, int32_t tid, const char *name,
                      const int64_t from_until_ns[2])
{
    if (from_until_ns[0] >= 0 && from_until_ns[1] > from_until_ns[0]) {
        put_head(text, "X", pid, tid, from_until_ns[0]);
        put_us(text, ",\"dur\":", from_until_ns[1] - from_until_ns[0]);
        text_printf(text, ",\"cat\":\"phase\",\"name\":\"%s\"}", name);
    }
}

static void put_phases(struct text *text, int32_t pid, int32_t tid,
                       const struct probe_record *record)
{
    int64_t first_ns = record->first_scheduled_ns >= 0 ? record->first_scheduled_ns
                                                       : record->finish_ns;
    int64_t token_ns =
        record->first_token_ns >= 0 ? record->first_token_ns : record->finish_ns;
    put_phase(text, pid, tid, "queue", (int64_t[]){record->arrival_ns, first_ns});
    put_phase(text, pid, tid, "prefill", (int64_t[]){first_ns, token_ns});
    put_phase(text, pid, tid, "decode", (int64_t[]){token_ns, record->finish_ns});
}

static void put_request(struct text *text, int32_t pid, int32_t tid,
                        const struct probe_record *record)
{
    put_head(text, "X", pid, tid, record->arrival_ns);
    put_us(text, ",\"dur\":", record->finish_ns - record->arrival_ns);
    text_string(text, ",\"cat\":\"request\",\"name\":\"request ");
    if (record->labels != NULL) {
        put_word(text, record->labels);
    } else {
        text_integer(text, record->id);
    }
    text_printf(text,
                "\",\"args\":{\"status\":\"%s\",\"replica\":%d,"
                "\"prompt_tokens\":%" PRId64 ",\"output_tokens\":%" PRId64
                ",\"cached_tokens\":%" PRId64 ",\"preemptions\":%" PRId64,
                request_status_name(record->status), record->replica,
                record->prompt_tokens, record->output_tokens, record->cached_tokens,
                record->n_preemptions);
    const struct {
        const char *key;
        int64_t ns;
    } owners[] = {
        {",\"queue_us\":", record->queue_ns},
        {",\"prefill_us\":", record->prefill_ns},
        {",\"decode_us\":", record->decode_ns},
        {",\"stall_us\":", record->stall_ns},
        {",\"recompute_us\":", record->recompute_ns},
        {",\"transfer_us\":", record->transfer_ns},
    };
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        put_us(text, owners[i].key, owners[i].ns);
    }
    text_string(text, "}}");
    put_phases(text, pid, tid, record);
}

static void put_arrow(struct text *text, const char *kind, int32_t pid, int32_t tid,
                      int64_t at_ns, int32_t id)
{
    put_head(text, kind, pid, tid, at_ns);
    text_printf(text, ",\"cat\":\"request\",\"name\":\"request\",\"id\":%d%s}", id,
                kind[0] == 'f' ? ",\"bp\":\"e\"" : "");
}

/* From its arrival to the step that first gave it something, and to the one in which it
 * ended, as far as these steps are in the trace. */
static void put_arrows(struct text *text, const struct perfetto *perfetto,
                       const struct sim *sim, const int32_t lane[2],
                       const struct probe_record *record)
{
    int32_t id = record->id;
    int32_t begins =
        record->prefill_replica >= 0 ? record->prefill_replica : record->replica;
    const struct perfetto_event *first =
        perfetto_find(perfetto, begins, record->first_scheduled_ns);
    const struct perfetto_event *last =
        perfetto_find(perfetto, record->replica, record->finish_ns - 1);
    bool has_first = first != NULL && first->at_ns == record->first_scheduled_ns;
    bool has_last = last != NULL && last->step.end_ns == record->finish_ns;
    if (!has_first && !has_last) {
        return;
    }
    put_arrow(text, "s", lane[0], lane[1], record->arrival_ns, id);
    if (has_first) {
        int32_t pid = sim->replicas[begins].pool->index + 1;
        put_arrow(text, has_last ? "t" : "f", pid, begins + 1, first->at_ns, id);
    }
    if (has_last) {
        int32_t pid = sim->replicas[record->replica].pool->index + 1;
        put_arrow(text, "f", pid, record->replica + 1, record->finish_ns - 1, id);
    }
}

static void put_requests(struct text *text, const struct perfetto *perfetto,
                         const struct sim *sim, int32_t n_lanes)
{
    int32_t pid = sim->config->n_pools + 1;
    int32_t first_tid = sim->n_replicas + 1;
    if (n_lanes > 0) {
        put_name(text, pid, 0, "process", "requests", -1);
    }
    for (int32_t i = 0; i < n_lanes; i++) {
        put_name(text, pid, first_tid + i, "thread", "lane", i);
    }
    for (int64_t i = 0; i < perfetto->n_requests; i++) {
        const struct perfetto_request *request = &perfetto->requests[i];
        put_request(text, pid, first_tid + request->lane, &request->record);
    }
    for (int64_t i = 0; i < perfetto->n_requests; i++) {
        const struct perfetto_request *request = &perfetto->requests[i];
        int32_t lane[2] = {pid, first_tid + request->lane};
        put_arrows(text, perfetto, sim, lane, &request->record);
    }
}

static void put_bounds(struct text *text, const struct perfetto *perfetto)
{
    text_string(text, "{\"displayTimeUnit\":\"ms\",\n\"otherData\":{\"from_us\":");
    put_us(text, "", perfetto->first_ns);
    put_us(text, ",\"until_us\":", perfetto->until_ns);
    text_printf(
        text, ",\"requests\":%" PRId64 ",\"cut\":\"%s\"},\n", perfetto->n_requests,
        perfetto->is_cut ? "ends early: more than [output] trace_events" : "no");
    text_string(text, "\"traceEvents\":[");
    text_string(text,
                "\n{\"ph\":\"M\",\"pid\":0,\"tid\":0,\"ts\":0,\"name\":"
                "\"trace_of\",\"args\":{\"name\":\"servesim " SERVESIM_VERSION "\"}}");
}

int perfetto_write(const struct perfetto *perfetto, const struct sim *sim,
                   int32_t n_lanes, const char *folder, struct err *err)
{
    struct text text;
    if (text_open(&text, folder, "trace.json", err) != 0) {
        return -1;
    }
    put_bounds(&text, perfetto);
    put_replicas(&text, perfetto, sim);
    put_requests(&text, perfetto, sim, n_lanes);
    text_string(&text, "\n]}\n");
    return text_close(&text, err);
}
