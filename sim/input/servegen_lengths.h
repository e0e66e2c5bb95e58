/* servegen_lengths: how long the prompts and outputs of one of ServeGen's clients are.
 *
 * chunk-N-dataset.json is an object of windows by the second they begin at.  In each,
 * `input_tokens` and `output_tokens` are texts that hold a Python dictionary of lengths
 * and their probabilities, as "{12: 0.25, 300: 0.75}".  They are read as such and never
 * evaluated; what sums to another number than 1 is scaled.
 */
#ifndef SERVESIM_INPUT_SERVEGEN_LENGTHS_H
#define SERVESIM_INPUT_SERVEGEN_LENGTHS_H

#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"

struct servegen_lengths;

/* Lengths of all clients together. */
enum { SERVEGEN_LENGTHS_MOST = 8000000 };

/* Reads the windows of the file that begin before
 * until_ns.  *n_lengths counts what is kept, over all files. */
int servegen_lengths_read(struct servegen_lengths **lengths, const char *path,
                          int64_t until_ns, int64_t *n_lengths, struct arena *arena,
                          struct err *err);

/* The lengths at that moment that such a share of the prompts or outputs do not exceed; 0
 * if the window has none. */
int64_t servegen_lengths_prompt(const struct servegen_lengths *lengths, int64_t at_ns,
                                double share);
int64_t servegen_lengths_output(const struct servegen_lengths *lengths, int64_t at_ns,
                                double share);

#endif
