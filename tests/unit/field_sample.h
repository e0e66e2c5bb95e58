/* field_sample: one field of every type, for the tests of fields and quantities. */
#ifndef SERVESIM_TESTS_FIELD_SAMPLE_H
#define SERVESIM_TESTS_FIELD_SAMPLE_H

#include "base/field.h"

struct sample {
    int64_t sequences;
    int64_t timeout_ns;
    int64_t step_fs;
    int64_t memory_bytes;
    int64_t link_bytes_per_s;
    int64_t peak_flops;
    int64_t idle_mw;
    int64_t utilization;
    int64_t chunked;
    int64_t batching;
    const char *trace;
};

static const struct field fields[] = {
    {"sequences", FIELD_COUNT, offsetof(struct sample, sequences), "", "256", "1", "1m",
     NULL, "sequences in a step"},
    {"timeout", FIELD_TIME, offsetof(struct sample, timeout_ns), "ms", "60", "0", "1h",
     NULL, "how long a client waits"},
    {"step", FIELD_FEMTO, offsetof(struct sample, step_fs), "us", "13.7", NULL, NULL,
     NULL, "price of a step"},
    {"memory", FIELD_BYTES, offsetof(struct sample, memory_bytes), "GB", "80", "1",
     NULL, NULL, "memory of a device"},
    {"link", FIELD_BANDWIDTH, offsetof(struct sample, link_bytes_per_s), "GB/s", "450",
     NULL, "10TB/s", NULL, "bandwidth of the link"},
    {"peak", FIELD_FLOPS, offsetof(struct sample, peak_flops), "TFLOPS", "989.4", "0",
     NULL, NULL, "dense peak"},
    {"idle", FIELD_POWER, offsetof(struct sample, idle_mw), "W", "70.5", "0", "2kW",
     NULL, "power of an idle device"},
    {"utilization", FIELD_NANO, offsetof(struct sample, utilization), "", "0.9", "0.01",
     "1", NULL, "share of the memory"},
    {"chunked", FIELD_FLAG, offsetof(struct sample, chunked), "", "no", NULL, NULL,
     NULL, "whether prompts are cut"},
    {"batching", FIELD_CHOICE, offsetof(struct sample, batching), "", "unified", NULL,
     NULL, "static|unified|sarathi", "how a step is filled"},
    {"trace", FIELD_TEXT, offsetof(struct sample, trace), "", "", NULL, NULL, NULL,
     "file of requests"},
};

enum { N_FIELDS = sizeof fields / sizeof fields[0] };

static const struct field_table table = {"sample", fields, N_FIELDS, 0};

/* The value of `text` read by the field of that key; the test fails if it cannot be. */
static inline int64_t sample_value(const char *key, const char *text)
{
    int64_t value = 0;
    struct field field = *field_find(&table, key);
    field.offset = 0;
    struct err err = {""};
    if (field_read(&field, &value, text, NULL, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return value;
}

static inline void sample_refuses(const char *key, const char *text, const char *reason)
{
    int64_t value = 4099;
    struct field field = *field_find(&table, key);
    field.offset = 0;
    struct err err = {""};
    assert_int_equal(field_read(&field, &value, text, NULL, &err), -1);
    assert_string_equal(err.text, reason);
    assert_int_equal(value, 4099);
}

#endif
