/* sessions: who may have continued whom, in a log that does not say.
 *
 * A turn of a conversation sends what was said before, and something new: its prompt is
 * longer than the prompt and output of the turn it continues.  So each request is taken to
 * continue, of the requests that arrived earlier and were not continued yet, the one with
 * the most tokens that fits (of several the latest); where none fits a session begins.
 *
 * The tokens found so are the most that any such pairing of this log can share: no choice
 * of turns gives more, because taking the largest that fits never leaves less to those
 * behind.  So they bound from above what conversations alone can share.  They do not bound
 * what is shared otherwise: a system prompt that many sessions begin with, a question asked
 * twice, two answers to one history.  From below nothing is known but 0.
 *
 * A request costs O(log n), n the different numbers of tokens, and one that nobody has
 * continued yet keeps its memory: 32 bytes, and 48 for each such number.
 */
#ifndef SERVESIM_INPUT_SESSIONS_H
#define SERVESIM_INPUT_SESSIONS_H

#include <stdint.h>

struct sessions_turn;
struct sessions_length;

/* Zeroed it is empty and ready. */
struct sessions {
    struct sessions_length *root; /* turns that a later request may continue */
    struct sessions_turn *fresh;  /* those of the last arrival's instant, in order */
    struct sessions_turn *last_fresh;
    int64_t fresh_ns;
    int64_t n_turns;
    int64_t n_sessions;
};

/* Takes the next request, in order of arrival.  The number of its session, from 0; and how
 * many of its prompt's tokens the turn that it continues left, 0 if it begins the session. */
int64_t sessions_add(struct sessions *sessions, int64_t arrival_ns,
                     int64_t prompt_tokens, int64_t output_tokens,
                     int64_t *continued_tokens);

void sessions_free(struct sessions *sessions);

#endif
