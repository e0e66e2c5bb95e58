#include "study/size_line.h"

#include <stdlib.h>

#include "base/memory.h"

/* What is known of a number of replicas, or assumed. */
struct fact {
    int32_t n;
    bool meets;
    bool hopeless;
};

struct facts {
    struct fact *list;
    int32_t n;
    const char *error;
};

struct size_case size_line_case(const struct size_line *line, int32_t n)
{
    struct size_case what = line->what;
    what.fleet.replicas[line->part] = n;
    return what;
}

static void collect(const struct size_line *line, const struct size_book *book,
                    struct facts *facts)
{
    *facts =
        (struct facts){.list = memory_new((size_t)book->n + 2, sizeof *facts->list)};
    for (int32_t i = 0; i < book->n; i++) {
        const struct size_entry *entry = &book->entries[i];
        int32_t n = entry->what.fleet.replicas[line->part];
        struct size_case what = size_line_case(line, n);
        struct fact fact = {.n = n, .hopeless = entry->hopeless};
        if (entry->what.z == what.z &&
            size_fleet_same(&entry->what.fleet, &what.fleet) &&
            size_book_tells(book, entry, what.factor, &fact.meets)) {
            facts->list[facts->n++] = fact;
            facts->error = entry->error != NULL ? entry->error : facts->error;
        }
    }
}

static bool knows(const struct facts *facts, int32_t n)
{
    for (int32_t i = 0; i < facts->n; i++) {
        if (facts->list[i].n == n) {
            return true;
        }
    }
    return false;
}

/* The largest number from `low` to `high` that nothing is known of; 0: none. */
static int32_t open_below(const struct facts *facts, int32_t low, int32_t high)
{
    for (int32_t n = high; n >= low && n > 0; n--) {
        if (!knows(facts, n)) {
            return n;
        }
    }
    return 0;
}

/* By how much to go on, `n_steps` having been made. */
static int32_t stride(int32_t from, int32_t n_steps)
{
    int32_t step = from / 16 > 1 ? from / 16 : 1;
    for (int32_t i = 1; i < n_steps && step < from; i++) {
        step *= 2;
    }
    return step;
}

static int32_t clamp(int32_t n, int32_t least, int32_t most)
{
    return n < least ? least : n > most ? most : n;
}

/* The least number that is worth a try; of smaller ones that failed by far the largest. */
static int32_t floor_of(const struct size_line *line, const struct facts *facts,
                        int32_t below)
{
    int32_t least = line->least;
    for (int32_t i = 0; i < facts->n; i++) {
        const struct fact *fact = &facts->list[i];
        if (!fact->meets && fact->hopeless && fact->n < below && fact->n >= least) {
            least = fact->n + 1;
        }
    }
    return least;
}

/* What is left to try between the floor and `top`, which is known. */
static int32_t fill(const struct facts *facts, int32_t least, int32_t top)
{
    bool is_near = top - least <= SIZE_LINE_NEAR;
    int32_t low = is_near || top - 2 < least ? least : top - 2;
    return open_below(facts, low, top - 1);
}

static int32_t next_of(const struct size_line *line, const struct facts *facts,
                       struct size_line_state *state)
{
    int32_t n_met = 0;
    int32_t n_failed = 0;
    *state = (struct size_line_state){.error = facts->error};
    for (int32_t i = 0; i < facts->n; i++) {
        const struct fact *fact = &facts->list[i];
        bool counts = fact->n >= line->least && fact->n <= line->most;
        if (counts && fact->meets) {
            n_met++;
            state->meets =
                state->meets == 0 || fact->n < state->meets ? fact->n : state->meets;
        }
    }
    for (int32_t i = 0; i < facts->n; i++) {
        const struct fact *fact = &facts->list[i];
        bool below = state->meets == 0 || fact->n < state->meets;
        if (!fact->meets && below && fact->n <= line->most) {
            n_failed++;
            if (fact->n > state->fails) {
                state->fails = fact->n;
                state->hopeless = fact->hopeless;
            }
        }
    }
    state->n_tried = n_failed;
    if (line->most < line->least || facts->error != NULL) {
        return 0;
    }
    int32_t top = state->meets > 0 ? state->meets : line->most + 1;
    bool has_failed = state->fails >= line->least;
    if (state->meets == 0 && !has_failed) {
        return clamp(line->start, line->least, line->most);
    }
    if (state->meets == 0 && state->fails < line->most) {
        return clamp(state->fails + stride(state->fails, n_failed), line->least,
                     line->most);
    }
    if (state->meets > line->least && !has_failed) {
        return clamp(state->meets - stride(state->meets, n_met), line->least,
                     state->meets - 1);
    }
    if (state->meets > 0 && has_failed && state->meets - state->fails > 1) {
        return state->fails + (state->meets - state->fails) / 2;
    }
    int32_t known = state->meets > 0 ? state->meets : line->most;
    return fill(facts, floor_of(line, facts, top), known);
}

/* The smallest open number matters to whoever asks what the line may yet come to. */
static void find_lowest(const struct size_line *line, const struct facts *facts,
                        struct size_line_state *state)
{
    int32_t top = state->meets > 0 ? state->meets : line->most + 1;
    int32_t least = floor_of(line, facts, top);
    state->lowest = state->meets;
    for (int32_t n = least; state->next != 0 && n < top; n++) {
        if (!knows(facts, n)) {
            state->lowest = n;
            return;
        }
    }
}

void size_line_look(const struct size_line *line, const struct size_book *book,
                    struct size_line_state *state)
{
    struct facts facts;
    collect(line, book, &facts);
    int32_t next = next_of(line, &facts, state);
    state->next = next;
    find_lowest(line, &facts, state);
    free(facts.list);
}

int32_t size_line_propose(const struct size_line *line, const struct size_book *book,
                          int32_t most, struct size_case *cases)
{
    struct facts facts;
    struct size_line_state state;
    int32_t n = 0;
    collect(line, book, &facts);
    int32_t first = next_of(line, &facts, &state);
    if (first != 0 && most > 0) {
        cases[n++] = size_line_case(line, first);
    }
    for (int32_t way = 0; way < 2 && first != 0 && n < most; way++) {
        /* assumed to fail first while nothing is known to meet */
        bool meets = (way == 0) == (state.meets > 0);
        struct size_line_state then;
        facts.list[facts.n++] = (struct fact){.n = first, .meets = meets};
        int32_t next = next_of(line, &facts, &then);
        facts.n--;
        if (next != 0) {
            cases[n++] = size_line_case(line, next);
        }
    }
    free(facts.list);
    return n;
}
