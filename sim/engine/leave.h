/* leave: the blocks of those who leave a replica at the end of one step.
 *
 * The order in which blocks come back decides which are forgotten first (engine/prefix.h),
 * so it must not depend on the order in which finished requests were found: it is the
 * order of admission, as in a server that goes through its running list.  Where blocks are
 * all alike, there is nothing to order.
 */
#ifndef SERVESIM_ENGINE_LEAVE_H
#define SERVESIM_ENGINE_LEAVE_H

#include <stdbool.h>
#include <stdint.h>

struct kv;
struct request;
struct prefix_chain;

struct leave_entry {
    int64_t admission;
    int64_t held_blocks;
    int64_t computed_tokens;
    struct prefix_chain *chain;
};

struct leave_list {
    struct leave_entry *entries; /* in order of admission */
    int64_t n;
    int64_t room;
};

/* The request gives its blocks with leave_all(), or now if that makes no difference and they
 * need not `stay`; it has no chain afterwards. */
void leave_add(struct leave_list *list, struct kv *kv, struct request *request,
               bool stay);

/* Gives the blocks of all who were added, in order of admission; what they hold is known
 * from then on. */
void leave_all(struct leave_list *list, struct kv *kv);

void leave_free(struct leave_list *list);

#endif
