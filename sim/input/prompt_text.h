/* prompt_text: what a request's prompt consists of, as far as its row tells.
 *
 * If it has hash ids: these.  Else the text that prefix_hash names: the whole prompt, or
 * its first prefix_tokens; and behind it, or without it, if so wanted, what its session has
 * said.  Of two requests of a session the shorter prompt is the beginning of the other, and
 * a prompt that is longer than prompt and answer before it begins with both: the parts of a
 * session's prompt hold its answer, too.  But not one that was thought about: clients drop
 * what was thought, so the text does not go on as it was generated.
 */
#ifndef SERVESIM_INPUT_PROMPT_TEXT_H
#define SERVESIM_INPUT_PROMPT_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/prefix_chain.h"
#include "input/trace.h"

/* The parts of the prompt, malloc'ed, and how many they are; NULL and 0 if the row does
 * not tell. */
struct prefix_part *prompt_text_parts(const struct trace_row *row, bool session_prefix,
                                      int64_t *n_parts);

/* A prompt and its answer that are the beginning of the `number`-th inferred session (input/sessions.h). */
struct prefix_part *prompt_text_of_session(int64_t number, int64_t prompt_tokens,
                                           int64_t output_tokens);

#endif
