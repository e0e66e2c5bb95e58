"""reference_fail: replicas that fail, are taken back or become slow, for the reference.

Only what a file of events says happens here; lifetimes that are drawn are not simulated.
"""

import csv
import types

import reference_cost
from reference_gateway import ASLEEP, DRAINING, FAILED, OFF, READY, STARTING
from reference_input import ceil_div, duration_ns, half_up, scaled

ONE = 10**9
EVENTS = (-1, 0)  # before all else that falls on an instant; then by replica:
TAKEN, BACK, FAST = 1, 3, 4


def is_slow(pool, i):
    """Of the first n replicas of a pool slow_share x n are, rounded, for every n."""
    return half_up(pool.slow_share * (i + 1), ONE) > half_up(pool.slow_share * i, ONE)


def slowed(pool, pace):
    """The pool's settings at `pace` billionths of the time for each step."""
    if pace == ONE:
        return pool
    values = dict(pool.values)
    nano = half_up(scaled(values.get("scale", "1"), ONE) * pace, ONE)
    values["scale"] = f"{nano // ONE}.{nano % ONE:09d}"
    price = reference_cost.price(values)
    if isinstance(price, reference_cost.Linear):
        for name, fs in vars(price).items():
            setattr(price, name, half_up(fs * pace, ONE))
    return types.SimpleNamespace(**{**vars(pool), "price": price, "pace": pace})


class Failures:
    """[fail], on the places of a fleet."""

    def __init__(self, fleet, section):
        self.fleet, self.places = fleet, fleet.places
        self.action = section.get("on_failure", "retry")
        self.max_retries = int(section.get("max_retries", "3"))
        self.backoff_ns = duration_ns(section.get("backoff", "0"), "s")
        self.factor = scaled(section.get("backoff_factor", "2"), ONE)
        self.notice_ns = duration_ns(section.get("notice", "120"), "s")
        self.replace_ns = duration_ns(section.get("spot_replace_s", "0"), "s")
        self.lost = []  # (place, request) of those that fail together
        for place in self.places:
            place.own_pace = place.pool.slow_factor if is_slow(
                place.pool, place.number // place.pool.n_ranks) else ONE
            place.noticed = place.wanted = False
            place.back = place.taken = place.fast = None  # timers
            self.set_pace(place, place.own_pace)
        for event in self.read(section["events"]) if "events" in section else []:
            fleet.at(event.at_ns, 0, EVENTS, lambda event=event: self.happen(event))

    def read(self, path):
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        events = [types.SimpleNamespace(
            at_ns=scaled(row["time_s"], ONE), kind=row["kind"],
            places=self.find(row.get("pool"), row.get("replica"), row.get("node")),
            duration_ns=scaled(row["duration_s"], ONE) if row.get("duration_s") else None,
            notice_ns=scaled(row["notice_s"], ONE) if row.get("notice_s") else self.notice_ns,
            factor=scaled(row.get("factor") or "1", ONE)) for row in rows]
        return sorted(events, key=lambda event: event.at_ns)

    def find(self, pool, replica, node):
        """Replicas, each as the first of its ranks."""
        places = [p for p in self.places if (p.pool.name == pool or not pool)
                  and p.number % p.pool.n_ranks == 0]
        if replica:
            return [p for p in places if p.number // p.pool.n_ranks == int(replica)]
        return [p for p in places if self.nodes_of(p)[0] <= int(node) <= self.nodes_of(p)[-1]]

    @staticmethod
    def nodes_of(place):
        pool = place.pool
        number = place.number // pool.n_ranks
        if pool.n_gpus > pool.gpus_per_node:
            each = ceil_div(pool.n_gpus, pool.gpus_per_node)
            return range(number * each, (number + 1) * each)
        return [number // (pool.gpus_per_node // pool.n_gpus)]

    # --- what happens ---

    def happen(self, event):
        self.fleet.seen[f"event {event.kind}"] += 1
        for place in event.places:
            if event.kind == "fail":
                self.break_down(place, event.duration_ns)
            elif event.kind == "reclaim":
                again_ns = self.replace_ns if event.duration_ns is None else event.duration_ns
                self.notice(place, event.notice_ns, again_ns)
            else:
                self.slow_down(place, event)
        self.send_lost("replica_failed")

    def after(self, ns, place, order, action):
        return self.fleet.at(self.fleet.now_ns + ns, 0, (place.index, order),
                             lambda: action(place))

    @staticmethod
    def stop(timer):
        if timer:
            timer.off = True

    def set_pace(self, place, pace):
        place.pace = pace
        place.replica.set_pace(slowed(place.pool, pace))

    def set_pace_of_all(self, place, pace):
        for rank in self.fleet.ranks_of(place):
            self.set_pace(rank, pace)

    def slow_down(self, place, event):
        self.set_pace_of_all(place, half_up(place.own_pace * event.factor, ONE))
        self.stop(place.fast)
        if event.duration_ns is not None:
            place.fast = self.after(event.duration_ns, place, FAST,
                                    lambda place: self.set_pace_of_all(place, place.own_pace))

    def break_down(self, place, duration_ns):
        """For a while, or for ever."""
        seen, now_ns = self.fleet.seen, self.fleet.now_ns
        if place.state in (OFF, ASLEEP):
            return
        if place.state == FAILED:  # for the longer of the two times
            seen["failed while down"] += 1
            if duration_ns is None:
                self.stop(place.back)
            elif place.back and not place.back.off and place.back.ns < now_ns + duration_ns:
                self.stop(place.back)
                place.back = self.after(duration_ns, place, BACK, self.come_back)
            return
        before = place.state
        self.fleet.boots.stop(place)
        self.lose(place, FAILED)
        if before == DRAINING and not place.noticed:
            self.fleet.live_all(place, OFF)
        elif duration_ns is not None:
            place.back = self.after(duration_ns, place, BACK, self.come_back)

    def come_back(self, place):
        place.back = None
        if place.state == OFF:
            place.noticed = False
        self.fleet.boots.start(place)

    def notice(self, place, notice_ns, replace_ns):
        """It will be taken back."""
        if place.noticed or place.state in (OFF, ASLEEP):
            return
        before = place.state
        place.noticed, place.wanted, place.replace_ns = True, before != DRAINING, replace_ns
        place.taken = self.after(notice_ns, place, TAKEN, self.take)
        if before == STARTING:
            self.fleet.boots.stop(place)
            self.fleet.live_all(place, OFF)
        elif notice_ns > 0 and before != FAILED:
            if self.action == "migrate":
                self.lose(place, OFF)
                self.send_lost("reclaimed", is_planned=True)
            elif before == READY:
                self.fleet.live_all(place, DRAINING)

    def take(self, place):
        self.stop(place.back)
        if place.serves():
            self.lose(place, OFF)
        elif place.state in (FAILED, STARTING):
            self.fleet.boots.stop(place)
            self.fleet.live_all(place, OFF)
        if place.wanted:
            place.back = self.after(place.replace_ns, place, BACK, self.come_back)
        else:
            place.noticed = False
        self.send_lost("reclaimed")

    # --- requests ---

    def lose(self, place, state):
        """Everybody leaves the replica at once."""
        for rank in self.fleet.ranks_of(place):
            self.empty(rank)
        self.fleet.live_all(place, state)

    def empty(self, place):
        """The step in progress is as if it had never begun."""
        now_ns, replica = self.fleet.now_ns, place.replica
        for request in list(replica.running):
            if not request.is_recomputing:
                request.own("prefill" if request.first_token_ns is None else "stall", now_ns)
            if request.given_up:
                replica.running.remove(request)
                request.leave("timed_out", now_ns, "client_timeout")
                self.fleet.seen["left"] += 1
        for request in self.fleet.transfers.at(place):
            self.fleet.transfers.drop(request)
            self.lost.append((place, request))
        self.fleet.seen["aborted steps"] += replica.step is not None
        self.lost += [(place, request) for request in place.requests()]
        replica.step = None
        for request in place.requests():
            request.blocks, request.n_filled, request.reserved = [], 0, 0
        place.empty()

    def send_lost(self, reason, is_planned=False):
        """Once all are down that fail together; who arrived first is first."""
        lost, self.lost = sorted(self.lost, key=lambda each: each[1].index), []
        for place, request in lost:
            self.lose_one(place, request, reason, is_planned)

    def lose_one(self, place, request, reason, is_planned):
        seen, now_ns = self.fleet.seen, self.fleet.now_ns
        if not request.granted:
            seen["moved before any grant"] += 1
            self.fleet.send(request)
            return
        gets_on = not request.has_moved or request.computed > request.most_computed
        counts = not is_planned or not gets_on
        was_last = counts and request.n_lost >= self.max_retries
        seen["lost attempts"] += 1
        if self.action == "fail" or was_last:
            tried = was_last and self.max_retries > 0
            request.place = "nowhere"
            request.finish_lost(now_ns, "retries_exhausted" if tried else reason)
            seen["left"] += 1
            return
        request.n_lost += counts
        request.attempts += 1
        request.granted, request.prefill_replica = False, None
        if self.action == "migrate":
            request.move()
            seen["migrated"] += 1
            self.fleet.send(request)
            return
        seen["lost outputs"] += request.generated
        seen["lost tokens"] += request.max_computed - request.found_tokens
        request.start_again(now_ns)
        wait_ns = self.backoff_ns
        for _ in range(request.n_lost - 1):
            wait_ns = half_up(wait_ns * self.factor, ONE)
        self.fleet.send_later(request, now_ns + wait_ns)
        seen["retried"] += 1
