"""reference_sglang: SGLang's discipline: prefill batches by an estimate of what outputs take.

A prompt that is cut is the one chunked request: the running one that is not decoding.
"""

from reference_input import ceil_div
from reference_replica import Replica

ONE = 10**12  # ratios are integers of 10^-12


class Sglang(Replica):
    def __init__(self, *args):
        super().__init__(*args)
        most = min(ONE, 700 * self.config.schedule_conservativeness)
        self.ratio, self.least_ratio = most, most * 14 // 100
        self.decay = (most - self.least_ratio) // 600

    def plan_step(self):
        decodes = [request for request in self.running if request.decodes]
        self.plan_prompts(decodes)
        if not self.granted:
            self.plan_decodes()
        elif self.config.enable_mixed_chunk == "yes":
            for request in decodes:  # who has no block for its token waits
                if self.allocate(request, 1):
                    self.granted[request] = 1
                    self.seen["mixed chunks"] += 1
                else:
                    self.seen["decodes left out"] += 1

    def paged(self, tokens):
        return ceil_div(tokens, self.config.block_size) * self.config.block_size

    def still_to_come(self, request):
        return min(request.max_new - request.generated, self.config.clip_max_new_tokens)

    def plan_prompts(self, decodes):
        self.total = len(self.kv.free) * self.config.block_size - sum(
            ceil_div(self.still_to_come(request) * self.ratio, ONE) for request in decodes)
        self.input = self.config.max_num_batched_tokens
        self.chunk_left = self.config.chunked_prefill_size or 2**63
        for request in self.running:
            if not request.decodes:
                self.go_on(request)
        self.register()
        while (len(self.queue) > 0 and len(self.running) < self.config.max_num_seqs
               and self.input > 0 and self.chunk_left > 0 and self.admit_first()):
            pass

    def charge(self, n, more):
        n = self.paged(n)
        self.total -= n + more
        self.input -= n
        self.chunk_left -= n

    def go_on(self, request):
        """The chunked request is served first, with what fits."""
        size = self.config.block_size
        held = (len(request.blocks) + len(self.kv.free)) * size
        n = min(request.missing, self.chunk_left, held - request.computed)
        self.seen["chunked goes on"] += 1
        if n <= 0:
            return
        assert self.allocate(request, n)
        self.granted[request] = n
        self.charge(n, min(request.max_new, self.config.clip_max_new_tokens)
                    if n == request.missing else 0)

    def admit_first(self):
        request = self.queue.first()
        offer = self.offer(request)
        missing, size = self.paged(offer.missing), self.config.block_size
        # what is found takes blocks, too, that nobody else may have from now on
        unheld = (offer.n_unheld + len(offer.fetched)) * size
        more = self.still_to_come(request)
        if missing + more + unheld >= self.total and self.running:
            self.seen["estimate stops"] += 1
            return False
        self.total -= unheld
        if missing <= self.chunk_left:
            if self.granted and missing > self.input:
                return False
            self.admit(request, offer, offer.missing, 0)
            self.charge(missing, more)
            return True
        n = self.chunk_left // size * size
        if n == 0:
            return False
        self.admit(request, offer, n, 0)
        self.charge(n, 0)
        self.chunk_left = 0
        self.seen["chunked"] += 1
        return False

    def plan_decodes(self):
        """All who have output; where their blocks lack, the fewest outputs give way."""
        retracted = False
        while self.lacks() and len(self.running) > 1:
            self.preempt(max(self.running, key=lambda r: (
                -r.generated, r.prompt, self.running.index(r))))
            retracted = True
        decodes = [request for request in self.running if request.decodes]
        if retracted:
            self.seen["retractions"] += 1
            self.ratio = min(ONE, (sum(r.generated for r in decodes) + 20 * len(decodes)) * ONE
                             // (sum(r.max_new for r in decodes) + 1))
        else:
            self.ratio = max(self.least_ratio, self.ratio - self.decay)
        for request in decodes:
            assert self.allocate(request, 1)
            self.granted[request] = 1

    def lacks(self):
        need = sum(ceil_div(r.computed + 1, self.config.block_size) - len(r.blocks)
                   for r in self.running if r.decodes)
        return need > len(self.kv.free)

    def most_tokens(self):
        n_prompts = sum(not entry[2] for entry in self.step.entries)
        assert (n_prompts == 0 or n_prompts == len(self.step.entries)
                or self.config.enable_mixed_chunk == "yes")
        return sum(self.granted.values())
