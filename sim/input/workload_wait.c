#include "input/workload_wait.h"

#include <stdlib.h>

#include "base/check.h"

bool workload_wait_follows(const struct workload *workload)
{
    const struct config_workload *config = workload->config;
    return config->dependencies == CONFIG_FOLLOW && config->mode == CONFIG_OPEN &&
           (workload->draw != NULL ||
            (workload->trace != NULL && trace_links(workload->trace)));
}

int workload_wait_describe(const struct workload *workload, const struct trace_row *row,
                           struct sim_arrival *arrival, struct err *err)
{
    const struct config_workload *config = workload->config;
    if (row->parent_id[0] == '\0' || config->dependencies == CONFIG_IGNORE) {
        return 0;
    }
    const char *reason =
        config->mode == CONFIG_CLOSED
            ? "with mode = closed it is sent when a client's last one has left"
        : workload->resample != NULL
            ? "resample cuts requests apart from those they wait for"
            : NULL;
    if (reason != NULL) {
        free(arrival->labels);
        free(arrival->parts);
        return err_at(err, workload->file, row->line,
                      "parent_id: %s; '[workload] dependencies = ignore' plays it "
                      "without",
                      reason);
    }
    CHECK(workload_wait_follows(workload)); /* else nobody would look at parents */
    arrival->parents = row->parent_id;
    arrival->think_ns = row->think_ns;
    return 0;
}
