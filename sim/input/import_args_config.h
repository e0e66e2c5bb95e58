/* import_args_config: the configuration that a server's command stands for.
 *
 * What it does not say is left to the presets it names.  Keys that this program does not
 * have count as flags that are not simulated.
 */
#ifndef SERVESIM_INPUT_IMPORT_ARGS_CONFIG_H
#define SERVESIM_INPUT_IMPORT_ARGS_CONFIG_H

#include "input/import_args.h"
#include "input/import_args_speculative.h"
#include "model/llm.h"

/* What the keys MODEL, ACCELERATOR, QUANTIZATION, DTYPE and KV_DTYPE say. */
struct import_args_config {
    char model[128];
    char accelerator[128];
    struct llm llm; /* with the precisions of the checkpoint */
    bool has_precision;
    const char *engine;
    const char *policy;
    struct import_args_speculative drafting;
};

/* -1 and `err` for a model, an accelerator or a precision that is not known. */
int import_args_config_read(struct import_args_config *config,
                            const struct import_args *args, struct err *err);

/* A preset in the precision of a checkpoint ("": as published), with the KV cache that the
 * command asks for, and whether those were said. */
int import_args_config_llm(struct llm *llm, bool *has_precision,
                           const struct import_args *args, const char *preset,
                           const char *precision, struct err *err);

/* Writes the configuration and warns on stderr of what is not simulated. */
int import_args_config_write(const struct import_args_config *config,
                             struct import_args *args, FILE *out, struct err *err);

#endif
