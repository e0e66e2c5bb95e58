/* config_lora: whether what [lora] says goes together, and with the pools. */
#ifndef SERVESIM_INPUT_CONFIG_LORA_H
#define SERVESIM_INPUT_CONFIG_LORA_H

#include "base/err.h"
#include "input/config.h"
#include "input/settings.h"

/* Hands the section to the pools; -1 if it contradicts itself or them. */
int config_lora_apply(struct config *config, const struct settings *settings,
                      struct err *err);

#endif
