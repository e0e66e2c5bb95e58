#include "engine/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { REQUESTS_PER_BLOCK = 256 };

struct request_block {
    struct request_block *before;
    struct request requests[REQUESTS_PER_BLOCK];
};

const char *request_status_name(enum request_status status)
{
    static const char *const names[N_REQUEST_STATUSES] = {
        [REQUEST_COMPLETED] = "completed", [REQUEST_REJECTED] = "rejected",
        [REQUEST_TIMED_OUT] = "timed_out", [REQUEST_SHED] = "shed",
        [REQUEST_FAILED] = "failed",
    };
    return names[status];
}

const char *request_reason_name(enum request_reason reason)
{
    static const char *const names[N_REQUEST_REASONS] = {
        [REASON_NONE] = "",
        [REASON_UNSERVABLE] = "unservable",
        [REASON_UNKNOWN_MODEL] = "unknown_model",
        [REASON_CLIENT_TIMEOUT] = "client_timeout",
        [REASON_QUEUE_FULL] = "queue_full",
        [REASON_QUEUE_TIMEOUT] = "queue_timeout",
        [REASON_RATE_LIMIT] = "rate_limit",
        [REASON_TOKEN_LIMIT] = "token_limit",
        [REASON_PRIORITY] = "priority",
        [REASON_DEADLINE] = "deadline",
        [REASON_NO_CAPACITY] = "no_capacity",
        [REASON_REPLICA_FAILED] = "replica_failed",
        [REASON_RECLAIMED] = "reclaimed",
        [REASON_RETRIES] = "retries_exhausted",
    };
    return names[reason];
}

void request_list_append(struct request_list *list, struct request *request)
{
    request->next = NULL;
    request->before = list->last;
    if (list->last != NULL) {
        list->last->next = request;
    } else {
        list->first = request;
    }
    list->last = request;
    list->n++;
}

void request_list_prepend(struct request_list *list, struct request *request)
{
    request->before = NULL;
    request->next = list->first;
    if (list->first != NULL) {
        list->first->before = request;
    } else {
        list->last = request;
    }
    list->first = request;
    list->n++;
}

void request_list_insert(struct request_list *list, struct request *request,
                         struct request *next)
{
    if (next == NULL) {
        request_list_append(list, request);
        return;
    }
    if (next->before == NULL) {
        request_list_prepend(list, request);
        return;
    }
    request->before = next->before;
    request->next = next;
    next->before->next = request;
    next->before = request;
    list->n++;
}

void request_list_remove(struct request_list *list, struct request *request)
{
    if (request->before != NULL) {
        request->before->next = request->next;
    } else {
        list->first = request->next;
    }
    if (request->next != NULL) {
        request->next->before = request->before;
    } else {
        list->last = request->before;
    }
    list->n--;
}

void request_alive_append(struct request_alive *alive, struct request *request)
{
    request->is_alive = true;
    request->next_alive = NULL;
    request->before_alive = alive->last;
    if (alive->last != NULL) {
        alive->last->next_alive = request;
    } else {
        alive->first = request;
    }
    alive->last = request;
}

void request_alive_remove(struct request_alive *alive, struct request *request)
{
    if (!request->is_alive) {
        return;
    }
    request->is_alive = false;
    if (request->before_alive != NULL) {
        request->before_alive->next_alive = request->next_alive;
    } else {
        alive->first = request->next_alive;
    }
    if (request->next_alive != NULL) {
        request->next_alive->before_alive = request->before_alive;
    } else {
        alive->last = request->before_alive;
    }
}

static void add_block(struct request_store *store)
{
    struct request_block *block = memory_new(1, sizeof *block);
    block->before = store->blocks;
    store->blocks = block;
    for (int32_t i = 0; i < REQUESTS_PER_BLOCK; i++) {
        block->requests[i].next = store->free;
        store->free = &block->requests[i];
    }
}

struct request *request_new(struct request_store *store)
{
    if (store->free == NULL) {
        add_block(store);
    }
    struct request *request = store->free;
    store->free = request->next;
    memset(request, 0, sizeof *request);
    return request;
}

void request_release(struct request_store *store, struct request *request)
{
    free(request->labels);
    request->labels = NULL;
    prefix_chain_free(request->chain);
    request->chain = NULL;
    prefix_chain_free(request->spare_chain);
    request->spare_chain = NULL;
    request->next = store->free;
    store->free = request;
}

void request_store_free(struct request_store *store)
{
    while (store->blocks != NULL) {
        struct request_block *before = store->blocks->before;
        free(store->blocks);
        store->blocks = before;
    }
    store->free = NULL;
}
