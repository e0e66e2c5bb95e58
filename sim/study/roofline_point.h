/* roofline_point: one step as a row of figures, for tables and CSV files alike.
 *
 * A column is one row of a table in the .c; what is printed and what is written read it.
 */
#ifndef SERVESIM_STUDY_ROOFLINE_POINT_H
#define SERVESIM_STUDY_ROOFLINE_POINT_H

#include <stdbool.h>
#include <stdio.h>

#include "study/roofline.h"
#include "study/roofline_convention.h"

struct roofline_point {
    const struct roofline *roofline;
    const struct roofline_convention *by; /* for the columns under a convention */
    int64_t batch;                        /* prompts: 1 */
    int64_t context;                      /* or the tokens of the prompt */
    bool prefill;
    struct roofline_step step;
    struct roofline_step twice; /* decodes: of twice the batch */
};

/* The tables: t times, r rates, b bandwidth, p prompts, c convention; and the files: f
 * decodes, g prompts. */
void roofline_point_fill(struct roofline_point *point, const struct roofline *roofline,
                         const struct roofline_convention *by, int64_t batch,
                         int64_t context);
void roofline_point_fill_prompt(struct roofline_point *point,
                                const struct roofline *roofline, int64_t tokens);

/* The headers of the columns of `table`, and a row of them; `csv` with commas, else in
 * columns as wide as the header (11 at least). */
void roofline_point_header(FILE *out, char table, bool csv);
void roofline_point_row(FILE *out, char table, bool csv,
                        const struct roofline_point *point);

#endif
