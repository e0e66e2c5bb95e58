/* import_args_speculative: the drafting that vLLM's flags ask for, as [speculative] has it.
 *
 * It reads the keys DRAFTING (the JSON of --speculative-config), DRAFT_METHOD, DRAFT_MODEL
 * and DRAFT_TOKENS.  Methods that are not ours, and what is said of a drafter beyond its
 * name and the number of tokens, count as flags that are not simulated.
 */
#ifndef SERVESIM_INPUT_IMPORT_ARGS_SPECULATIVE_H
#define SERVESIM_INPUT_IMPORT_ARGS_SPECULATIVE_H

#include "input/import_args.h"
#include "model/llm.h"

struct import_args_speculative {
    const char *method; /* of [speculative]; NULL: nothing is drafted */
    int64_t n_tokens;
    char draft_model[128]; /* a preset; "": the method needs none */
    struct llm draft;      /* with the precisions of its checkpoint */
    bool has_precision;
};

/* -1 and `err` for what vLLM would not take either, and for more tokens than we draft. */
int import_args_speculative_read(struct import_args_speculative *drafting,
                                 struct import_args *args, struct err *err);

#endif
