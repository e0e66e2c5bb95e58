/* Any bytes as what another program wrote: no crash, no hang, and a model that was made of
 * them can be read. */
#include "base/check.h"
#include "input/import.h"
#include "input/settings.h"
#include "model/llm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The path of a file in memory with these bytes, until `descriptor` is closed. */
static void make_file(const char *bytes, size_t size, int *descriptor, char path[32])
{
    *descriptor = memfd_create("import", 0);
    snprintf(path, 32, "/proc/self/fd/%d", *descriptor);
    CHECK(write(*descriptor, bytes, size) == (ssize_t)size);
}

static void check_model(const char *text, size_t size)
{
    struct arena arena = {NULL};
    struct settings file = {0};
    struct llm llm;
    struct err err = {""};
    int descriptor;
    char path[32];
    make_file(text, size, &descriptor, path);
    field_defaults(&llm_table, &llm, &arena);
    CHECK(settings_read(&file, path, &arena, &err) == 0);
    CHECK(settings_apply(&file, "model", &llm_table, 1, &llm, &arena, &err) == 0);
    CHECK(settings_check_given(&file, "model", &llm_table, 1, &llm, &err) == 0);
    CHECK(settings_check_used(&file, "model", &err) == 0);
    CHECK(llm_check(&llm, &err) == 0);
    CHECK(llm_params(&llm) >= llm_active_params(&llm));
    memory_arena_free(&arena);
    close(descriptor);
}

static void try_kind(const struct import_kind *kind, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    struct err err = {""};
    FILE *out = open_memstream(&text, &size);
    int status = kind->run(path, out, &err);
    fclose(out);
    CHECK((status == 0) == (err.text[0] == '\0'));
    if (status == 0 && kind == &import_hf) {
        check_model(text, size);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    int descriptor;
    char path[32];
    make_file((const char *)bytes, size, &descriptor, path); /* ours are char */
    for (const struct import_kind *const *at = import_all; *at != NULL; at++) {
        try_kind(*at, path);
    }
    close(descriptor);
    return 0;
}
