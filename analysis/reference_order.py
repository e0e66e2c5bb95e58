"""reference_order: who is first among those who wait, for the reference simulator.

A queue holds the requests that wait and that the scheduler has seen. Nothing is kept sorted:
whoever asks for the first one gets the least (delayed, key, tie) of all, worked out anew.
"""

import random

from reference_input import ceil_div, half_up

NEVER = 2**63 - 1
LPM_MOST = 128  # requests: SGLang does not look that many up


def divide_towards_zero(numerator, denominator):
    return abs(numerator) // denominator * (1 if numerator >= 0 else -1)


def stream(seed, name):
    """The program's stream of that name: mt19937 from a seed mixed with the name."""
    most = 2**64 - 1

    def scramble(x):
        x = (x + 0x9e3779b97f4a7c15) & most
        x = ((x ^ (x >> 30)) * 0xbf58476d1ce4e5b9) & most
        x = ((x ^ (x >> 27)) * 0x94d049bb133111eb) & most
        return x ^ (x >> 31)

    fnv = 0xcbf29ce484222325
    for byte in name.encode():
        fnv = ((fnv ^ byte) * 0x100000001b3) & most
    words = [(scramble(scramble(seed) ^ fnv) >> 32) or 4357]  # what mt19937 makes of a 0
    for i in range(1, 624):
        words.append((1812433253 * (words[-1] ^ (words[-1] >> 30)) + i) & 0xffffffff)
    generator = random.Random()
    generator.setstate((3, (*words, 624), None))
    return generator


def exponential(generator, mean_ns):
    """Von Neumann's way, from integers alone; the variate exact but for a grain of 2^-64."""
    whole = 0
    while True:
        high = generator.getrandbits(32)
        fraction = least = high << 32 | generator.getrandbits(32)
        is_odd = True
        while True:
            high = generator.getrandbits(32)
            if (following := high << 32 | generator.getrandbits(32)) >= least:
                break
            is_odd, least = not is_odd, following
        if is_odd:
            return whole * mean_ns + (mean_ns * fraction >> 64)
        whole += 1


def below(generator, bound):
    limit = 2**32 - 2**32 % bound
    while (bits := generator.getrandbits(32)) >= limit:
        pass
    return bits % bound


def predict(config, request, noise):
    """Sets how long its output is believed to be; `noise` is the stream "predictions"."""
    if config.predictor == "none":
        request.predicted = 256
    elif config.predictor == "bucketed":
        bucket = config.predictor_bucket
        request.predicted = ceil_div(request.output, bucket) * bucket
    elif config.predictor == "noisy":
        u = below(noise, 2 * 10**9 + 1) - 10**9
        off = divide_towards_zero(request.output * 2 * config.predictor_error * u, 10**18)
        request.predicted = max(1, request.output + off)


class Queue:
    """Those who wait: first come, first served; preempted ones before all."""

    KEYED = False  # by something other than when they came in

    def __init__(self, config, kv, tenants):
        self.config, self.kv, self.tenants = config, kv, tenants
        self.members, self.ties, self.delayed, self.n_entered = [], {}, set(), 0
        self.is_shut = False  # to the plan: nobody is admitted

    def __len__(self):
        return 0 if self.is_shut else len(self.members)

    def place(self, request):
        """The least is first; who was delayed goes behind all others."""
        return request in self.delayed, self.waiting_key(request), self.ties[request]

    def waiting_key(self, request):
        return self.key(request)

    def key(self, _):
        """Of a request that waits or runs."""
        return 0

    def first(self):
        return min(self.members, key=self.place)

    def in_order(self):
        return sorted(self.members, key=self.place)

    def enter(self, request, now_ns, is_new):
        """It arrived, or was preempted."""
        del now_ns
        self.n_entered += 1
        self.ties[request] = (request.index if self.KEYED
                              else self.n_entered if is_new else -self.n_entered)
        self.members.append(request)

    def remove(self, request):
        self.members.remove(request)
        self.delayed.discard(request)

    def refresh(self, now_ns, running):
        """Before each plan."""

    def admitted(self, request):
        """For the first time."""

    def emitted(self, request):
        """A token, at the end of a step."""


class Priority(Queue):
    KEYED = True

    def place(self, request):
        """Each level is a queue of its own."""
        return self.waiting_key(request), request in self.delayed, self.ties[request]

    def key(self, request):
        if self.config.aging_ns == 0:
            return request.priority
        return request.priority * self.config.aging_ns + request.arrival_ns


class ShortestJob(Queue):
    KEYED = True

    def key(self, request):
        return ceil_div(request.prompt, self.config.max_num_batched_tokens) + request.predicted


class ShortestRemaining(Queue):
    KEYED = True

    def key(self, request):
        return (ceil_div(request.missing, self.config.max_num_batched_tokens)
                + max(1, request.predicted - request.generated))


class EarliestDeadline(Queue):
    KEYED = True

    def key(self, request):
        tenant_ns = self.config.tenants.get(request.tenant, {}).get("deadline_ns")
        bounds = (request.deadline_ns, tenant_ns, self.config.slo_e2e_ns, self.config.slo_ttft_ns)
        given = [bound_ns for bound_ns in bounds if bound_ns is not None]
        return request.arrival_ns + given[0] if given else NEVER


class LongestPrefix(Queue):
    KEYED = True

    def __init__(self, *args):
        super().__init__(*args)
        self.found, self.too_many = {}, False

    def look_up(self, request):
        if not self.too_many:
            size = self.config.block_size
            self.found[request] = sum(map(len, self.kv.hits(request, size))) * size

    def refresh(self, now_ns, running):
        self.found, self.too_many = {}, len(self.members) > LPM_MOST
        for request in self.members:
            self.look_up(request)

    def waiting_key(self, request):
        return -self.found.get(request, 0)


class Fair(Queue):
    """A virtual token counter for each tenant (Sheng et al., OSDI 2024)."""

    def __init__(self, *args):
        super().__init__(*args)
        self.counters, self.last_out = dict.fromkeys(self.tenants, 0), None

    def waiting_key(self, request):
        return self.counters[request.tenant], self.tenants.index(request.tenant)

    def unit(self, request):
        weight = self.config.tenants.get(request.tenant, {}).get("weight", 10**9)
        return half_up(10**18, weight)

    def enter(self, request, now_ns, is_new):
        others = {other.tenant for other in self.members}
        if is_new and request.tenant not in others:
            floor = min((self.counters[tenant] for tenant in others), default=None)
            if floor is None and self.last_out is not None:
                floor = self.counters[self.last_out]
            self.counters[request.tenant] = max(self.counters[request.tenant], floor or 0)
        super().enter(request, now_ns, is_new)

    def remove(self, request):
        super().remove(request)
        if not self.members:
            self.last_out = request.tenant

    def admitted(self, request):
        self.counters[request.tenant] += self.unit(request) * request.prompt

    def emitted(self, request):
        self.counters[request.tenant] += 2 * self.unit(request)


class Feedback(Queue):
    """Multi-level feedback; a long prompt skips the levels it would not stay in."""

    KEYED = True

    def __init__(self, *args):
        super().__init__(*args)
        self.since_ns = {}
        self.promoted = {}  # output when it was last promoted

    def quantum(self, level):
        return self.config.mlfq_quantum << level

    def key(self, request):
        last, level = self.config.mlfq_levels - 1, 0
        worth = ceil_div(request.prompt, self.config.mlfq_prefill_tokens)
        if request in self.promoted:
            used = request.generated - self.promoted[request]
        else:
            used = worth + request.generated - 1 if request.generated > 0 else 0
            while level < last and self.quantum(level) < worth:
                level += 1
        while level < last and used >= self.quantum(level):
            used -= self.quantum(level)
            level += 1
        return level

    def enter(self, request, now_ns, is_new):
        super().enter(request, now_ns, is_new)
        self.since_ns[request] = now_ns

    def refresh(self, now_ns, running):
        for request in self.members if self.config.mlfq_promote_ns else []:
            if now_ns - self.since_ns[request] >= self.config.mlfq_promote_ns:
                self.promoted[request], self.since_ns[request] = request.generated, now_ns


QUEUES = {"fcfs": Queue, "priority": Priority, "sjf": ShortestJob, "srpt": ShortestRemaining,
          "edf": EarliestDeadline, "vtc": Fair, "lpm": LongestPrefix, "mlfq": Feedback}
