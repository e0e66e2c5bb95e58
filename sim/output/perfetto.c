#include "output/perfetto.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void perfetto_init(struct perfetto *perfetto, const struct perfetto_options *options)
{
    *perfetto = (struct perfetto){
        .options = *options,
        .first_ns = options->from_ns,
        .until_ns = options->until_ns > 0 ? options->until_ns : INT64_MAX,
    };
}

void perfetto_free(struct perfetto *perfetto)
{
    for (int64_t i = 0; i < perfetto->n_requests; i++) {
        free(perfetto->requests[i].record.labels);
    }
    free(perfetto->requests);
    free(perfetto->events);
    free(perfetto->replicas);
}

static int compare_integers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* By time; what was told of one replica at one instant stays in order. */
static int by_time(const void *a, const void *b)
{
    const struct perfetto_event *x = a;
    const struct perfetto_event *y = b;
    int order = compare_integers(x->at_ns, y->at_ns);
    order = order != 0 ? order : compare_integers(x->replica, y->replica);
    order = order != 0 ? order : compare_integers(x->kind, y->kind);
    return order != 0 ? order : compare_integers(x->order, y->order);
}

static int by_replica(const void *a, const void *b)
{
    const struct perfetto_event *x = a;
    const struct perfetto_event *y = b;
    int order = compare_integers(x->replica, y->replica);
    return order != 0 ? order : by_time(a, b);
}

/* Keeps the first events only, and of an instant all or none. */
static void cut(struct perfetto *perfetto)
{
    int64_t most = perfetto->options.most_events;
    if (perfetto->n <= most) {
        return;
    }
    qsort(perfetto->events, (size_t)perfetto->n, sizeof *perfetto->events, by_time);
    perfetto->until_ns = perfetto->events[most].at_ns;
    perfetto->is_cut = true;
    int64_t n = most;
    while (n > 0 && perfetto->events[n - 1].at_ns == perfetto->until_ns) {
        n--;
    }
    perfetto->n = n;
}

static void add(struct perfetto *perfetto, const struct perfetto_event *event)
{
    if (event->at_ns >= perfetto->until_ns) {
        return;
    }
    if (perfetto->n >= 2 * perfetto->options.most_events) {
        cut(perfetto);
        if (event->at_ns >= perfetto->until_ns) {
            return;
        }
    }
    if (perfetto->n == perfetto->room) {
        perfetto->room = perfetto->room * 2 + 1024;
        perfetto->events = memory_grow(perfetto->events, (size_t)perfetto->room,
                                       sizeof *perfetto->events);
    }
    struct perfetto_event *added = &perfetto->events[perfetto->n++];
    *added = *event;
    added->order = perfetto->n_told++;
}

/* The replica that `index` is of; others before it may not have been told of yet. */
static struct perfetto_replica *know(struct perfetto *perfetto, int32_t index)
{
    if (index >= perfetto->n_replicas) {
        int32_t n = index + 1;
        perfetto->replicas =
            memory_grow(perfetto->replicas, (size_t)n, sizeof *perfetto->replicas);
        for (int32_t i = perfetto->n_replicas; i < n; i++) {
            perfetto->replicas[i] = (struct perfetto_replica){
                .running = -1, .waiting = -1, .first = LIFE_OFF};
        }
        perfetto->n_replicas = n;
    }
    return &perfetto->replicas[index];
}

void perfetto_slice(struct perfetto *perfetto, const struct replica *replica,
                    const struct probe_slice *slice)
{
    int64_t length_ns = slice->end_ns - slice->start_ns;
    wide sum_fs = 0;
    int most = BOUND_OVERHEAD;
    for (int i = 0; i < N_BOUNDS; i++) {
        sum_fs += slice->bound_fs[i];
        most = slice->bound_fs[i] > slice->bound_fs[most] ? i : most;
    }
    wide share_milli = sum_fs > 0 ? 1000 * slice->bound_fs[most] / sum_fs : 0;
    struct perfetto_event event = {
        .at_ns = slice->start_ns,
        .replica = replica->index,
        .kind = PERFETTO_STEP,
        .step = {.end_ns = slice->end_ns,
                 .n_decodes = slice->n_decodes,
                 .n_chunks = slice->n_chunks,
                 .prompt_tokens = slice->prompt_tokens,
                 .draft_tokens = slice->draft_tokens,
                 .context = slice->context,
                 .blocks = slice->blocks,
                 .mw = length_ns > 0 ? (int64_t)(slice->pj / length_ns) : 0,
                 .how = slice->how,
                 .bound = most,
                 .share_milli = (int32_t)share_milli},
    };
    add(perfetto, &event);
}

void perfetto_load(struct perfetto *perfetto, const struct replica *replica,
                   const struct probe_load *load)
{
    struct perfetto_replica *known = know(perfetto, replica->index);
    if (load->until_ns <= perfetto->first_ns) {
        return;
    }
    struct perfetto_event event = {
        .at_ns =
            load->from_ns > perfetto->first_ns ? load->from_ns : perfetto->first_ns,
        .replica = replica->index,
        .kind = PERFETTO_HELD,
        .held_blocks = load->blocks,
    };
    if (load->running >= 0) {
        if (load->running == known->running && load->waiting == known->waiting) {
            return;
        }
        known->running = load->running;
        known->waiting = load->waiting;
        event.kind = PERFETTO_LOAD;
        event.load.running = load->running;
        event.load.waiting = load->waiting;
    }
    add(perfetto, &event);
}

void perfetto_life(struct perfetto *perfetto, const struct replica *replica,
                   const struct probe_life *life)
{
    struct perfetto_replica *known = know(perfetto, replica->index);
    if (life->from == life->to || life->at_ns < perfetto->first_ns) {
        known->first = life->to;
        return;
    }
    struct perfetto_event event = {
        .at_ns = life->at_ns,
        .replica = replica->index,
        .kind = PERFETTO_LIFE,
        .life = *life,
    };
    add(perfetto, &event);
}

static int by_id(const void *a, const void *b)
{
    const struct perfetto_request *x = a;
    const struct perfetto_request *y = b;
    return compare_integers(x->record.id, y->record.id);
}

/* Keeps those that came first. */
static void drop_requests(struct perfetto *perfetto)
{
    int64_t most = perfetto->options.most_requests;
    if (perfetto->n_requests <= most) {
        return;
    }
    qsort(perfetto->requests, (size_t)perfetto->n_requests, sizeof *perfetto->requests,
          by_id);
    for (int64_t i = most; i < perfetto->n_requests; i++) {
        free(perfetto->requests[i].record.labels);
    }
    perfetto->n_requests = most;
}

void perfetto_finish(struct perfetto *perfetto, const struct probe_record *record)
{
    int64_t until_ns =
        perfetto->options.until_ns > 0 ? perfetto->options.until_ns : INT64_MAX;
    if (record->arrival_ns >= until_ns || record->finish_ns < perfetto->first_ns ||
        perfetto->options.most_requests == 0) {
        return;
    }
    if (perfetto->n_requests == 2 * perfetto->options.most_requests) {
        drop_requests(perfetto);
    }
    if (perfetto->n_requests == perfetto->request_room) {
        perfetto->request_room = perfetto->request_room * 2 + 64;
        perfetto->requests =
            memory_grow(perfetto->requests, (size_t)perfetto->request_room,
                        sizeof *perfetto->requests);
    }
    struct perfetto_request *request = &perfetto->requests[perfetto->n_requests++];
    *request = (struct perfetto_request){.record = *record};
    const char *labels = record->labels;
    request->record.labels =
        labels == NULL || labels[0] == SIM_LABEL_SEPARATOR
            ? NULL
            : memory_copy(labels, strcspn(labels, (char[]){SIM_LABEL_SEPARATOR, 0}));
}

static int by_arrival(const void *a, const void *b)
{
    const struct perfetto_request *x = a;
    const struct perfetto_request *y = b;
    int order = compare_integers(x->record.arrival_ns, y->record.arrival_ns);
    return order != 0 ? order : by_id(a, b);
}

/* Every request gets the first lane that is free when it arrives. */
static int32_t choose_lanes(struct perfetto *perfetto)
{
    int32_t n_lanes = 0;
    int64_t n = perfetto->n_requests;
    if (n == 0) {
        return 0;
    }
    int64_t *free_ns = memory_new((size_t)n, sizeof *free_ns);
    qsort(perfetto->requests, (size_t)n, sizeof *perfetto->requests, by_arrival);
    for (int64_t i = 0; i < n; i++) {
        const struct probe_record *record = &perfetto->requests[i].record;
        int32_t lane = 0;
        while (lane < n_lanes && free_ns[lane] > record->arrival_ns) {
            lane++;
        }
        n_lanes = lane == n_lanes ? lane + 1 : n_lanes;
        /* those who leave at once would hide behind each other */
        free_ns[lane] = record->finish_ns > record->arrival_ns ? record->finish_ns
                                                               : record->arrival_ns + 1;
        perfetto->requests[i].lane = lane;
    }
    free(free_ns);
    return n_lanes;
}

int32_t perfetto_close(struct perfetto *perfetto, int64_t end_ns)
{
    cut(perfetto);
    drop_requests(perfetto);
    if (perfetto->until_ns > end_ns) {
        perfetto->until_ns = end_ns;
    }
    if (perfetto->n > 0) {
        qsort(perfetto->events, (size_t)perfetto->n, sizeof *perfetto->events,
              by_replica);
    }
    return choose_lanes(perfetto);
}

const struct perfetto_event *perfetto_find(const struct perfetto *perfetto,
                                           int32_t replica, int64_t at_ns)
{
    int64_t low = 0; /* events before it are at or before the moment */
    int64_t high = perfetto->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        const struct perfetto_event *event = &perfetto->events[middle];
        bool is_later = event->replica > replica ||
                        (event->replica == replica && event->at_ns > at_ns);
        low = is_later ? low : middle + 1;
        high = is_later ? middle : high;
    }
    while (low > 0 && perfetto->events[low - 1].replica == replica) {
        if (perfetto->events[low - 1].kind == PERFETTO_STEP) {
            return &perfetto->events[low - 1];
        }
        low--;
    }
    return NULL;
}
