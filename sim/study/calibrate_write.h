/* calibrate_write: the engine file that a fit gives, with where it comes from. */
#ifndef SERVESIM_STUDY_CALIBRATE_WRITE_H
#define SERVESIM_STUDY_CALIBRATE_WRITE_H

#include "study/calibrate.h"

/* Sets tpot_sd, ttft_sd and engine_source; call it once, after calibrate_fit().  The
 * hashes of the measurements and of the configuration ("" if there is none) are kept. */
struct calibrate_origin {
    const char *command; /* what was asked: one line */
    const char *config;  /* NULL: none */
    char measured_sha256[65];
    char config_sha256[65];
};

/* Fills the hashes; standard input has none. */
int calibrate_write_hash(const char *path, char hex[65], struct err *err);

/* Sets what follows from the fit: tpot_sd, ttft_sd, engine_source. */
void calibrate_write_finish(struct calibrate *of, const struct calibrate_origin *origin,
                            struct arena *arena);

/* Writes `path`, whole or not at all. */
int calibrate_write(const struct calibrate *of, const struct calibrate_origin *origin,
                    const char *path, struct err *err);

#endif
