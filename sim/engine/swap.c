#include "engine/swap.h"

#include "engine/replica.h"

bool swap_fits(const struct replica *replica, const struct request *request)
{
    const struct swap *swap = &replica->swap;
    int64_t n_blocks = kv_blocks(&replica->kv, request->computed_tokens);
    return n_blocks <= swap->most_blocks - swap->host_blocks;
}

void swap_out(struct replica *replica, struct request *request)
{
    struct swap *swap = &replica->swap;
    int64_t n_blocks = kv_blocks(&replica->kv, request->computed_tokens);
    request_list_append(&swap->requests, request);
    request->place = REQUEST_SWAPPED;
    swap->host_blocks += n_blocks;
    swap->moved += n_blocks;
    swap->n_out += n_blocks;
    if (request->chain != NULL) {
        prefix_chain_forget(request->chain);
        request->spare_chain = request->chain;
        request->chain = NULL;
    }
}

void swap_take(struct replica *replica, struct request *request, bool back)
{
    struct swap *swap = &replica->swap;
    int64_t n_blocks = kv_blocks(&replica->kv, request->computed_tokens);
    request_list_remove(&swap->requests, request);
    swap->host_blocks -= n_blocks;
    if (back) {
        swap->moved += n_blocks;
        swap->n_in += n_blocks;
    }
}

wide swap_fs(const struct replica *replica)
{
    return (wide)replica->pool->swap_block_fs * replica->swap.moved;
}
