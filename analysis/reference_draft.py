"""reference_draft: speculative decoding in the reference simulator.

Who drafts how much, what that takes beside the price of verifying it (reference_cost.py),
and how much of it is right.
"""

from reference_input import half_up
from reference_order import below

ONE = 10**9


class Drafter:
    """[speculative] of a pool; all replicas draw from one stream."""

    def __init__(self, config, seen, draws):
        self.config, self.of, self.seen = config, config.speculation, seen
        self.draws = draws

    def acceptance(self, request):
        """The chance of each position in turn."""
        own = self.config.tenants.get(request.tenant, {}).get("acceptance")
        return self.of.acceptance if own is None else [own] * self.of.most

    def room(self, request, most):
        """Tokens that may be drafted for a running request, the budget apart."""
        if self.of.method == "none" or not request.decodes:
            return 0
        return max(0, min(most, request.max_new - request.generated - 1))

    def passes_fs(self, decodes, chunks):
        """What drafting takes in a step of decodes (before, tokens) and chunks."""
        deepest = max((n - 1 for _, n in decodes), default=0)
        if self.of.method == "ngram":
            return self.of.ngram_overhead_fs if deepest > 0 else 0
        if self.of.method == "none":
            return 0
        passes = []
        for i in range(deepest):
            passes.append([(before + i, 1) for before, n in decodes if n - 1 > i])
        if chunks and self.of.reads_prompts:  # it has KV of its own, from the first pass
            passes = passes or [[]]
        else:
            chunks = []
        return sum(self.of.price.fs(decoding, [] if i else chunks, len(decoding))
                   for i, decoding in enumerate(passes))

    def step_fs(self, decodes, chunks, n_emitting, others=()):
        passes_fs = half_up(self.passes_fs(decodes, chunks) * self.config.pace, ONE)
        return self.config.price.fs(decodes, chunks, n_emitting, others) + passes_fs

    def choose(self, running):
        """How much may be drafted for each in the plan that follows."""
        if self.of.adaptive == "no" or self.of.method == "none":
            return self.of.most
        decoding = [request for request in running if request.decodes]
        best, least = 0, self.outlook(decoding, 0)
        for most in range(1, self.of.most + 1):
            fs, tokens = self.outlook(decoding, most)
            if fs * least[1] < least[0] * tokens:
                best, least = most, (fs, tokens)
        if decoding:
            self.seen["nothing drafted for a while"] += best == 0
            self.seen["fewer drafted for a while"] += 0 < best < self.of.most
        return best

    def outlook(self, decoding, most):
        """(fs, tokens that come out in the mean) of a step of these alone."""
        rooms = [self.room(request, most) for request in decoding]
        decodes = [(request.computed, 1 + room) for request, room in zip(decoding, rooms)]
        tokens = 0
        for request, room in zip(decoding, rooms):
            product = ONE
            tokens += ONE
            for share in self.acceptance(request)[:room]:
                product = product * share // ONE
                tokens += product
        return self.step_fs(decodes, [], len(decodes)), tokens

    def keep(self, request, n_drafts):
        """The step has ended: how many of its drafted tokens come out."""
        n_right = 0
        while (n_right < n_drafts
               and below(self.draws, ONE) < self.acceptance(request)[n_right]):
            n_right += 1
        n_kept = min(n_right, request.output - request.generated - 1)
        self.seen["right beyond the end"] += n_kept < n_right
        self.seen.update(drafted=n_drafts, accepted=n_kept, verified=n_drafts > 0,
                         rejected=n_drafts - n_kept)
        return n_kept
