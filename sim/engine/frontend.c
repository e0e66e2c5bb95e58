#include "engine/frontend.h"

#include "engine/fleet.h"
#include "engine/replica.h"
#include "engine/sim.h"

static void fire(struct sim *sim, struct timer *timer)
{
    struct replica *replica = &sim->replicas[timer->order];
    struct request_list *requests = &replica->frontend.requests;
    struct request *request;
    while ((request = requests->first) != NULL && request->through_ns <= sim->now_ns) {
        request_list_remove(requests, request);
        fleet_enqueue(sim, replica, request);
    }
    if (requests->first != NULL) {
        timer_set(&sim->timers, timer, requests->first->through_ns);
    }
}

bool frontend_push(struct sim *sim, struct replica *replica, struct request *request)
{
    const struct constants *constants = &replica->pool->config->constants;
    struct frontend *frontend = &replica->frontend;
    wide tokens_fs = (wide)constants->frontend_token_fs * request->prompt_tokens;
    int64_t work_ns = wide_narrow(wide_div(tokens_fs + 500000, 1000000)) +
                      constants->frontend_request_ns;
    if (frontend->free_ns < sim->now_ns) {
        frontend->free_ns = sim->now_ns;
    }
    frontend->free_ns += work_ns;
    request->through_ns = frontend->free_ns + constants->frontend_ns;
    if (request->through_ns == sim->now_ns) {
        return true;
    }
    request->place = REQUEST_FRONTEND;
    request_list_append(&frontend->requests, request);
    if (frontend->requests.n == 1) {
        frontend->timer.phase = TIMER_FRONTENDS;
        frontend->timer.order = replica->index;
        frontend->timer.fire = fire;
        timer_set(&sim->timers, &frontend->timer, request->through_ns);
    }
    return false;
}

void frontend_leave(struct sim *sim, struct replica *replica, struct request *request)
{
    struct frontend *frontend = &replica->frontend;
    bool is_first = frontend->requests.first == request;
    request_list_remove(&frontend->requests, request);
    if (frontend->requests.n == 0) {
        timer_cancel(&sim->timers, &frontend->timer);
    } else if (is_first) {
        timer_set(&sim->timers, &frontend->timer, frontend->requests.first->through_ns);
    }
}

int64_t frontend_earliest_ns(const struct replica *replica, int64_t at_ns)
{
    const struct constants *constants = &replica->pool->config->constants;
    const struct frontend *frontend = &replica->frontend;
    return (frontend->free_ns > at_ns ? frontend->free_ns : at_ns) +
           constants->frontend_request_ns + constants->frontend_ns;
}
