"""reference_clients: who sends requests, and when: the trace, rows that wait, clients that wait.

Each has look(), which sends whatever arrives now or is known to come, and next_ns(), when
look() is to be called at the latest, or None.
"""

from reference_order import exponential, stream


class Open:
    """The trace says when."""

    def __init__(self, world):
        self.world, self.is_first = world, True

    def look(self):
        if self.is_first:
            for i, request in enumerate(self.world.requests):
                self.world.send(request, i)
        self.is_first = False

    def next_ns(self):
        return None


class Waiting:
    """Rows that name parents come when these have left and they have thought, not earlier than
    they say; of one instant in the order of the trace."""

    def __init__(self, world):
        self.world, self.n_sent = world, 0
        rows = {}
        for request in world.requests:
            try:
                request.parents = [rows[request.copy, name] for name in request.parents]
            except KeyError as error:
                raise ValueError(f"no row above is {error}") from error
            if request.request_id:
                if (request.copy, request.request_id) in rows:
                    raise ValueError(f"two rows are {request.request_id}")
                rows[request.copy, request.request_id] = request
        self.unsent = list(world.requests)

    def known(self):
        """(when, request) of those who wait for nobody, in order; ties as in the trace."""
        found = []
        for request in self.unsent:
            if all(parent.status for parent in request.parents):
                left = [p.finish_ns + request.think_ns for p in request.parents]
                found.append((max([request.arrival_ns, *left]), request))
        return sorted(found, key=lambda each: each[0])

    def look(self):
        """One at a time, behind all else of its instant: it may leave at the door."""
        fleet = self.world.fleet
        while (not fleet.is_due() and (known := self.known())
               and known[0][0] <= fleet.now_ns):
            request = known[0][1]
            self.unsent.remove(request)
            request.arrival_ns = known[0][0]
            self.world.seen["waited for others"] += len(request.parents) > 0
            self.world.send(request, self.n_sent)
            self.n_sent += 1

    def next_ns(self):
        known = self.known()
        fleet = self.world.fleet
        assert known or not self.unsent or fleet.n_expected + fleet.n_inside() > 0
        return known[0][0] if known else None


class Closed:
    """Clients whose requests have left think, and send the next ones."""

    def __init__(self, world):
        config = world.config
        self.world, self.n_sent, self.under_way = world, 0, []
        self.ready_ns = [0] * config.concurrency
        self.draws = (stream(config.seed, "think")
                      if config.think_distribution == "exponential" else None)

    def think_ns(self):
        mean_ns = self.world.config.think_ns
        return exponential(self.draws, mean_ns) if self.draws else mean_ns

    def is_over(self):
        return self.n_sent == len(self.world.requests)

    def look(self):
        now_ns, requests = self.world.fleet.now_ns, self.world.requests
        while True:
            left = [request for request in self.under_way if request.status]
            self.under_way = [request for request in self.under_way if not request.status]
            self.ready_ns += [request.finish_ns + self.think_ns() for request in left]
            self.ready_ns.sort()
            if self.is_over() or not self.ready_ns or self.ready_ns[0] > now_ns:
                return
            request = requests[self.n_sent]
            request.arrival_ns = self.ready_ns.pop(0)
            self.n_sent += 1
            self.under_way.append(request)
            self.world.send(request, self.n_sent - 1)

    def next_ns(self):
        return None if self.is_over() or not self.ready_ns else self.ready_ns[0]
