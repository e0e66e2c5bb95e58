/* tune_layouts: every way to spread a model over a configuration's GPUs.
 *
 * Tensor x pipeline x data parallel degrees, with and without expert parallelism, and as
 * many replicas as the GPUs then make.
 */
#ifndef SERVESIM_STUDY_TUNE_LAYOUTS_H
#define SERVESIM_STUDY_TUNE_LAYOUTS_H

#include "study/tune_flags.h"

enum { TUNE_LAYOUTS_DEGREES = 4 };
extern const char *const tune_layouts_keys[TUNE_LAYOUTS_DEGREES];

/* Fills the flag with them.  Of each degree `asked` has the values that the user named, ""
 * for any, or NULL if it is to stay as it is.  False if there are too many. */
bool tune_layouts_fill(struct tune_flags_flag *flag, const struct pool_config *pool,
                       const char *const asked[TUNE_LAYOUTS_DEGREES],
                       struct arena *arena);

#endif
