/* textbook: "a model of P parameters on a chip of so many TFLOPS" as the model knows it.
 *
 * One layer class of exactly P matrix parameters, whatever attention is asked for, on
 * kernels that reach the peaks; everything else is zero.
 */
#ifndef SERVESIM_STUDY_TEXTBOOK_H
#define SERVESIM_STUDY_TEXTBOOK_H

#include "study/roofline_convention.h"

struct textbook {
    double params;
    double layers;
    double heads;
    double kv_heads;
    double head_dim;
    double batch;
    double context; /* tokens that each sequence attends to */
    double tflops;  /* dense */
    double tbytes;  /* per second */
    double usd_per_hour;
};

struct textbook_step {
    double flops;
    double weight_bytes;
    double kv_bytes;
    double bytes;
    double s;
};

/* One decode step under the convention; times are 0 where no rates are given. */
struct textbook_step textbook_decode(const struct roofline_convention *by,
                                     const struct textbook *given);

/* A chip of that dense BF16 rate and bandwidth. */
struct accelerator textbook_gpu(double tflops, double tbytes);

/* Distinct experts of `experts` that `batch` tokens visit, `active` each. */
double textbook_experts(int64_t experts, int64_t active, int64_t batch);

/* The batch from which on the dearer chip gives fewer tokens per dollar (or more, if it
 * gave fewer); NAN if none.  Weights alone. */
double textbook_crossover(const struct roofline_convention *by,
                          const struct textbook *one, const struct textbook *other);

#endif
