/* late: members of the decoding group that joined it during a stall.
 *
 * Where a step passes the group over (prefill before decode), the gap that its next token
 * ends began before a newcomer's: that one's is its own.
 */
#ifndef SERVESIM_ENGINE_LATE_H
#define SERVESIM_ENGINE_LATE_H

#include <stdint.h>

#include "engine/request.h"

/* Zeroed: empty. */
struct late_list {
    struct request **requests;
    int64_t n;
    int64_t room;
};

void late_add(struct late_list *list, struct request *request);
void late_drop(struct late_list *list, struct request *request);
void late_free(struct late_list *list);

#endif
