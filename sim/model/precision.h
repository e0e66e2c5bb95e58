/* precision: the number formats of weights, activations and the KV cache.
 *
 * A weight's bytes include the scales stored with it: one 16-bit scale per 128 weights of
 * int4 (GPTQ, AWQ), one 8-bit exponent per 32 of mxfp4 (OCP Microscaling 1.0: 4.25 bits),
 * one 8-bit scale per 16 of nvfp4 (4.5 bits).  fp8's block scales (one per 16,384) are
 * left out; fp4 is the bare format, for textbook sums.
 */
#ifndef SERVESIM_MODEL_PRECISION_H
#define SERVESIM_MODEL_PRECISION_H

#include <stdint.h>

enum precision {
    PRECISION_BF16, /* and FP16 */
    PRECISION_FP8,
    PRECISION_INT8,
    PRECISION_INT4, /* weights only: its products run at the BF16 rate */
    PRECISION_FP4,
    PRECISION_MXFP4,
    PRECISION_NVFP4,
    N_PRECISIONS
};

/* The names in that order, as a FIELD_CHOICE lists them, and the same with "same" behind
 * them: whatever the weights are. */
#define PRECISION_CHOICES "bf16|fp8|int8|int4|fp4|mxfp4|nvfp4"
#define PRECISION_CHOICES_OR_SAME PRECISION_CHOICES "|same"
enum { PRECISION_SAME = N_PRECISIONS };

/* Thousandths of a bit that one number takes, scales included. */
int64_t precision_millibits(enum precision precision);

/* Bytes of `n` numbers, half up. */
int64_t precision_bytes(enum precision precision, int64_t n);

const char *precision_name(enum precision precision);

#endif
