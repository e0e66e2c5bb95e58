#include "engine/resend.h"

#include "base/wide.h"
#include "engine/fail_lose.h"
#include "engine/fleet.h"

int64_t resend_wait_ns(int64_t backoff_ns, int64_t factor_nano, int64_t attempt)
{
    const int64_t nano = 1000000000;
    const wide most_ns = (wide)nano * nano;
    wide wait_ns = backoff_ns;
    bool grows = backoff_ns > 0 && factor_nano > nano;
    for (int64_t i = 1; i < attempt && grows && wait_ns < most_ns; i++) {
        wait_ns = wide_div_half_up(wait_ns * factor_nano, nano);
    }
    return wide_narrow(wait_ns < most_ns ? wait_ns : most_ns);
}

bool resend_would(const struct sim *sim, const struct request *request)
{
    return request->n_resent < sim->config->resend.most;
}

static void come_again(struct sim *sim, struct timer *timer)
{
    struct request *request = request_of_timer(timer);
    request_list_remove(&sim->away, request);
    fleet_knock(sim, request);
}

void resend_later(struct sim *sim, struct request *request)
{
    request_alive_remove(&sim->alive, request);
    fail_lose_start_again(request);
    request->given_up = false;
    request->n_lost_attempts = 0; /* the fleet has its own count */
    request->n_resent++;
    sim->totals.n_resent += request->n_resent == 1;
    sim->totals.n_attempts++;
    const struct resend_config *config = &sim->config->resend;
    int64_t wait_ns =
        resend_wait_ns(config->backoff_ns, config->factor_nano, request->n_resent);
    fleet_send_away(sim, request, sim->now_ns + wait_ns, come_again);
}
