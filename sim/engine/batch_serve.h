/* batch_serve: what disciplines have in common: serving those who run, and who gives way.
 *
 * Each comes twice: request by request, and `grouped`, which says the same without visiting
 * the decoding group while blocks suffice.  Where they do not, requests are looked at one
 * by one in the order of admission: the first for whom blocks lack takes them from victims
 * (key `victim`), until it has enough or is the victim itself, and then nobody behind it
 * gets anything in this step.
 */
#ifndef SERVESIM_ENGINE_BATCH_SERVE_H
#define SERVESIM_ENGINE_BATCH_SERVE_H

#include "engine/batch.h"

/* Which running request loses least if it gives way: the fewest outputs, then the longest
 * prompt, then the last. */
struct request *batch_serve_fewest_outputs(const struct replica *replica);

/* Tokens that a running or waiting request wants in this step: what it lacks, within the
 * threshold of long prompts; drafted tokens, too. */
int64_t batch_serve_wanted(const struct replica *replica,
                           const struct request *request);

/* Gives all running requests what they want, in the order of admission and within the
 * budget. */
void batch_serve_each(struct replica *replica, int64_t now_ns);
void batch_serve_grouped(struct replica *replica, int64_t now_ns);

/* Gives a running request tokens, at the expense of victims where blocks lack; false if it
 * had to give way itself. */
bool batch_serve_one(struct replica *replica, struct request *request, int64_t tokens,
                     int64_t now_ns);

/* Gives those who decode their token. */
void batch_serve_decodes_each(struct replica *replica, int64_t now_ns);
void batch_serve_decodes_grouped(struct replica *replica, int64_t now_ns);

/* Admits waiting requests with all they lack, in the queue's order, until one finds no place,
 * no budget or no blocks. */
void batch_serve_whole(struct replica *replica, int64_t now_ns);

/* With `preemptive_order`, before anything else in a plan: running requests give way to a
 * waiting one that precedes them, the last in the order first, until that one fits. */
void batch_serve_yield(struct replica *replica, int64_t now_ns);

/* Whether the first of the waiting precedes a running request, which it may displace in the
 * next plan if not in this one. */
bool batch_serve_may_yield(struct replica *replica);

/* Steps in which all who run decode before the order may put somebody who waits before one
 * of them. */
int64_t batch_serve_steps_in_order(struct replica *replica);

/* After those who run have been served and nobody gave way: takes swapped requests back,
 * first come, first served, leaving `watermark` blocks free.  Whether none is left: as long
 * as one is, nobody new is admitted. */
bool batch_serve_swapped(struct replica *replica, int64_t now_ns);

/* Whether the peak of what the running requests and this waiting one will hold fits
 * (LightLLM's forecast; always with admission = fits). */
bool batch_serve_foresees(struct replica *replica, const struct request *request);

/* Steps in which all who run decode after which the first of the waiting may be foreseen to
 * fit: with every one of them that it comes later, the peak is one token lower. */
int64_t batch_serve_steps_foreseen(struct replica *replica);

/* Output that may still come of all who decode, each counted with `most` tokens at most. */
int64_t batch_serve_to_come(const struct replica *replica, int64_t most);

#endif
