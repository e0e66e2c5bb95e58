/* compare_picture: a comparison as one SVG that needs nothing else.
 *
 * A panel per column, a bar per variant from 0, the value behind it.  The best is told by
 * colour, weight and a star, so that no reader depends on the colour.  Widths of text are
 * taken from the widest fonts that may stand in: nothing overlaps, whatever is installed.
 */
#ifndef SERVESIM_STUDY_COMPARE_PICTURE_H
#define SERVESIM_STUDY_COMPARE_PICTURE_H

#include "base/err.h"
#include "study/compare.h"
#include "study/compare_score.h"

/* compare.svg in `folder`. */
int compare_picture_write(const struct compare *compare,
                          const struct compare_scores *scores, const char *folder,
                          struct err *err);

#endif
