/* size_words: lists of words as [size] has them: "h100-sxm, a100-80gb". */
#ifndef SERVESIM_STUDY_SIZE_WORDS_H
#define SERVESIM_STUDY_SIZE_WORDS_H

#include <stdint.h>

#include "base/memory.h"

struct size_words {
    const char **list;
    int32_t n;
};

/* Reads the words of `text`, none if it is empty; -1 if one is empty or there twice. */
int size_words_read(struct size_words *words, const char *text, struct arena *arena);

/* The names of all files in configs/FOLDER, in alphabetical order. */
void size_words_files(struct size_words *words, const char *folder,
                      struct arena *arena);

/* Takes out what `others` have. */
void size_words_remove(struct size_words *words, const struct size_words *others);

#endif
