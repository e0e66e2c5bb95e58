"""reference_policy: the batching disciplines of the reference simulator, SGLang's aside.

Each is a Replica with its own `plan_step`. The rules are those of the systems named, as far
as sim/README.md says; where those leave room, the comments say what was chosen.
"""

from reference_input import ceil_div
from reference_replica import Replica
from reference_sglang import Sglang


class Unified(Replica):
    """vLLM v1: one budget of tokens for whatever each request lacks."""

    def plan_step(self):
        self.preempt_by_order()
        self.serve_each()
        self.register()
        self.swap_in()
        while (len(self.queue) > 0 and self.left() > 0 and self.n_preempted == 0
               and not self.swapped and len(self.running) < self.config.max_num_seqs
               and self.admit_first()):
            pass

    def admit_first(self):
        most = self.config.max_num_partial_prefills
        n_partial = sum(not request.decodes for request in self.granted)
        if 0 < most <= n_partial:
            self.seen["partial prefills stop"] += 1
            return False
        request = self.queue.first()
        offer = self.offer(request)
        if self.config.enable_chunked_prefill == "no" and offer.missing > self.left():
            self.seen["unchunked stops"] += 1
            return False
        n = self.chunk(request, offer.missing)
        if self.config.preempt == "none":
            fits = self.fits(offer, request.need)
        else:
            fits = (self.fits(offer, offer.computed + n)
                    and (self.config.reserve_full_prompt == "no"
                         or self.fits(offer, request.tokens)))
        if not fits or not self.forecast_allows(request):
            return False
        self.admit(request, offer, n, self.reserve(request))
        return True


class PrefillFirst(Replica):
    """vLLM v0: prompts before decodes; or, with chunks, decodes before prompts."""

    def plan_step(self):
        self.is_idle = not self.running
        self.preempt_by_order()
        if self.config.enable_chunked_prefill == "yes":
            self.serve_each()
            self.register()
            self.swap_in()
            self.admit_each()
            return
        if self.config.decode_iterations == 0 or not self.running or (
                self.n_without_prefill >= self.config.decode_iterations):
            self.admit_each()
        else:
            self.seen["decode iterations"] += len(self.queue) > 0
        if not self.granted:
            for request in list(self.running):
                if request in self.running and not self.serve(request, 1):
                    break
            self.swap_in()

    def delays(self):
        """Until somebody has waited for a multiple of the last prompts' time."""
        factor = self.config.delay_factor
        if factor == 0 or self.last_prompt_ns == 0 or self.is_idle:
            return False
        oldest_ns = min(request.arrival_ns for request in self.queue.members)
        delays = self.now_ns - oldest_ns <= factor * self.last_prompt_ns // 10**9
        self.seen["delays"] += delays
        return delays

    def admit_each(self):
        whole = self.config.enable_chunked_prefill == "no"
        while (len(self.queue) > 0 and not (whole and self.swapped)
               and len(self.running) < self.config.max_num_seqs):
            request = self.queue.first()
            offer = self.offer(request)
            if whole and (self.delays() or offer.missing > self.left()):
                return
            n = offer.missing if whole else self.chunk(request, offer.missing)
            held = self.reserve(request, request.tokens)
            if n < 1 or not self.fits(offer, held, self.config.watermark_blocks):
                self.seen["watermark stops"] += n >= 1 and self.fits(offer, held)
                return
            if not self.forecast_allows(request):
                return
            self.admit(request, offer, n, held)

    def most_tokens(self):
        if self.config.enable_chunked_prefill == "yes" or any(
                not entry[2] for entry in self.step.entries):
            return self.config.max_num_batched_tokens
        return max(self.config.max_num_batched_tokens, len(self.running))


class Sarathi(Replica):
    """Sarathi-Serve: no decode ever waits; prompts take what they leave of the budget."""

    def plan_step(self):
        self.preempt_by_order()
        for request in [r for r in self.running if r.decodes]:
            if request in self.running and not self.serve(request, 1):
                break
        for request in [r for r in self.running if not r.decodes]:
            n = min(request.missing, self.room(request))
            self.seen["idle partial prefills"] += n <= 0
            if n > 0 and request in self.running and not self.serve(request, n):
                break
        self.register()
        self.swap_in()
        while (len(self.queue) > 0 and not self.swapped
               and len(self.running) < self.config.max_num_seqs):
            request = self.queue.first()
            offer = self.offer(request)
            n = min(offer.missing, self.room(request, offer.computed))
            held = self.reserve(request, request.tokens)
            if n < 1 or not self.fits(offer, held):
                return
            self.admit(request, offer, n, held)

    def room(self, request, n_found=0):
        """With stages the later parts of a prompt get smaller chunks, for they take longer."""
        spent = sum(self.granted.values())
        k, high, low = (self.config.chunk_stages, self.config.chunk_high, self.config.chunk_low)
        if k <= 1:
            return max(0, self.config.max_num_batched_tokens - spent)
        sizes = [low + (high - low) * (k - 1 - i) // (k - 1) for i in range(k)]
        if low >= 32:
            sizes = [round(size / 32) * 32 for size in sizes]
        length = ceil_div(self.config.max_model_len, k)
        stage = min(k - 1, (request.computed + n_found) // length)
        self.seen["later stages"] += stage > 0
        return max(0, sizes[stage] - spent)

    def most_tokens(self):
        n_decodes = sum(entry[2] for entry in self.step.entries)
        self.seen["decodes beyond the budget"] += n_decodes > self.config.max_num_batched_tokens
        most = self.config.max_num_batched_tokens
        if self.config.chunk_stages > 1:
            most = max(self.config.chunk_high + 16, self.config.chunk_low + 16)
        return max(most, n_decodes)


class Slots(Replica):
    """No paging: who is admitted holds blocks for all that it may ever need."""

    def decode_all(self):
        for request in self.running:
            assert request.decodes and self.serve(request, 1)

    def admit_while_fits(self, most):
        while len(self.queue) > 0 and most > 0:
            request = self.queue.first()
            offer = self.offer(request)
            if not self.fits(offer, request.need):
                self.seen["slots stop"] += 1
                return
            self.admit(request, offer, offer.missing, request.need)
            most -= 1

    def most_tokens(self):
        return sum(self.granted.values())


class Orca(Slots):
    """Every step takes newcomers in, whole prompts, among the decodes."""

    def plan_step(self):
        self.decode_all()
        self.register()
        self.admit_while_fits(self.config.max_num_seqs - len(self.running))


class Static(Slots):
    """FasterTransformer: a batch runs to its end, and nobody joins it."""

    RUNS_TO_THE_END = True

    def plan_step(self):
        if self.running:
            self.decode_all()
        else:
            self.form()

    def form(self):
        self.admit_while_fits(self.config.max_num_seqs)

    def priced_chunks(self, chunks):
        """With padding every prompt is computed as if it were as long as the longest."""
        if self.config.padding == "no" or not chunks:
            return chunks
        longest = max(before + n for before, n in chunks)
        self.seen["padding"] += sum(longest - before - n for before, n in chunks)
        return [(before, longest - before) for before, _ in chunks]


class Dynamic(Static):
    """Triton's dynamic batcher: wait a little for a batch of a size that is liked."""

    def form(self):
        pending, marked, send_now = self.walk()
        if not pending:
            return
        oldest_ns, delay_ns = min(r.enqueued_ns for r in pending), self.config.max_queue_delay_ns
        exceeded = 0 < delay_ns <= self.now_ns - oldest_ns
        self.seen["delay exceeded"] += exceeded
        if marked and not exceeded:
            self.seen["preferred sizes"] += marked < len(pending)
            pending = pending[:marked]
        elif not (exceeded or send_now or len(pending) >= self.most_preferred() or delay_ns == 0):
            self.wait(oldest_ns + delay_ns)
            return
        for request in pending:
            offer = self.offer(request)
            self.admit(request, offer, offer.missing, request.need)

    def most_preferred(self):
        return max(self.config.preferred_batch_sizes, default=self.config.max_num_seqs)

    def walk(self):
        """Whom the next batch may hold, its best size so far, whether it cannot grow."""
        pending, n_blocks, marked = [], 0, None
        for request in self.still_waiting():
            if len(pending) + 1 > self.most_preferred() and marked is None:
                marked = len(pending)
            need = ceil_div(request.need, self.config.block_size)
            if (len(pending) + 1 > self.config.max_num_seqs
                    or n_blocks + need > self.usable_blocks):
                return pending, marked, True
            pending.append(request)
            n_blocks += need
            if len(pending) in self.config.preferred_batch_sizes:
                marked = len(pending)
        return pending, marked, False

    def still_waiting(self):
        """In the order of the queue; who waits for too long leaves it, or goes behind, once."""
        left = list(self.queue.members)
        while left:
            request = min(left, key=self.queue.place)
            late = 0 < self.config.queue_timeout_ns < self.now_ns - request.enqueued_ns
            if request in self.queue.delayed or not late:
                left.remove(request)
                yield request
            elif self.config.queue_timeout_action == "reject":
                left.remove(request)
                self.queue.remove(request)
                request.leave("shed", self.now_ns, "queue_timeout")
                self.shed.append(request)
            else:
                self.seen["delayed"] += 1
                self.queue.delayed.add(request)

    def wait(self, until_ns):
        self.seen["waits for more"] += 1
        late_ns = [r.enqueued_ns + self.config.queue_timeout_ns + 1 for r in self.queue.members
                   if self.config.queue_timeout_ns > 0 and r not in self.queue.delayed]
        self.wake_ns = min([until_ns, *late_ns])


DISCIPLINES = {"unified": Unified, "prefill_first": PrefillFirst, "sarathi": Sarathi,
               "orca": Orca, "static": Static, "dynamic": Dynamic, "sglang": Sglang}
