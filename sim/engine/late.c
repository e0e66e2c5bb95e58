#include "engine/late.h"

#include <stdlib.h>

#include "base/memory.h"

void late_add(struct late_list *list, struct request *request)
{
    if (list->n == list->room) {
        list->room = list->room * 2 + 16;
        list->requests =
            memory_grow(list->requests, (size_t)list->room, sizeof(struct request *));
    }
    request->late = true;
    list->requests[list->n++] = request;
}

void late_drop(struct late_list *list, struct request *request)
{
    int64_t at = 0;
    while (list->requests[at] != request) {
        at++;
    }
    request->late = false;
    list->requests[at] = list->requests[--list->n];
}

void late_free(struct late_list *list)
{
    free(list->requests);
}
