#include "output/columns.h"

#include <stddef.h>

#include "output/bill.h"
#include "output/lives.h"
#include "output/payers.h"
#include "output/results.h"
#include "output/rows.h"
#include "output/usage_columns.h"

const struct columns *const columns_all[] = {
    &rows_columns,          &usage_columns_timeline, &usage_columns_replicas,
    &bill_columns,          &payers_tenants_columns, &payers_sessions_columns,
    &results_steps_columns, &lives_columns,          NULL,
};

void columns_write_header(struct text *text, const struct columns *columns)
{
    for (int32_t i = 0; i < columns->n; i++) {
        text_string(text, i > 0 ? "," : "");
        text_string(text, columns->list[i].name);
    }
    text_string(text, "\n");
}
