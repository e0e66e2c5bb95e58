#include "input/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/jump.h"

void names_free(struct names *names)
{
    for (int32_t i = 0; i < names->n; i++) {
        free(names->texts[i]);
    }
    free(names->texts);
    free(names->slots);
    *names = (struct names){0};
}

/* The slot of the text: it stands there, or nothing does. */
static int32_t *slot_of(const struct names *names, const char *text)
{
    uint64_t mask = (uint64_t)names->n_slots - 1;
    uint64_t at = jump_text(text, (int64_t)strlen(text)) & mask;
    while (names->slots[at] != 0 &&
           strcmp(names->texts[names->slots[at] - 1], text) != 0) {
        at = (at + 1) & mask;
    }
    return &names->slots[at];
}

static void make_room(struct names *names)
{
    if (2 * (names->n + 1) > names->n_slots) {
        free(names->slots);
        names->n_slots = names->n_slots > 0 ? names->n_slots * 2 : 64;
        names->slots = memory_new((size_t)names->n_slots, sizeof *names->slots);
        for (int32_t i = 0; i < names->n; i++) {
            *slot_of(names, names->texts[i]) = i + 1;
        }
    }
    if (names->n == names->room) {
        names->room = names->room * 2 + 16;
        names->texts = memory_grow(names->texts, (size_t)names->room, sizeof(char *));
    }
}

int32_t names_number(struct names *names, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return 0;
    }
    make_room(names);
    int32_t *slot = slot_of(names, text);
    if (*slot == 0) {
        names->texts[names->n++] = memory_copy(text, strlen(text));
        *slot = names->n;
    }
    return *slot;
}
