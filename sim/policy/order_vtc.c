/* Fair share over tenants by virtual token counters (Sheng et al., OSDI 2024): the tenant
 * who got least for its weight, and of its requests first come, first served.  The counters
 * are in engine/fair.h. */
#include "policy/policy.h"

const struct order_ops order_vtc = {
    .name = "vtc",
    .help = "fair share: first the tenant who got least for its weight",
    .by_tenant = true,
    .unsteady = true,
};
