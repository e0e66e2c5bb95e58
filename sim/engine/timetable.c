#include "engine/timetable.h"

#include <string.h>

#include "base/field.h"

enum { MOST_BYTES = 256 };

static const struct field time_field = {"time", FIELD_TIME,   0,    "s",       "0",
                                        "0",    "3600000000", NULL, "a moment"};
static const struct field count_field = {"replicas", FIELD_COUNT, 0,    "",        "0",
                                         "0",        "100000",    NULL, "how many"};

/* "8h:16" into a point; `word` is cut in two. */
static int read_point(struct timetable_point *point, char *word, struct err *err)
{
    char *colon = strchr(word, ':');
    struct err reason;
    if (colon == NULL) {
        return err_set(err, "'%.60s' is not TIME:REPLICAS, such as 8h:16", word);
    }
    *colon = '\0';
    if (field_read(&time_field, &point->at_ns, word, NULL, &reason) != 0) {
        return err_set(err, "time %.900s", reason.text);
    }
    if (field_read(&count_field, &point->n_replicas, colon + 1, NULL, &reason) != 0) {
        return err_set(err, "replicas %.900s", reason.text);
    }
    return 0;
}

/* The next word of the text, cut off at its end; NULL behind the last. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " \t");
    size_t length = strcspn(word, " \t");
    if (length == 0) {
        return NULL;
    }
    *at = word + length;
    if (**at != '\0') {
        *(*at)++ = '\0';
    }
    return word;
}

int timetable_read(struct timetable *schedule, const char *text, int64_t period_ns,
                   struct arena *arena, struct err *err)
{
    char copy[MOST_BYTES] = "";
    size_t length = strlen(text);
    if (length >= sizeof copy) {
        return err_set(err, "'%.40s...' is longer than %d bytes", text, MOST_BYTES - 1);
    }
    memcpy(copy, text, length + 1);
    *schedule = (struct timetable){.period_ns = period_ns};
    schedule->points = ARENA_NEW(arena, MOST_BYTES, struct timetable_point);
    char *at = copy;
    for (char *word; (word = next_word(&at)) != NULL;) {
        struct timetable_point *point = &schedule->points[schedule->n];
        char told[MOST_BYTES];
        memcpy(told, word, strlen(word) + 1);
        if (read_point(point, word, err) != 0) {
            return -1;
        }
        if (schedule->n > 0 && point->at_ns <= point[-1].at_ns) {
            return err_set(err, "'%.60s' is not after the moment before it", told);
        }
        if (point->at_ns >= period_ns) {
            return err_set(err, "'%.60s' is not within the period", told);
        }
        schedule->n++;
    }
    if (schedule->n == 0) {
        return err_set(err, "'%.60s' is not a schedule, such as 0:4 8h:16 20h:4", text);
    }
    return 0;
}

int64_t timetable_at(const struct timetable *schedule, int64_t now_ns)
{
    int64_t in_period_ns = now_ns % schedule->period_ns;
    int32_t at = schedule->n - 1; /* of the period before */
    for (int32_t i = 0; i < schedule->n && schedule->points[i].at_ns <= in_period_ns;
         i++) {
        at = i;
    }
    return schedule->points[at].n_replicas;
}

int64_t timetable_most(const struct timetable *schedule)
{
    int64_t most = 0;
    for (int32_t i = 0; i < schedule->n; i++) {
        if (schedule->points[i].n_replicas > most) {
            most = schedule->points[i].n_replicas;
        }
    }
    return most;
}
