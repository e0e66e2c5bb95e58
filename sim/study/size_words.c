#include "study/size_words.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/config_pool.h"

static int32_t find(const struct size_words *words, const char *word)
{
    for (int32_t i = 0; i < words->n; i++) {
        if (strcmp(words->list[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

int size_words_read(struct size_words *words, const char *text, struct arena *arena)
{
    *words = (struct size_words){0};
    if (text[strspn(text, " \t")] == '\0') {
        return 0;
    }
    words->list = ARENA_NEW(arena, strlen(text) / 2 + 1, const char *);
    char *rest = memory_arena_text(arena, text);
    for (char *word; (word = strsep(&rest, ",")) != NULL;) {
        word += strspn(word, " \t");
        size_t length = strlen(word);
        while (length > 0 && strchr(" \t", word[length - 1]) != NULL) {
            word[--length] = '\0';
        }
        if (length == 0 || find(words, word) >= 0) {
            return -1;
        }
        words->list[words->n++] = word;
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void size_words_files(struct size_words *words, const char *folder, struct arena *arena)
{
    enum { MOST = 1000 };
    char roots[CONFIG_POOL_ROOTS][400];
    DIR *listing = NULL;
    config_pool_roots(roots);
    for (int i = 0; i < CONFIG_POOL_ROOTS && listing == NULL; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/configs/%s", roots[i], folder);
        listing = opendir(path);
    }
    *words = (struct size_words){.list = ARENA_NEW(arena, MOST, const char *)};
    for (struct dirent *entry;
         listing != NULL && (entry = readdir(listing)) != NULL && words->n < MOST;) {
        size_t length = strlen(entry->d_name);
        if (length > 4 && strcmp(entry->d_name + length - 4, ".ini") == 0) {
            char *word = memory_arena_text(arena, entry->d_name);
            word[length - 4] = '\0';
            words->list[words->n++] = word;
        }
    }
    if (listing != NULL) {
        closedir(listing);
    }
    qsort(words->list, (size_t)words->n, sizeof *words->list, by_name);
}

void size_words_remove(struct size_words *words, const struct size_words *others)
{
    int32_t n = 0;
    for (int32_t i = 0; i < words->n; i++) {
        if (find(others, words->list[i]) < 0) {
            words->list[n++] = words->list[i];
        }
    }
    words->n = n;
}
