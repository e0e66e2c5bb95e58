/* jump: a consistent hash: which of n buckets a key belongs to.
 *
 * Jump consistent hash (Lamping and Veach, "A fast, minimal memory, consistent hash
 * algorithm", 2014), with its quotient in integers instead of doubles: when a bucket is
 * added at the end, one key in n + 1 moves, and only to that bucket.
 */
#ifndef SERVESIM_ENGINE_JUMP_H
#define SERVESIM_ENGINE_JUMP_H

#include <stdint.h>

/* The bucket of the key, 0 to n_buckets - 1; there must be one. */
int32_t jump_bucket(uint64_t key, int32_t n_buckets);

/* Another key for the same thing: its attempt 1, 2, 3 ...; attempt 0 mixes the key itself. */
uint64_t jump_key(uint64_t key, int32_t attempt);

/* The key of a text. */
uint64_t jump_text(const char *text, int64_t length);

#endif
