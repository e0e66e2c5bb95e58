"""reference_scale: replicas that boot, and who decides how many there are, for the reference."""

import fractions

from reference_gateway import DRAINING, OFF, READY, STARTING
from reference_input import ceil_div, duration_ns, scaled

ONE = 10**9


def ceil(value):
    return ceil_div(value.numerator, value.denominator)


class Scale:
    """[scale.POOL]; how long weights take to be read nobody here knows."""

    def __init__(self, pool, section):
        def duration(key, default, unit="s"):
            return duration_ns(section.get(key, default), unit)
        self.pool, self.policy = pool, section.get("policy", "none")
        self.target = fractions.Fraction(section.get("target", "0"))
        self.period_ns = duration("period", "24h")
        self.points = []
        for point in section.get("schedule", "").split():
            at, _, n = point.partition(":")
            self.points.append((duration_ns(at, "s"), int(n)))
        self.least, self.most = int(section.get("min", "1")), int(section.get("max", "0"))
        self.most = self.most or max([pool.replicas, *(n for _, n in self.points)])
        self.interval_ns = duration("interval", "15")
        self.window_ns = duration("window", "0") or self.interval_ns
        self.up_step, self.down_step = (int(section.get(f"{way}_step", default))
                                        for way, default in (("up", "0"), ("down", "1")))
        self.up_cooldown_ns = duration("up_cooldown", "0")
        self.down_cooldown_ns = duration("down_cooldown", "300")
        parts = [duration("image_s", "10"), duration("graph_capture_s", "20")]
        self.boot_ns = duration("boot_s", "0") or sum(parts)
        self.is_active = self.policy != "none"
        self.n_places = max(pool.replicas, self.most) if self.is_active else pool.replicas

    def planned(self, now_ns):
        """What the schedule says; before its first moment the last one of a period holds."""
        at = [n for at_ns, n in self.points if at_ns <= now_ns % self.period_ns]
        return (at or [self.points[-1][1]])[-1]


class Boots:
    """Replicas that start."""

    def __init__(self, fleet):
        self.fleet, self.timers = fleet, {}

    def start(self, place, length_ns=None):
        if length_ns is None:
            length_ns = self.fleet.scales[place.pool.name].boot_ns
        self.fleet.seen["boots that take a while"] += length_ns > 0
        self.stop(place)
        first = self.fleet.ranks_of(place)[0]
        self.fleet.live_all(first, STARTING)
        self.timers[first] = self.fleet.at(self.fleet.now_ns + length_ns, 1, (first.index, 0),
                                           lambda: self.end(first))

    def stop(self, place):
        first = self.fleet.ranks_of(place)[0]
        if first in self.timers:
            self.timers.pop(first).off = True

    def end(self, first):
        del self.timers[first]
        self.fleet.live_all(first, READY)


class Scaler:
    """Of one pool: it is asked at every multiple of its interval."""

    def __init__(self, fleet, scale, order):
        self.fleet, self.scale, self.order = fleet, scale, order
        self.places = [place for place in fleet.places if place.pool is scale.pool]
        self.firsts = self.places[::scale.pool.n_ranks]
        self.last_up_ns = self.last_down_ns = -(10**30)
        self.n_sent, self.counted = 0, []  # since the last tick; (begin, number) of intervals
        self.n_ticks = 0
        if scale.is_active:
            self.set_tick()

    def set_tick(self):
        self.n_ticks += 1
        self.fleet.at(self.n_ticks * self.scale.interval_ns, 2, (1, self.order), self.decide)

    def of_state(self, state):
        """Replicas, each as the first of its ranks."""
        return [place for place in self.firsts if place.state == state]

    def held(self):
        without = [*self.fleet.held, *self.fleet.transfers.unplaced]
        return sum(self.scale.pool.name in request.wanted for request in without)

    def wanted(self):
        scale, now_ns = self.scale, self.fleet.now_ns
        ready = [place for place in self.places if place.state == READY]
        n_waiting = self.held() + sum(place.n_waiting() for place in ready)
        n_running = sum(place.n_running() for place in ready)
        if scale.policy == "schedule":
            return scale.planned(now_ns)
        if scale.policy == "queue":
            wanted = ceil(n_waiting / scale.target)
        elif scale.policy == "concurrency":
            wanted = ceil((n_waiting + n_running) / scale.target)
        elif scale.policy == "kv":
            used = sum((place.kv_use() for place in ready), start=fractions.Fraction(0))
            wanted = ceil(used / scale.pool.n_ranks / scale.target) if ready else self.current()
        else:
            since_ns = max(0, now_ns - scale.window_ns)
            n_sent = self.held() + sum(n for at_ns, n in self.counted if since_ns <= at_ns)
            wanted = ceil(fractions.Fraction(n_sent * ONE, now_ns - since_ns) / scale.target)
        if n_waiting + n_running > 0:
            wanted = max(1, wanted)
        return self.in_steps(wanted, now_ns)

    def current(self):
        return len(self.of_state(READY)) + len(self.of_state(STARTING))

    def in_steps(self, wanted, now_ns):
        scale, current = self.scale, self.current()
        if wanted > current:
            if now_ns - self.last_up_ns < scale.up_cooldown_ns:
                self.fleet.seen["up cooldowns"] += 1
                return current
            return min(wanted, current + (scale.up_step or wanted))
        if wanted < current:
            last_ns = max(self.last_up_ns, self.last_down_ns)
            if now_ns - last_ns < scale.down_cooldown_ns:
                self.fleet.seen["down cooldowns"] += 1
                return current
            return max(wanted, current - (scale.down_step or current))
        return wanted

    def decide(self):
        self.set_tick()
        self.close_interval()
        wanted = min(max(self.wanted(), self.scale.least), self.scale.most)
        current = self.current()
        if wanted > current:
            self.add(wanted - current)
        elif wanted < current:
            self.take(current - wanted)

    def close_interval(self):
        """What is sent later in this instant belongs to the next one."""
        self.counted.append(((self.n_ticks - 2) * self.scale.interval_ns, self.n_sent))
        oldest_ns = self.fleet.now_ns - self.scale.window_ns
        self.counted = [each for each in self.counted if each[0] >= oldest_ns]
        self.n_sent = 0

    def add(self, n):
        left, boots = n, self.fleet.boots
        for place in self.of_state(DRAINING):
            if left and not place.noticed:
                self.fleet.seen["taken back"] += 1
                self.fleet.live_all(place, READY)
                left -= 1
        for place in self.of_state(OFF):
            if left and not place.noticed:
                self.fleet.seen["scaled up"] += 1
                boots.start(place)
                left -= 1
        if left < n:
            self.last_up_ns = self.fleet.now_ns

    def take(self, n):
        for state in (STARTING, READY):
            for place in reversed(self.of_state(state)):
                if n == 0:
                    break
                n -= 1
                if state == STARTING:
                    self.fleet.seen["boots broken off"] += 1
                    self.fleet.boots.stop(place)
                    self.fleet.live_all(place, OFF)
                else:
                    self.fleet.seen["drained"] += 1
                    self.fleet.live_all(place, DRAINING)
        self.last_down_ns = self.fleet.now_ns
