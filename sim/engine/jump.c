#include "engine/jump.h"

#include "base/check.h"

int32_t jump_bucket(uint64_t key, int32_t n_buckets)
{
    CHECK(n_buckets > 0);
    int64_t bucket = 0;
    int64_t next = 0;
    while (next < n_buckets) {
        bucket = next;
        key = key * UINT64_C(2862933555777941757) + 1;
        /* (bucket + 1) / a uniform fraction, below 2^62 */
        next = (int64_t)((((uint64_t)bucket + 1) << 31) / ((key >> 33) + 1));
    }
    return (int32_t)bucket;
}

/* SplitMix64's output function (Steele, Lea and Flood, OOPSLA 2014). */
uint64_t jump_key(uint64_t key, int32_t attempt)
{
    uint64_t z = key + UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t)attempt + 1);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* FNV-1a of 64 bits (Fowler, Noll and Vo). */
uint64_t jump_text(const char *text, int64_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int64_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}
