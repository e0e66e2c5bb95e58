/* Any bytes as a configuration file: no crash, no hang, and what was read can be
 * written and read again to the same bytes. */
#include "base/check.h"
#include "input/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct sample {
    int64_t count;
    int64_t time_ns;
    int64_t drain_ns;
    int64_t step_fs;
    int64_t memory_bytes;
    int64_t link_bytes_per_s;
    int64_t peak_flops;
    int64_t idle_mw;
    int64_t share;
    int64_t flag;
    int64_t choice;
    const char *text;
};

static const struct field fields[] = {
    {"a", FIELD_COUNT, offsetof(struct sample, count), "", "7", "1", "1m", NULL, ""},
    {"b", FIELD_TIME, offsetof(struct sample, time_ns), "ms", "7", NULL, NULL, NULL,
     ""},
    {"c", FIELD_TIME, offsetof(struct sample, drain_ns), "min", "7", NULL, "9h", NULL,
     ""},
    {"d", FIELD_FEMTO, offsetof(struct sample, step_fs), "us", "7", NULL, NULL, NULL,
     ""},
    {"e", FIELD_BYTES, offsetof(struct sample, memory_bytes), "GiB", "7", "-9", NULL,
     NULL, ""},
    {"f", FIELD_BANDWIDTH, offsetof(struct sample, link_bytes_per_s), "GB/s", "7", NULL,
     NULL, NULL, ""},
    {"g", FIELD_FLOPS, offsetof(struct sample, peak_flops), "TFLOPS", "7", NULL, NULL,
     NULL, ""},
    {"h", FIELD_POWER, offsetof(struct sample, idle_mw), "W", "7", NULL, NULL, NULL,
     ""},
    {"i", FIELD_NANO, offsetof(struct sample, share), "", "0.7", NULL, NULL, NULL, ""},
    {"j", FIELD_FLAG, offsetof(struct sample, flag), "", "no", NULL, NULL, NULL, ""},
    {"k", FIELD_CHOICE, offsetof(struct sample, choice), "", "x", NULL, NULL, "x|yy|z",
     ""},
    {"text", FIELD_TEXT, offsetof(struct sample, text), "", "", NULL, NULL, NULL, ""},
};

static const struct field_table table = {"sample", fields, 12, 0};

static int read_bytes(const char *bytes, size_t size, struct settings *settings,
                      struct arena *arena, struct err *err)
{
    int descriptor = memfd_create("settings", 0);
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    CHECK(write(descriptor, bytes, size) == (ssize_t)size);
    int status = settings_read(settings, path, arena, err);
    close(descriptor);
    CHECK((status == 0) == (err->text[0] == '\0'));
    return status;
}

/* The entries as a file; the caller frees it. */
static char *entries_write(const struct settings *settings, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    const struct settings_section *section = settings_next(settings, "", NULL);
    for (; section != NULL; section = settings_next(settings, "", section)) {
        fprintf(out, "[%s]\n", section->name);
        for (const struct settings_entry *e = section->first; e != NULL; e = e->next) {
            fprintf(out, "%s = %s\n", e->key, e->value);
        }
    }
    fclose(out);
    return text;
}

/* What the file says of section "x" as the lines of its table; NULL if that is bad. */
static char *sample_write(struct settings *settings, struct arena *arena, size_t *size)
{
    struct sample sample = {0};
    struct err err = {""};
    char *text = NULL;
    field_defaults(&table, &sample, arena);
    if (settings_apply(settings, "x", &table, 1, &sample, arena, &err) != 0) {
        CHECK(err.text[0] != '\0');
        return NULL;
    }
    FILE *out = open_memstream(&text, size);
    fputs("[x]\n", out);
    settings_print(out, &table, &sample);
    fclose(out);
    return text;
}

static void assert_same(const char *a, size_t a_size, const char *b, size_t b_size)
{
    CHECK(a_size == b_size && memcmp(a, b, a_size) == 0);
}

/* Entries written and read again are the same entries. */
static void check_entries(const struct settings *settings, struct arena *arena)
{
    struct settings again = {0};
    struct err err = {""};
    size_t size = 0;
    size_t again_size = 0;
    char *text = entries_write(settings, &size);
    CHECK(read_bytes(text, size, &again, arena, &err) == 0);
    char *again_text = entries_write(&again, &again_size);
    assert_same(text, size, again_text, again_size);
    free(again_text);
    free(text);
}

/* So are the values of a table. */
static void check_sample(struct settings *settings, struct arena *arena)
{
    struct settings again = {0};
    struct err err = {""};
    size_t size = 0;
    size_t again_size = 0;
    char *text = sample_write(settings, arena, &size);
    if (text == NULL) {
        return;
    }
    CHECK(read_bytes(text, size, &again, arena, &err) == 0);
    char *again_text = sample_write(&again, arena, &again_size);
    assert_same(text, size, again_text, again_size);
    free(again_text);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena arena = {NULL};
    struct settings settings = {0};
    struct settings overrides = {0};
    struct err err = {""};
    const char *text = (const char *)bytes; /* libFuzzer's bytes, ours are char */
    if (read_bytes(text, size, &settings, &arena, &err) == 0) {
        check_entries(&settings, &arena);
        check_sample(&settings, &arena);
        settings_check_used(&settings, "x", &err);
    }
    char *argument = memory_copy(text, size);
    if (settings_override(&overrides, argument, &arena, &err) == 0) {
        check_entries(&overrides, &arena);
        check_sample(&overrides, &arena);
        settings_check_used(&overrides, "x", &err);
    }
    free(argument);
    memory_arena_free(&arena);
    return 0;
}
