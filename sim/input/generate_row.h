/* generate_row: a drawn call as the row of a trace. */
#ifndef SERVESIM_INPUT_GENERATE_ROW_H
#define SERVESIM_INPUT_GENERATE_ROW_H

#include "input/generate.h"

/* What rows tell beside times and lengths: bits of input/trace_write.h. */
uint32_t generate_row_columns(const struct generate_spec *spec);

/* The next call of the script, which is request number draw->n; its texts are in `draw`. */
void generate_row_tell(struct generate_draw *draw, struct talk_script *script,
                       struct trace_row *row);

#endif
