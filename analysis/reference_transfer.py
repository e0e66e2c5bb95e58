"""reference_transfer: prompts in one pool, outputs in another, for the reference.

Links are shared by progressive filling, worked out anew for all flows whenever one comes or
goes; [disaggregate] policy = splitwise is not simulated.
"""

import fractions
import types

from reference_gateway import READY
from reference_input import ceil_div, duration_ns, scaled

ONE = 10**9
GIGA = 10**9
OUT, IN = range(2)


def bytes_per_s(text):
    """A bandwidth; bare numbers are GB/s."""
    number, unit = text.strip(), GIGA
    for name, scale in (("TB/s", 10**12), ("GB/s", 10**9), ("MB/s", 10**6)):
        if number.endswith(name):
            number, unit = number.removesuffix(name).strip(), scale
            break
    return scaled(number, unit)


def enter_landed(replica, now_ns):
    """They run from now on, as long as the budget is enough for all who do; how many."""
    budget, n_before = replica.config.max_num_batched_tokens, len(replica.landed)
    while replica.landed:
        wanted = 1 + sum(min(r.missing, replica.config.long_prefill_token_threshold or r.missing)
                         for r in replica.running)
        if wanted > budget and replica.config.batching not in ("orca", "sarathi"):
            replica.seen["landed without budget"] += 1
            break
        request = replica.landed.pop(0)
        request.blocks = replica.kept.pop(request)
        request.reserved = replica.reserve(request)
        request.place = "replica"
        request.own("stall", now_ns)
        replica.running.append(request)
        replica.n_admitted += 1
        request.admission = replica.n_admitted
    if replica.settings.role == "decode":  # who has not come to run has a place of its own
        left = replica.settings.max_num_seqs - len(replica.kept)
        replica.config = types.SimpleNamespace(**{**vars(replica.settings), "max_num_seqs": left})
    return n_before - len(replica.landed)


class Links:
    """Flows over links, max-min fair in whole bytes per second."""

    def __init__(self, capacity):
        self.capacity, self.flows = capacity, []  # bytes per second by link

    def carry(self, now_ns):
        for flow in self.flows:
            flow.left = max(0, flow.left - flow.rate * (now_ns - flow.since_ns))
            flow.since_ns = now_ns

    def share(self, now_ns):
        """New rates from now on."""
        left = dict(self.capacity)
        unrated = list(self.flows)
        while unrated:
            n_open = {link: sum(link in flow.links for flow in unrated) for link in left}
            narrowest = min((link for link in left if n_open[link]),
                            key=lambda link: (fractions.Fraction(left[link], n_open[link]), link))
            rate = max(1, left[narrowest] // n_open[narrowest])
            for flow in [flow for flow in unrated if narrowest in flow.links]:
                unrated.remove(flow)
                flow.rate = rate
                flow.done_ns = now_ns + ceil_div(flow.left, rate)
                for link in flow.links:
                    left[link] = max(0, left[link] - rate)

    def start(self, flow, now_ns):
        self.carry(now_ns)
        flow.since_ns, flow.rate = now_ns, 0
        self.flows.append(flow)
        self.share(now_ns)

    def stop(self, flow, now_ns):
        self.carry(now_ns)
        self.flows.remove(flow)
        self.share(now_ns)


class Transfers:
    """[disaggregate], between the places of a fleet."""

    def __init__(self, fleet, section):
        self.fleet, self.unplaced = fleet, []
        self.least_prompt = int(section.get("min_prompt_tokens", "0"))
        self.latency_ns = duration_ns(section.get("latency_us", "0"), "us")
        self.kv_bytes = int(section.get("kv_bytes_per_token", "0").removesuffix("B"))
        self.layerwise = section.get("overlap", "no") == "layerwise"
        self.is_free = section.get("links", "node") == "infinite"
        self.gpu = bytes_per_s(section.get("bandwidth", "0"))
        self.node = bytes_per_s(section.get("node_bandwidth", "0"))
        self.links = Links(self.capacities() if section else {})
        roles = {pool.role for pool in fleet.config.pools}
        self.is_on = bool(roles & {"prefill", "decode"})

    def pools(self, request, role):
        return tuple(pool.name for pool in self.fleet.config.pools
                     if pool.name in request.pools and pool.role == role)

    def first_pools(self, request):
        """(pools for a request that comes in, which router picks)."""
        decode, able = self.pools(request, "decode"), self.fleet.able_pools(request)
        if decode and (request.prompt < self.least_prompt or decode == able):
            return decode, "decode_policy"
        return tuple(name for name in able if name not in decode), "policy"

    def answerable(self, names):
        """Without anybody to write outputs nobody needs to compute prompts."""
        roles = {pool.name: pool.role for pool in self.fleet.config.pools}
        if any(roles[name] == "decode" for name in names):
            return names
        return tuple(name for name in names if roles[name] != "prefill")

    # --- links ---

    @staticmethod
    def node_of(place):
        pool = place.pool
        per_node = max(1, pool.gpus_per_node // pool.n_gpus) * pool.n_ranks
        return pool.name, place.number // per_node

    def bandwidth(self, pool):
        """Of a place, which may be one rank of several: of its own GPUs."""
        return self.gpu * (pool.n_gpus // pool.n_ranks)

    def capacities(self):
        """Of replicas and of nodes, each way; replicas come first where they are equal."""
        capacity = {}
        for place in self.fleet.places:
            pool, node = place.pool, self.node_of(place)
            for way in (OUT, IN):
                capacity[0, place.index, way] = self.bandwidth(pool)
                if self.node:
                    n_nodes = ceil_div(pool.n_gpus, pool.gpus_per_node)
                    names = [each.name for each in self.fleet.config.pools]
                    at = (names.index(node[0]), node[1])
                    capacity[1, at, way] = self.node * n_nodes
        return capacity

    def links_of(self, source, target):
        links = []
        names = [pool.name for pool in self.fleet.config.pools]
        for place, way in ((source, OUT), (target, IN)):
            links.append((0, place.index, way))
            if self.node:
                name, number = self.node_of(place)
                links.append((1, (names.index(name), number), way))
        return links

    # --- from the end of a prompt on ---

    def begin(self):
        """After all step ends."""
        for place in self.fleet.places:
            handed, place.replica.handed_over = place.replica.handed_over, []
            for request, step_ns in handed:
                n_bytes = self.kv_bytes * request.computed
                sent = self.bandwidth(place.pool) * step_ns // ONE if self.layerwise else 0
                request.transfer = types.SimpleNamespace(
                    request=request, source=place, target=None, is_pulled=False, flow=None,
                    timer=None, n_bytes=0 if self.is_free else max(0, n_bytes - sent))
                request.prefill_replica, request.place = place.index, "moving"
                place.outbound.append(request)
                self.find_target(request)

    def find_target(self, request):
        fleet, pools = self.fleet, self.pools(request, "decode")
        ready = [p for p in fleet.places if p.state == READY and p.pool.name in pools]
        if not ready:
            if request not in self.unplaced:
                fleet.seen["without a decode replica"] += 1
                self.unplaced.append(request)
                request.transfer.timer = fleet.at(
                    fleet.now_ns + fleet.config.hold_timeout_ns, 2, (2, request.index),
                    lambda: self.stop_waiting(request))
                fleet.wake(request, pools)
            return
        if request in self.unplaced:
            self.unplaced.remove(request)
            request.transfer.timer.off = True
        target = fleet.router.pick(fleet.config.decode_policy, ("decode", pools), ready)
        fleet.scalers[target.pool.name].n_sent += 1
        request.transfer.target, request.replica = target, target.index
        request.pool = target.pool.name
        request.max_new = max(target.pool.max_output_tokens, request.output)
        target.inbound.append(request)
        target.is_due = True

    def stop_waiting(self, request):
        self.drop(request)
        request.leave("failed", self.fleet.now_ns, "no_capacity")
        self.fleet.seen["left"] += 1

    def ready(self):
        for request in list(self.unplaced):
            self.find_target(request)

    def pull(self):
        """Between two steps, and when somebody comes or goes; whether anybody was pulled."""
        n_pulled = 0
        for place in self.fleet.places:
            is_due, place.is_due = place.is_due, False
            if not self.fleet.is_in_step(place):
                for request in place.replica.leaving:
                    self.release(place.replica, request)
                place.replica.leaving, is_due = [], True
            while is_due and place.inbound and self.pull_first(place):
                n_pulled += 1
        return n_pulled > 0

    def pull_first(self, place):
        request, replica = place.inbound[0], place.replica
        n_taken = len(place.pulling) + len(replica.landed)
        if len(replica.running) + n_taken >= place.pool.max_num_seqs:
            return False
        tokens = replica.reserve(request, request.computed)
        n_blocks = ceil_div(tokens, place.pool.block_size)
        is_idle = not replica.running and not n_taken and not place.outbound
        spare = 0 if is_idle else place.pool.watermark_blocks
        if n_blocks + spare > len(replica.kv.free):
            self.fleet.seen["pulls without blocks"] += 1
            return False
        place.inbound.pop(0)
        place.pulling.append(request)
        self.keep(replica, request, n_blocks)
        request.transfer.is_pulled = True
        if self.latency_ns > 0:
            self.after(self.latency_ns, request, self.flow)
        else:
            self.flow(request)
        return True

    def after(self, ns, request, action):
        request.transfer.timer = self.fleet.at(self.fleet.now_ns + ns, 3, (request.index, 0),
                                               lambda: action(request))

    def flow(self, request):
        transfer = request.transfer
        if transfer.n_bytes == 0:
            self.land(request)
            return
        transfer.flow = types.SimpleNamespace(
            request=request, left=transfer.n_bytes * ONE,
            links=self.links_of(transfer.source, transfer.target))
        self.fleet.seen["shared links"] += bool(self.links.flows)
        self.links.start(transfer.flow, self.fleet.now_ns)
        self.set_timers()

    def set_timers(self):
        for flow in self.links.flows:
            transfer = flow.request.transfer
            if transfer.timer:
                transfer.timer.off = True
            self.after(flow.done_ns - self.fleet.now_ns, flow.request, self.done)

    def done(self, request):
        self.links.stop(request.transfer.flow, self.fleet.now_ns)
        request.transfer.flow = None
        self.set_timers()
        self.land(request)

    @staticmethod
    def keep(replica, request, n_blocks):
        replica.kept[request] = replica.kv.take(n_blocks)
        replica.n_due_blocks += n_blocks

    @staticmethod
    def release(replica, request):
        replica.n_due_blocks -= len(replica.kept[request])
        replica.kv.give(replica.kept.pop(request))

    def free_source(self, request):
        source = request.transfer.source
        source.outbound.remove(request)
        self.release(source.replica, request)

    def land(self, request):
        target = request.transfer.target
        self.free_source(request)
        self.fleet.seen["transfers"] += 1
        request.own("transfer", self.fleet.now_ns)
        request.transfer, request.place = None, "landed"
        target.pulling.remove(request)
        target.replica.landed.append(request)

    def drop(self, request):
        """It is on its way, or has just come: its KV cache is lost."""
        transfer, now_ns = request.transfer, self.fleet.now_ns
        self.fleet.places[request.replica].is_due = True
        if transfer is None:
            replica = self.fleet.places[request.replica].replica
            replica.landed.remove(request)
            if self.fleet.is_in_step(self.fleet.places[request.replica]):  # its scheduler has been told of them: when the step has ended
                replica.leaving.append(request)
            else:
                self.release(replica, request)
            request.own("stall", now_ns)
            return
        request.own("transfer", now_ns)
        if transfer.timer:
            transfer.timer.off = True
        if transfer.flow:
            self.links.stop(transfer.flow, now_ns)
            self.set_timers()
        if transfer.target is None:
            self.unplaced.remove(request)
        elif transfer.is_pulled:
            transfer.target.pulling.remove(request)
            self.release(transfer.target.replica, request)
        else:
            transfer.target.inbound.remove(request)
        self.free_source(request)
        request.transfer = None

    def at(self, place):
        """Everybody on the way from or to a place."""
        return [*place.outbound, *place.inbound, *place.pulling, *place.replica.landed]
