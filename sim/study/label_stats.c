#include "study/label_stats.h"

#include <stdlib.h>

#include "base/memory.h"

enum { FIRST_ROOM = 64 };

void label_stats_add(struct label_stats *stats, const char *label)
{
    int32_t number = names_number(&stats->names, label);
    if (number == 0) {
        return;
    }
    if (number >= stats->room) {
        int32_t room = stats->room > 0 ? 2 * stats->room : FIRST_ROOM;
        stats->counts = memory_grow(stats->counts, (size_t)room, sizeof *stats->counts);
        for (int32_t i = stats->room; i < room; i++) {
            stats->counts[i] = 0;
        }
        stats->room = room;
    }
    stats->counts[number]++;
    stats->n_labelled++;
}

int32_t label_stats_top(const struct label_stats *stats, int32_t most, int32_t *numbers)
{
    int32_t n = 0;
    for (int32_t number = 1; number <= stats->names.n; number++) {
        int32_t place = n < most ? n++ : most;
        /* those with fewer make room, the last of them falls off */
        for (; place > 0 && stats->counts[numbers[place - 1]] < stats->counts[number];
             place--) {
            if (place < most) {
                numbers[place] = numbers[place - 1];
            }
        }
        if (place < most) {
            numbers[place] = number;
        }
    }
    return n;
}

void label_stats_free(struct label_stats *stats)
{
    names_free(&stats->names);
    free(stats->counts);
    *stats = (struct label_stats){0};
}
