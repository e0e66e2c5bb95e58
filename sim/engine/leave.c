#include "engine/leave.h"

#include <stdlib.h>

#include "base/memory.h"
#include "engine/kv.h"
#include "engine/request.h"

void leave_add(struct leave_list *list, struct kv *kv, struct request *request,
               bool stay)
{
    if (kv->prefix == NULL && !stay) {
        kv_give(kv, request->held_blocks, NULL);
        return;
    }
    if (list->n == list->room) {
        list->room = list->room * 2 + 16;
        list->entries =
            memory_grow(list->entries, (size_t)list->room, sizeof *list->entries);
    }
    int64_t at = list->n++;
    for (; at > 0 && list->entries[at - 1].admission > request->admission; at--) {
        list->entries[at] = list->entries[at - 1];
    }
    list->entries[at] =
        (struct leave_entry){.admission = request->admission,
                             .held_blocks = request->held_blocks,
                             .computed_tokens = request->computed_tokens,
                             .chain = request->chain};
    request->chain = NULL;
}

static void know_answers(const struct leave_list *list, struct prefix *prefix)
{
    for (int64_t i = 0; i < list->n; i++) {
        const struct leave_entry *entry = &list->entries[i];
        if (entry->chain != NULL) {
            prefix_fill_answer(prefix, entry->chain, entry->computed_tokens);
        }
    }
    prefix_settle(prefix);
}

void leave_all(struct leave_list *list, struct kv *kv)
{
    if (list->n > 0 && kv->prefix != NULL) {
        know_answers(list, kv->prefix);
    }
    for (int64_t i = 0; i < list->n; i++) {
        kv_give(kv, list->entries[i].held_blocks, list->entries[i].chain);
        prefix_chain_free(list->entries[i].chain);
    }
    list->n = 0;
}

void leave_free(struct leave_list *list)
{
    free(list->entries);
}
