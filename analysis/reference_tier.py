"""reference_tier: host memory and disk behind the prefix cache of the reference simulator."""

import collections

HOST, DISK = 0, 1


class Tiers:
    """Contents of blocks that the GPUs forgot, the oldest of each tier first."""

    def __init__(self, config, seen):
        self.config, self.offload, self.seen = config, config.offload, seen
        self.fetched = set()  # ever
        self.known = [collections.OrderedDict() for _ in self.offload.levels]

    def take(self, content):
        """The GPUs forget it; what a tier has no more room for goes on to the next one."""
        tally = "offloaded blocks"
        for known, level in zip(self.known, self.offload.levels):
            if level.n_blocks == 0:
                continue
            if content in known:
                known.move_to_end(content)
                self.seen["offloaded before"] += 1
                return
            known[content] = None
            self.seen[tally] += 1
            if len(known) <= level.n_blocks:
                return
            content, _ = known.popitem(last=False)
            tally = "spilled blocks"
        self.seen["forgotten by all"] += any(level.n_blocks for level in self.offload.levels)

    def tier_of(self, content):
        return next((i for i, known in enumerate(self.known) if content in known), None)

    def find(self, request, n_hits, most):
        """The contents to fetch behind the first `n_hits` blocks of the request's prompt."""
        beyond = []
        while (n_hits + len(beyond) < most
               and self.tier_of((request.prefix, n_hits + len(beyond))) is not None):
            beyond.append((request.prefix, n_hits + len(beyond)))
        return beyond if beyond and self.pays(n_hits, beyond) else []

    def pays(self, n_hits, beyond):
        if self.offload.fetch != "cheaper":
            return self.offload.fetch == "always"
        size = self.config.block_size
        chunk = (n_hits * size, len(beyond) * size)
        pays = self.fetch_fs(beyond) < self.config.price.fs([], [chunk], 0)
        self.seen["cheaper to compute"] += not pays
        return pays

    def fetch_fs(self, contents):
        n_of = collections.Counter(map(self.tier_of, contents))
        levels = self.offload.levels
        return sum(levels[i].latency_fs + n * levels[i].block_fs for i, n in n_of.items())

    def fetch(self, contents):
        """They stay where they are, as the youngest; how long it takes."""
        fs = self.fetch_fs(contents)
        for content in contents:
            tier = self.tier_of(content)
            self.known[tier].move_to_end(content)
            self.seen[("host hits", "disk hits")[tier]] += 1
            self.seen["refetched"] += content in self.fetched
            self.fetched.add(content)
        return fs

    def verify(self):
        for known, level in zip(self.known, self.offload.levels):
            assert len(known) <= level.n_blocks
