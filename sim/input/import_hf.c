#include "input/import.h"

static int run(const char *path, FILE *out, struct err *err)
{
    (void)out;
    return err_set(err, "%s: importing it is not written yet", path);
}

const struct import_kind import_hf = {
    .name = "hf-config",
    .help = "a model's config.json from Hugging Face, as a file for configs/models",
    .run = run,
};
