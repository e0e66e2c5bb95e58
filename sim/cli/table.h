/* table: what a run prints. */
#ifndef SERVESIM_CLI_TABLE_H
#define SERVESIM_CLI_TABLE_H

#include <stdio.h>

#include "input/config.h"
#include "model/ledger.h"
#include "output/metrics.h"

/* The summary of one run; `folder` (or NULL) is where its files are. */
void table_print(FILE *out, const struct config *config, const struct metrics *metrics,
                 const char *folder);

/* Where the memory of one GPU goes. */
void table_ledger(FILE *out, const struct pool_config *config,
                  const struct ledger *ledger);

#endif
