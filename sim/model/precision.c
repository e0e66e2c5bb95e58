#include "model/precision.h"

#include "base/wide.h"

static const struct {
    const char *name;
    int64_t millibits;
} formats[N_PRECISIONS] = {
    [PRECISION_BF16] = {"bf16", 16000},  [PRECISION_FP8] = {"fp8", 8000},
    [PRECISION_INT8] = {"int8", 8000},   [PRECISION_INT4] = {"int4", 4125},
    [PRECISION_FP4] = {"fp4", 4000},     [PRECISION_MXFP4] = {"mxfp4", 4250},
    [PRECISION_NVFP4] = {"nvfp4", 4500},
};

int64_t precision_millibits(enum precision precision)
{
    return formats[precision].millibits;
}

int64_t precision_bytes(enum precision precision, int64_t n)
{
    return wide_narrow(wide_div_half_up((wide)n * formats[precision].millibits, 8000));
}

const char *precision_name(enum precision precision)
{
    return formats[precision].name;
}
