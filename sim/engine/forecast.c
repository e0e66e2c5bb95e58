#include "engine/forecast.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/replica.h"

void forecast_free(struct forecast *forecast)
{
    free(forecast->members.entries);
    free(forecast->others.entries);
}

static struct forecast_entry entry_of(const struct replica *replica,
                                      const struct request *request)
{
    int64_t left = batch_max_new(request) - batch_n_emitted(replica, request);
    return (struct forecast_entry){.end_step = replica->group.step + left,
                                   .tokens =
                                       request->prompt_tokens + batch_max_new(request)};
}

static void insert(struct forecast_list *list, struct forecast_entry entry)
{
    if (list->n == list->room) {
        list->room = list->room * 2 + 16;
        list->entries =
            memory_grow(list->entries, (size_t)list->room, sizeof *list->entries);
    }
    int64_t at = list->n++;
    for (; at > 0 && list->entries[at - 1].end_step < entry.end_step; at--) {
        list->entries[at] = list->entries[at - 1];
    }
    list->entries[at] = entry;
}

void forecast_join(struct replica *replica, const struct request *request)
{
    if (replica->forecast.on) {
        insert(&replica->forecast.members, entry_of(replica, request));
    }
}

void forecast_leave(struct replica *replica, const struct request *request)
{
    if (!replica->forecast.on) {
        return;
    }
    struct forecast_list *list = &replica->forecast.members;
    struct forecast_entry entry = entry_of(replica, request);
    int64_t at = list->n - 1;
    while (at >= 0 && (list->entries[at].end_step != entry.end_step ||
                       list->entries[at].tokens != entry.tokens)) {
        at--;
    }
    CHECK(at >= 0);
    list->n--;
    for (; at < list->n; at++) {
        list->entries[at] = list->entries[at + 1];
    }
}

/* Sorts all who are not members of the group, and this one. */
static void sort_others(struct replica *replica, const struct request *request)
{
    struct forecast_list *list = &replica->forecast.others;
    list->n = 0;
    const struct request *r = replica->stepwise ? replica->running.first : NULL;
    for (; r != NULL; r = r->next) {
        insert(list, entry_of(replica, r));
    }
    for (int64_t i = 0; i < replica->n_partials; i++) {
        insert(list, entry_of(replica, replica->partials[i]));
    }
    insert(list, entry_of(replica, request));
}

/* What is held at the ends of those that were looked at so far. */
struct sum {
    int64_t n;
    int64_t used;
    int64_t most;
};

static inline void look_at(struct sum *sum, const struct forecast_entry *entry,
                           int64_t step)
{
    int64_t left = entry->end_step - step;
    sum->used += entry->tokens - left;
    int64_t then = left * ++sum->n + sum->used;
    sum->most = then > sum->most ? then : sum->most;
}

int64_t forecast_peak(struct replica *replica, const struct request *request)
{
    const struct forecast_list *members = &replica->forecast.members;
    const struct forecast_list *others = &replica->forecast.others;
    int64_t step = replica->group.step;
    struct sum sum = {0};
    sort_others(replica, request);
    for (int64_t i = 0, j = 0; j <= others->n; j++) {
        int64_t end_step = j < others->n ? others->entries[j].end_step : INT64_MIN;
        for (; i < members->n && members->entries[i].end_step > end_step; i++) {
            look_at(&sum, &members->entries[i], step);
        }
        if (j < others->n) {
            look_at(&sum, &others->entries[j], step);
        }
    }
    return sum.most;
}
