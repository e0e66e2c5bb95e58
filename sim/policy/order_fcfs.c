#include "policy/policy.h"

const struct order_ops order_fcfs = {
    .name = "fcfs",
    .help = "first come, first served; those who gave way stand in front",
};
