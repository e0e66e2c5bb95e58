/* changes: the rows of events.csv.  Behind cmocka.h. */
#ifndef SERVESIM_TESTS_SUPPORT_CHANGES_H
#define SERVESIM_TESTS_SUPPORT_CHANGES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A row of events.csv. */
struct change {
    char at[40];
    char pool[40];
    int64_t replica;
    char rest[80];
};

static inline bool next_change(const char **text, struct change *change)
{
    const char *end = strchr(*text, '\n');
    if (end == NULL) {
        return false;
    }
    long long replica;
    assert_int_equal(sscanf(*text, "%39[^,],%39[^,],%lld,%79[^\n]", change->at,
                            change->pool, &replica, change->rest),
                     4);
    change->replica = replica;
    *text = end + 1;
    return true;
}

#endif
