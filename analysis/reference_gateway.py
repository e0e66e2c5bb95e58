"""reference_gateway: who is let in, and which replica a request goes to, for the reference.

A place is where a replica is, was or may come to be, with the front end that requests meet
there first. Every number is counted anew whenever somebody asks for it.
"""

import fractions

from reference_input import half_up, scaled
from reference_order import below, stream

OFF, STARTING, READY, DRAINING, FAILED, ASLEEP = (
    "off", "starting", "ready", "draining", "failed", "asleep")


class Place:
    """Room for one replica of a pool."""

    def __init__(self, index, pool, number, make_replica):
        self.index, self.pool, self.number = index, pool, number
        self.make_replica, self.state = make_replica, OFF
        self.empty()

    def empty(self):
        """Nobody is here; who comes next knows nothing."""
        self.replica = self.make_replica(self.pool)
        self.frontend = []  # (when it is through, request), who work for one at a time
        self.frontend_free_ns = 0
        # requests whose prompts were computed elsewhere, who wait for their KV cache or for
        # the end of its way, and those whose blocks are still held here: reference_transfer.py
        self.inbound, self.pulling, self.outbound = [], [], []
        self.is_due = False  # something of these has changed in this instant

    def serves(self):
        return self.state in (READY, DRAINING)

    def requests(self):
        """Everybody who was sent here and has not left, in no order."""
        replica = self.replica
        return [*(request for _, request in self.frontend), *replica.unseen,
                *replica.queue.members, *replica.running, *replica.swapped, *self.inbound,
                *self.pulling, *replica.landed]

    def n_requests(self):
        return len(self.requests())

    def n_running(self):
        return len(self.replica.running)

    def n_waiting(self):
        return self.n_requests() - self.n_running()

    def n_tokens(self):
        return sum(request.prompt for request in self.requests())

    def kv_use(self):
        """As of the last boundary; KV caches from elsewhere change hands at boundaries."""
        replica = self.replica
        n_used = replica.usable_blocks - len(replica.kv.free) - replica.n_due_blocks
        return fractions.Fraction(n_used, replica.usable_blocks)

    def is_empty(self):
        return self.n_requests() == 0 and not self.outbound

    def enter_frontend(self, request, now_ns):
        """When it is through."""
        work_ns = (self.pool.frontend_request_ns
                   + half_up(self.pool.frontend_token_fs * request.prompt, 10**6))
        self.frontend_free_ns = max(self.frontend_free_ns, now_ns) + work_ns
        through_ns = self.frontend_free_ns + self.pool.frontend_ns
        self.frontend.append((through_ns, request))
        return through_ns


class Router:
    """A policy of [route], on the state of now."""

    def __init__(self, config, seen):
        self.seen, self.draws, self.last = seen, stream(config.seed, "route"), {}

    def pick(self, policy, group, ready):
        """One of `ready`, in order of places; a group is those who share a turn."""
        if policy == "round_robin":
            last = self.last.get(group, -1)
            place = next((p for p in ready if p.index > last), ready[0])
            self.last[group] = place.index
            return place
        if policy in ("random", "power_of_two"):
            return self.draw(policy, ready)
        keys = {"least_requests": Place.n_requests, "least_tokens": Place.n_tokens,
                "least_kv": Place.kv_use}
        return min(ready, key=keys[policy])  # the first of equal ones

    def draw(self, policy, ready):
        if len(ready) == 1:
            return ready[0]
        one = below(self.draws, len(ready))
        if policy == "random":
            return ready[one]
        other = below(self.draws, len(ready) - 1)
        other += other >= one
        return min(ready[min(one, other)], ready[max(one, other)], key=Place.n_requests)


class Bucket:
    """Fills by `rate` a second, from full on; exact fractions."""

    def __init__(self, rate, size):
        self.rate, self.size = fractions.Fraction(rate), size
        self.level, self.at_ns = fractions.Fraction(size), 0

    def fill(self, now_ns):
        self.level = min(self.size, self.level + self.rate * (now_ns - self.at_ns) / 10**9)
        self.at_ns = now_ns

    def lacks(self, amount):
        return self.rate > 0 and self.level < amount

    def take(self, amount):
        self.level -= amount if self.rate > 0 else 0


class Admission:
    """[admit]: why a request is turned away that comes while so many wait."""

    def __init__(self, section):
        self.requests = Bucket(fractions.Fraction(section.get("rate_rps", "0")),
                               int(section.get("burst", "1")))
        self.tokens = Bucket(int(section.get("tokens_per_s", "0")),
                             int(section.get("token_burst", "100000")))
        self.max_queue = int(section.get("max_queue", "0"))
        self.low_priority = int(section.get("low_priority", "1"))
        self.low_share = scaled(section.get("low_priority_share", "1"), 10**9)

    def reason(self, request, n_waiting, now_ns):
        for bucket in (self.requests, self.tokens):
            bucket.fill(now_ns)
        n_tokens = min(request.prompt, self.tokens.size)
        low = (request.priority >= self.low_priority
               and n_waiting * 10**9 >= self.max_queue * self.low_share)
        reasons = {"rate_limit": self.requests.lacks(1),
                   "token_limit": self.tokens.lacks(n_tokens),
                   "queue_full": 0 < self.max_queue <= n_waiting,
                   "priority": self.max_queue > 0 and low}
        reason = next((name for name, holds in reasons.items() if holds), "")
        if not reason:
            self.requests.take(1)
            self.tokens.take(n_tokens)
        return reason


def serves(pool, request):
    """Whether a pool takes requests that name such a model and such a class."""
    return (pool.served_model in ("", request.model) or request.model == "") and (
        not pool.classes or request.klass == "" or request.klass in pool.classes)
