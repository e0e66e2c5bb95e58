#include "input/follow.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "input/workload_wait.h"

/* A row that was read and has not left. */
struct follow_node {
    struct sim_arrival arrival; /* until it is sent */
    char *model_name;           /* of its own: likewise */
    char *class_name;
    uint64_t hash; /* of its id; 0: it has none */
    int64_t copy;
    int64_t index;      /* of its row */
    int64_t parents_ns; /* when the last of those that have left did */
    int32_t n_parents;  /* that have not left */
    int32_t first_link; /* to those that wait for it; -1: nobody */
};

enum { NONE = -1 };

/* The state of an id that several rows have. */
static const int64_t ambiguous = INT64_MIN;

/* When parents left that were passed over: a think time later is long ago, too. */
static const int64_t long_ago_ns = INT64_MIN / 4;

void follow_init(struct follow *follow, const struct sim_source *requests,
                 const struct workload *workload, bool skips)
{
    *follow = (struct follow){
        .requests = *requests,
        .workload = workload,
        .skips = skips,
        .free_node = NONE,
        .free_link = NONE,
        .read_to_ns = INT64_MIN,
    };
    ids_init(&follow->ids);
}

static void free_names(struct follow *follow)
{
    free(follow->model_name);
    free(follow->class_name);
    follow->model_name = NULL;
    follow->class_name = NULL;
}

void follow_free(struct follow *follow)
{
    for (int32_t i = 0; i < follow->n_nodes; i++) {
        free(follow->nodes[i].arrival.labels);
        free(follow->nodes[i].arrival.parts);
        free(follow->nodes[i].model_name);
        free(follow->nodes[i].class_name);
    }
    free_names(follow);
    ids_free(&follow->ids);
    free(follow->nodes);
    free(follow->links);
    free(follow->heap);
}

static int32_t new_node(struct follow *follow)
{
    int32_t node = follow->free_node;
    if (node != NONE) {
        follow->free_node = follow->nodes[node].first_link;
    } else {
        if (follow->n_nodes == follow->node_room) {
            CHECK(follow->node_room < INT32_MAX / 4);
            follow->node_room = follow->node_room * 2 + 64;
            follow->nodes = memory_grow(follow->nodes, (size_t)follow->node_room,
                                        sizeof *follow->nodes);
        }
        node = follow->n_nodes++;
    }
    follow->nodes[node] = (struct follow_node){.first_link = NONE};
    return node;
}

static void drop_node(struct follow *follow, int32_t node)
{
    follow->nodes[node] = (struct follow_node){.first_link = follow->free_node};
    follow->free_node = node;
}

/* From now on `child` waits for `node`. */
static void link_to(struct follow *follow, int32_t node, int32_t child)
{
    int32_t link = follow->free_link;
    if (link != NONE) {
        follow->free_link = follow->links[link].next;
    } else {
        if (follow->n_links == follow->link_room) {
            CHECK(follow->link_room < INT32_MAX / 4);
            follow->link_room = follow->link_room * 2 + 64;
            follow->links = memory_grow(follow->links, (size_t)follow->link_room,
                                        sizeof *follow->links);
        }
        link = follow->n_links++;
    }
    follow->links[link] = (struct follow_link){child, follow->nodes[node].first_link};
    follow->nodes[node].first_link = link;
    follow->nodes[child].n_parents++;
}

static bool is_before(const struct follow *follow, int32_t a, int32_t b)
{
    const struct follow_node *x = &follow->nodes[a];
    const struct follow_node *y = &follow->nodes[b];
    return x->arrival.arrival_ns != y->arrival.arrival_ns
               ? x->arrival.arrival_ns < y->arrival.arrival_ns
               : x->index < y->index;
}

static void push(struct follow *follow, int32_t node)
{
    if (follow->n_heap == follow->heap_room) {
        follow->heap_room = follow->heap_room * 2 + 64;
        follow->heap =
            memory_grow(follow->heap, (size_t)follow->heap_room, sizeof *follow->heap);
    }
    int32_t at = follow->n_heap++;
    while (at > 0 && is_before(follow, node, follow->heap[(at - 1) / 2])) {
        follow->heap[at] = follow->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    follow->heap[at] = node;
}

static int32_t pop(struct follow *follow)
{
    int32_t first = follow->heap[0];
    int32_t last = follow->heap[--follow->n_heap];
    int32_t at = 0;
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child + 1 < follow->n_heap &&
            is_before(follow, follow->heap[child + 1], follow->heap[child])) {
            child++;
        }
        if (child >= follow->n_heap || !is_before(follow, follow->heap[child], last)) {
            break;
        }
        follow->heap[at] = follow->heap[child];
        at = child;
    }
    follow->heap[at] = last;
    return first;
}

/* All that it waited for have left. */
static void make_ready(struct follow *follow, struct follow_node *node)
{
    struct sim_arrival *arrival = &node->arrival;
    int64_t after_ns = node->parents_ns + arrival->think_ns; /* both < 2^62 */
    if (arrival->parents != NULL) {
        arrival->arrival_ns =
            after_ns > arrival->arrival_ns ? after_ns : arrival->arrival_ns;
        arrival->parents = NULL; /* no more than a borrowed text */
        arrival->counted =
            arrival->counted &&
            (follow->workload == NULL ||
             workload_wait_counts(follow->workload, arrival->arrival_ns));
    }
    push(follow, (int32_t)(node - follow->nodes));
}

static int refuse_id(const struct sim_arrival *arrival, const char *column,
                     const char *id, size_t length, const char *reason, struct err *err)
{
    return err_at(err, arrival->file, arrival->line, "%s: '%.*s' %s", column,
                  (int)length, id, reason);
}

/* Finds one of those that the row waits for. */
static int add_parent(struct follow *follow, int32_t child, const char *id,
                      size_t length, struct err *err)
{
    struct follow_node *node = &follow->nodes[child];
    const int64_t *state = ids_find(&follow->ids, ids_hash(id, length));
    if (state == NULL) {
        return follow->skips
                   ? 0
                   : refuse_id(&node->arrival, "parent_id", id, length,
                               "is not the request_id of a row above; '[workload] "
                               "dependencies = ignore' plays all rows when they say",
                               err);
    }
    if (*state == ambiguous) {
        return refuse_id(&node->arrival, "parent_id", id, length,
                         "is the request_id of several rows above; '[workload] "
                         "dependencies = ignore' plays all rows when they say",
                         err);
    }
    if (*state < 0) {
        link_to(follow, (int32_t)(-1 - *state), child);
    } else if (*state > node->parents_ns) {
        node->parents_ns = *state;
    }
    return 0;
}

static int add_parents(struct follow *follow, int32_t child, struct err *err)
{
    const char *text = follow->nodes[child].arrival.parents;
    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, " ");
        if (length > 0 && add_parent(follow, child, text, length, err) != 0) {
            return -1;
        }
        text += length + (text[length] == ' ');
    }
    return 0;
}

/* Rows below may wait for this one. */
static void add_id(struct follow *follow, int32_t at)
{
    struct follow_node *node = &follow->nodes[at];
    const char *id = node->arrival.labels;
    size_t length = id != NULL ? strcspn(id, "\n") : 0; /* SIM_LABEL_SEPARATOR */
    if (length == 0) {
        return;
    }
    uint64_t hash = ids_hash(id, length);
    int64_t *state = ids_find(&follow->ids, hash);
    if (state != NULL) {
        *state = ambiguous;
        return;
    }
    ids_add(&follow->ids, hash, -1 - at); /* it has not left */
    node->hash = hash;
}

static char *copy_name(const char *name)
{
    return name != NULL ? memory_copy(name, strlen(name)) : NULL;
}

/* Reads a row: 1, 0 at the end, -1. */
static int read_row(struct follow *follow, struct err *err)
{
    struct sim_arrival arrival;
    int got = follow->requests.next(follow->requests.state, &arrival, err);
    follow->ended = got <= 0;
    if (got <= 0) {
        return got;
    }
    if (arrival.copy != follow->copy) { /* its ids are its own */
        ids_clear(&follow->ids);
        follow->copy = arrival.copy;
    }
    int32_t at = new_node(follow);
    struct follow_node *node = &follow->nodes[at];
    node->arrival = arrival;
    node->model_name = copy_name(arrival.model_name);
    node->class_name = copy_name(arrival.class_name);
    node->copy = arrival.copy;
    node->index = follow->n_read++;
    node->parents_ns = long_ago_ns;
    follow->read_to_ns = arrival.arrival_ns;
    if (add_parents(follow, at, err) != 0) {
        return -1;
    }
    add_id(follow, at);
    if (node->n_parents > 0) {
        follow->n_waiting++;
    } else {
        make_ready(follow, node);
    }
    return 1;
}

/* Until the first of the heap comes before all that are not read. */
static int look(struct follow *follow, struct err *err)
{
    while (!follow->ended &&
           (follow->n_heap == 0 ||
            follow->nodes[follow->heap[0]].arrival.arrival_ns > follow->read_to_ns)) {
        if (read_row(follow, err) < 0) {
            return -1;
        }
    }
    CHECK(follow->n_heap > 0 || follow->n_waiting == 0 ||
          follow->n_sent > follow->n_left);
    return follow->n_heap > 0;
}

static int peek(void *state, int64_t *at_ns, struct err *err)
{
    struct follow *follow = state;
    int got = look(follow, err);
    if (got > 0) {
        *at_ns = follow->nodes[follow->heap[0]].arrival.arrival_ns;
    }
    return got;
}

static int next(void *state, struct sim_arrival *arrival, struct err *err)
{
    struct follow *follow = state;
    int got = look(follow, err);
    if (got <= 0) {
        return got;
    }
    int32_t at = pop(follow);
    struct follow_node *node = &follow->nodes[at];
    free_names(follow);
    follow->model_name = node->model_name;
    follow->class_name = node->class_name;
    *arrival = node->arrival;
    arrival->model_name = follow->model_name;
    arrival->class_name = follow->class_name;
    arrival->key = node->hash != 0 ? at + 1 : 0;
    if (node->hash == 0) { /* nobody can wait for it */
        drop_node(follow, at);
    } else {
        node->arrival = (struct sim_arrival){.arrival_ns = 0};
        node->model_name = NULL;
        node->class_name = NULL;
    }
    follow->n_sent++;
    return 1;
}

static void finished(void *state, const struct probe_record *record)
{
    struct follow *follow = state;
    int32_t at = (int32_t)record->source_key - 1;
    follow->n_left++;
    if (at < 0) {
        return;
    }
    const struct follow_node *node = &follow->nodes[at];
    for (int32_t i = node->first_link; i != NONE;) {
        struct follow_link *link = &follow->links[i];
        struct follow_node *child = &follow->nodes[link->node];
        int32_t next_link = link->next;
        if (record->finish_ns > child->parents_ns) {
            child->parents_ns = record->finish_ns;
        }
        if (--child->n_parents == 0) {
            follow->n_waiting--;
            make_ready(follow, child);
        }
        link->next = follow->free_link;
        follow->free_link = i;
        i = next_link;
    }
    int64_t *left_ns =
        node->copy == follow->copy ? ids_find(&follow->ids, node->hash) : NULL;
    if (left_ns != NULL && *left_ns != ambiguous) {
        *left_ns = record->finish_ns;
    }
    drop_node(follow, at);
}

struct sim_source follow_source(struct follow *follow)
{
    return (struct sim_source){
        .state = follow, .next = next, .finished = finished, .peek = peek};
}
