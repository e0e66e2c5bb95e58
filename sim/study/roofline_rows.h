/* roofline_rows: the rows of the reference tables about hardware and the KV cache. */
#ifndef SERVESIM_STUDY_ROOFLINE_ROWS_H
#define SERVESIM_STUDY_ROOFLINE_ROWS_H

#include "study/roofline_tables.h"

extern const struct roofline_tables_row roofline_rows_generations[];
extern const struct roofline_tables_row roofline_rows_critical[];
extern const struct roofline_tables_row roofline_rows_utilisation[];
extern const struct roofline_tables_row roofline_rows_kv_cache[];

#endif
