/* crossover: the batch at which two ways to serve are equally good. */
#ifndef SERVESIM_STUDY_CROSSOVER_H
#define SERVESIM_STUDY_CROSSOVER_H

/* By how much one is better at a batch, which need not be whole: continuous, positive for
 * one, negative for the other. */
struct crossover {
    double (*lead)(double batch, void *state);
    void *state;
};

/* The smallest batch from 1 to `most` at which the lead changes its sign, by Brent's
 * method (GSL); NAN if it does not. */
double crossover_find(const struct crossover *crossover, double most);

#endif
