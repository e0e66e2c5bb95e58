"""reference_fleet: places, requests between the door and a replica, and the order of events.

Of what falls on one instant step ends come first, by place; then timers by phase, order and
who was set first; then arrivals; then decode replicas pull what fits; then every idle replica
plans, in order. What that makes due at once is done in the same instant.
"""

import heapq
import types

from reference_fail import Failures
from reference_gateway import (DRAINING, FAILED, OFF, READY, STARTING, Admission, Place, Router,
                               serves)
from reference_input import ceil_div
from reference_lockstep import Group
from reference_scale import Boots, Scale, Scaler
from reference_transfer import Transfers

FAILURES, BOOTS, CLOCKS, TRANSFERS, FRONTENDS, ARRIVALS = range(6)
CLIENTS, SCALERS, RETURNS = range(3)  # clocks of one instant, in this order


class Fleet:
    """Everything between clients and replicas."""

    def __init__(self, config, seen, make_replica):
        self.config, self.seen = config, seen
        self.steps = []  # (index, step)
        self.places = []
        self.scales = {pool.name: Scale(pool, config.sections.get(f"scale.{pool.name}", {}))
                       for pool in config.pools}
        for pool in config.pools:
            self.places += [Place(len(self.places) + i, pool, i, make_replica)
                            for i in range(self.n_places(pool))]
        self.router = Router(config, seen)
        self.admission = Admission(config.sections.get("admit", {}))
        self.timers, self.n_timers = [], 0  # a heap of (ns, phase, order, number, timer)
        self.held = []  # at the gateway
        self.n_expected = 0  # arrivals that are known
        self.now_ns = self.area = 0
        for place in self.places:
            place.state = READY if place.number < self.n_at_start(place.pool) else OFF

        self.boots = Boots(self)
        self.transfers = Transfers(self, config.sections.get("disaggregate", {}))
        self.scalers = {pool.name: Scaler(self, self.scales[pool.name], i)
                        for i, pool in enumerate(config.pools)}
        self.failures = Failures(self, config.sections.get("fail", {}))

    def n_at_start(self, pool):
        return pool.replicas * pool.n_ranks

    def n_places(self, pool):
        return self.scales[pool.name].n_places * pool.n_ranks

    # --- time ---

    def at(self, ns, phase, order, action):
        """Has action() called at that moment."""
        assert ns >= self.now_ns
        self.n_timers += 1
        timer = types.SimpleNamespace(ns=ns, action=action, off=False)
        heapq.heappush(self.timers, (ns, phase, order, self.n_timers, timer))
        return timer

    def n_inside(self):
        return self.seen["arrived"] - self.seen["left"]

    def next_ns(self, sent_ns):
        replicas = [place.replica for place in self.places]
        return min([r.step.end_ns for r in replicas if r.step]
                   + [r.wake_ns for r in replicas if r.wake_ns is not None]
                   + [timer[0] for timer in self.timers[:1]]
                   + ([] if sent_ns is None else [sent_ns]))

    def is_due(self):
        return bool(self.timers) and self.timers[0][0] == self.now_ns

    def run(self, send, next_sent_ns):
        """Until nobody is to come and nobody is here; next_sent_ns(): when send() is to be
        called at the latest."""
        while self.n_expected + self.n_inside() > 0 or next_sent_ns() is not None:
            now_ns = self.next_ns(next_sent_ns())
            self.area += self.n_inside() * (now_ns - self.now_ns)
            self.now_ns = now_ns
            self.end_steps()
            send()
            while self.is_due():
                *_, timer = heapq.heappop(self.timers)
                if not timer.off:
                    timer.off = True
                    timer.action()
                send()
            self.transfers.pull()
            self.plan()
            while self.transfers.pull():  # who gave way in a plan of nobody made room
                self.seen["pulls behind a plan"] += 1
                self.plan()
            self.settle()
            send()

    def end_steps(self):
        self.boundary = False
        for place in self.places:
            if place.replica.step and place.replica.step.end_ns == self.now_ns:
                place.replica.end_step()
                self.boundary = True
        self.transfers.begin()

    def plan(self):
        """Of all who are idle, in order; ranks with the first of theirs."""
        for place in self.places:
            replica, n_ranks = place.replica, place.pool.n_ranks
            replica.n_due_blocks *= self.is_in_step(place)
            if n_ranks == 1:
                replica.wake_ns = None
                if replica.step is None and replica.n_requests() > 0:
                    replica.plan(self.now_ns)
                    self.steps += [(place.index, replica.step)] if replica.step else []
            elif place.number % n_ranks == 0:
                ranks = self.places[place.index:place.index + n_ranks]
                Group([rank.replica for rank in ranks]).plan(self.now_ns)
                if any(rank.replica.step for rank in ranks):
                    for rank in ranks:  # who waits is asked again when all have ended
                        rank.replica.wake_ns = None
                self.steps += [(rank.index, rank.replica.step) for rank in ranks
                               if rank.replica.step
                               and rank.replica.step.start_ns == self.now_ns]
        for place in self.places:
            self.seen["left"] += len(place.replica.shed)
            place.replica.shed = []

    def settle(self):
        """Who drains goes off when it is empty; ranks do so together."""
        for place in self.places:
            ranks = self.ranks_of(place)
            if all(rank.state == DRAINING and rank.is_empty() for rank in ranks):
                self.live_all(place, OFF)

    def ranks_of(self, place):
        """Those that step together with it, itself among them."""
        first = place.index - place.number % place.pool.n_ranks
        return self.places[first:first + place.pool.n_ranks]

    def is_in_step(self, place):
        """Ranks are while one of them is."""
        return any(rank.replica.step for rank in self.ranks_of(place))

    # --- lives ---

    def live(self, place, state):
        before, place.state = place.state, state
        if state in (OFF, FAILED) and before not in (OFF, FAILED):
            assert place.is_empty() and place.replica.step is None
            place.empty()
            self.failures.set_pace(place, place.pace)
        if state == READY and all(rank.state == READY for rank in self.ranks_of(place)):
            self.release_held()
            self.transfers.ready()

    def live_all(self, place, state):
        for rank in self.ranks_of(place):
            self.live(rank, state)

    # --- requests ---

    def names(self, request):
        """Some pool serves requests of its model and class."""
        return any(serves(pool, request) for pool in self.config.pools)

    def pools_for(self, request):
        """Names of the pools that could serve it."""
        return self.transfers.answerable(tuple(
            pool.name for pool in self.config.pools
            if serves(pool, request) and is_servable(pool, request)))

    def able_pools(self, request):
        """Those of its pools that could compute what it comes with: its output so far, too."""
        return tuple(pool.name for pool in self.config.pools
                     if pool.name in request.pools and is_servable(pool, request))

    def expect(self, request):
        self.n_expected += 1
        self.at(request.arrival_ns, ARRIVALS, (request.index, 0), lambda: self.arrive(request))

    def arrive(self, request):
        self.n_expected -= 1
        self.seen["arrived"] += 1
        if self.config.client_timeout_ns > 0:
            self.at(request.arrival_ns + self.config.client_timeout_ns, CLOCKS,
                    (CLIENTS, request.index), lambda: self.give_up(request))
        n_waiting = len(self.held) + sum(place.n_waiting() for place in self.places)
        reason = self.admission.reason(request, n_waiting, self.now_ns)
        if reason:
            self.leave(request, "shed", reason)
        else:
            self.send(request)

    def leave(self, request, status, reason):
        """It is nowhere, and goes."""
        request.place = request.replica = request.pool = None
        request.leave(status, self.now_ns, reason)
        self.seen["left"] += 1

    def send(self, request):
        """To a replica, or nowhere as long as there is none for it."""
        if not self.route(request):
            self.seen["held"] += 1
            request.place = "held"
            request.replica = request.pool = None
            self.held.append(request)
            if self.config.hold_timeout_ns > 0:
                until_ns = request.held_until_ns = self.now_ns + self.config.hold_timeout_ns
                self.at(until_ns, CLOCKS, (RETURNS, request.index),
                        lambda: self.stop_holding(request, until_ns))
            self.wake(request, self.transfers.first_pools(request)[0])

    def wake(self, request, wanted):
        """A replica of these pools for a request, unless one is there or boots already."""
        request.wanted = wanted
        able = [place for place in self.places if place.pool.name in wanted]
        if any(place.state in (READY, STARTING) for place in able):
            return
        for name in wanted:
            if self.scales[name].is_active and self.scales[name].most > 0:
                self.seen["woken"] += 1
                self.scalers[name].add(1)
                return

    def stop_holding(self, request, until_ns):
        if request in self.held and request.held_until_ns == until_ns:
            self.held.remove(request)
            self.leave(request, "failed", "no_capacity")

    def release_held(self):
        for request in list(self.held):
            self.held.remove(request)
            if self.route(request):
                self.seen["released"] += 1
            else:  # it stays where it was
                self.held.append(request)
                self.held.sort(key=lambda r: (r.held_until_ns, r.index))

    def send_later(self, request, at_ns):
        if at_ns <= self.now_ns:
            self.send(request)
            return
        request.place, request.replica, request.pool = "away", None, None
        self.at(at_ns, CLOCKS, (RETURNS, request.index), lambda: self.come_back(request))

    def come_back(self, request):
        if not request.status:
            self.send(request)

    def route(self, request):
        pools, policy = self.transfers.first_pools(request)
        ready = [place for place in self.places
                 if place.state == READY and place.pool.name in pools]
        if not ready:
            return False
        group = ("decode", pools) if policy == "decode_policy" else pools
        place = self.router.pick(getattr(self.config, policy), group, ready)
        self.take(place, request)
        return True

    def take(self, place, request):
        """It goes to a replica, whose front end is the first to see it."""
        pool = place.pool
        self.scalers[pool.name].n_sent += 1
        request.replica, request.place = place.index, "frontend"
        request.pool = pool.name
        request.max_new = (request.generated + 1 if pool.role == "prefill"
                           else max(pool.max_output_tokens, request.output))
        request.prefix = request.label if pool.enable_prefix_caching == "yes" else None
        through_ns = place.enter_frontend(request, self.now_ns)
        if through_ns == self.now_ns:
            self.pass_frontend(place, request, place.replica)
        else:
            replica = place.replica
            self.at(through_ns, FRONTENDS, (place.index, 0),
                    lambda: self.pass_frontend(place, request, replica))

    def pass_frontend(self, place, request, replica):
        """Unless it, or the replica, has gone meanwhile."""
        if place.replica is not replica or request not in [r for _, r in place.frontend]:
            return
        self.seen["boundary arrivals"] += self.boundary
        place.frontend = [(ns, other) for ns, other in place.frontend if other is not request]
        if 0 < place.pool.max_queue_size <= replica.n_waiting():
            request.leave("shed", self.now_ns, "queue_full")
            self.seen["left"] += 1
            return
        request.place, request.enqueued_ns = "replica", self.now_ns
        replica.unseen.append(request)

    def give_up(self, request):
        """The client of an unfinished request leaves."""
        if request.status:
            return
        if request.place == "frontend":
            place = self.places[request.replica]
            place.frontend = [(ns, r) for ns, r in place.frontend if r is not request]
            self.leave(request, "timed_out", "client_timeout")
        elif request.place == "held":
            self.held.remove(request)
            self.leave(request, "timed_out", "client_timeout")
        elif request.place == "away":
            self.leave(request, "timed_out", "client_timeout")
        elif request.place in ("moving", "landed"):
            self.transfers.drop(request)
            request.leave("timed_out", self.now_ns, "client_timeout")
            self.seen["left"] += 1
        else:
            self.places[request.replica].replica.give_up(request, self.now_ns)


def is_servable(pool, request):
    usable = pool.num_gpu_blocks - 1 - pool.watermark_blocks
    output = request.generated + 1 if pool.role == "prefill" else request.output
    max_new = max(pool.max_output_tokens, output)
    need = request.prompt + max_new - 1
    if pool.batching == "sglang":
        size, more = pool.block_size, min(max_new, pool.clip_max_new_tokens)
        if ceil_div(request.prompt, size) * size + more >= usable * size:
            return False
    whole = pool.enable_chunked_prefill == "no" and pool.batching in ("unified", "prefill_first")
    return (ceil_div(need, pool.block_size) <= usable
            and not 0 < pool.max_model_len < request.prompt + output
            and not (whole and need > pool.max_num_batched_tokens))
