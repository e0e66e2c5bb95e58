/* measured_aliases: names of models and systems that no rule leads to a preset.
 *
 * A model stands for another where the dimensions are the same; a longer context is then
 * cut to the preset's, and a vision tower is left out.
 */
#ifndef SERVESIM_INPUT_MEASURED_ALIASES_H
#define SERVESIM_INPUT_MEASURED_ALIASES_H

/* The preset that a name stands for (lower case, '-' for '_', ':' and blanks); NULL if the
 * name is not in the table. */
const char *measured_aliases_model(const char *name);
const char *measured_aliases_system(const char *name);

#endif
