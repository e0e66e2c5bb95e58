/* size_slo: a goal in words. */
#ifndef SERVESIM_STUDY_SIZE_SLO_H
#define SERVESIM_STUDY_SIZE_SLO_H

#include "input/config.h"
#include "study/goal.h"

enum { SIZE_SLO_TEXT = 400 };

/* "99 % of the requests within TTFT 500 ms, TPOT 50 ms; p99_e2el_ms <= 9000". */
void size_slo_print(const struct goal *goal, const struct config_slo *slo,
                    char text[SIZE_SLO_TEXT]);

#endif
