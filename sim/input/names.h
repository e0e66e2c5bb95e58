/* names: texts as numbers, 1, 2, 3 ... in the order in which they appear. */
#ifndef SERVESIM_INPUT_NAMES_H
#define SERVESIM_INPUT_NAMES_H

#include <stdint.h>

/* A zeroed one is empty and ready. */
struct names {
    char **texts;
    int32_t n;
    int32_t room;
    int32_t *slots; /* numbers by hash, 0: free; twice as many as texts at least */
    int32_t n_slots;
};

void names_free(struct names *names);

/* The number of a text, which may be new; NULL and "" have 0. */
int32_t names_number(struct names *names, const char *text);

#endif
