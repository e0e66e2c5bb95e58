/* size_line: fleets that differ in the number of replicas of one part, and the smallest that
 * meets the goal.
 *
 * From a first guess the number grows, or falls, in steps that double until one fleet fails
 * and a larger one meets, and halves what lies between.  More replicas need not be better
 * (routers, nodes, chance), so at the end smaller ones are tried, too: all of them down to
 * `least` if they are no more than SIZE_LINE_NEAR, else two; but none below one that failed
 * by far (size_entry.hopeless).
 */
#ifndef SERVESIM_STUDY_SIZE_LINE_H
#define SERVESIM_STUDY_SIZE_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "study/size_book.h"

enum { SIZE_LINE_NEAR = 16 };

struct size_line {
    struct size_case what; /* the replicas of `part` are left open */
    int32_t part;
    int32_t least; /* what is to be tried */
    int32_t most;
    int32_t start;
};

/* What is known of a line. */
struct size_line_state {
    int32_t meets;     /* the smallest number that does; 0: none is known */
    int32_t fails;     /* the largest below it, or of all, that does not; 0: none */
    int32_t next;      /* what to try next; 0: nothing is left to try */
    int32_t lowest;    /* the smallest number that may yet turn out to meet, or does */
    int32_t n_tried;   /* below the smallest that meets */
    bool hopeless;     /* the largest that fails does so by far */
    const char *error; /* why none can be simulated; NULL */
};

void size_line_look(const struct size_line *line, const struct size_book *book,
                    struct size_line_state *state);

/* The case of the line with that many replicas. */
struct size_case size_line_case(const struct size_line *line, int32_t n);

/* Adds what the line would try next to `cases`, `most` at most: the next one, then those
 * that would follow if it failed, or met.  How many were added. */
int32_t size_line_propose(const struct size_line *line, const struct size_book *book,
                          int32_t most, struct size_case *cases);

#endif
