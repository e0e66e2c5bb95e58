/* forecast: how much KV cache those who run will hold at most (admission = forecast).
 *
 * LightLLM's estimate: if nobody ends before it must, requests sorted by what they have left
 * to write hold most at the end of one of them: those behind it are gone, those before it
 * and it have grown by what it had left.  A step of decodes takes one token from what each
 * member of the decoding group has left, so members stay sorted by the step at which they
 * must end; only those outside the group are sorted for every question.  Under --stepwise
 * all are.
 */
#ifndef SERVESIM_ENGINE_FORECAST_H
#define SERVESIM_ENGINE_FORECAST_H

#include <stdbool.h>
#include <stdint.h>

struct replica;
struct request;

struct forecast_entry {
    int64_t end_step; /* of the decoding group, at the latest */
    int64_t tokens;   /* held by then */
};

struct forecast_list {
    struct forecast_entry *entries; /* who has most left first */
    int64_t n;
    int64_t room;
};

struct forecast {
    bool on; /* false: nobody asks */
    struct forecast_list members;
    struct forecast_list others;
};

void forecast_free(struct forecast *forecast);

/* A request has joined the decoding group; is about to leave it. */
void forecast_join(struct replica *replica, const struct request *request);
void forecast_leave(struct replica *replica, const struct request *request);

/* The most tokens that the running requests and this waiting one will hold at once. */
int64_t forecast_peak(struct replica *replica, const struct request *request);

#endif
