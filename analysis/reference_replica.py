"""reference_replica: one replica of the reference simulator, whatever its discipline.

Who waits, runs, is swapped out; blocks; who gives way; steps. What a step holds is the
discipline's, which is `plan_step` of a subclass in reference_policy.py.
"""

import types

from reference_blocks import Blocks
from reference_draft import Drafter
from reference_input import ceil_div, half_up
from reference_order import QUEUES
from reference_tier import Tiers
from reference_transfer import enter_landed
from reference_verify import verify_step


class Replica:
    """One scheduler with its KV blocks."""

    def __init__(self, config, seen, tenants, drafter):
        self.config, self.seen, self.drafter = config, seen, drafter
        self.usable_blocks = config.num_gpu_blocks - 1  # less the null block
        self.tiers = Tiers(config, seen)
        self.kv = Blocks(self.usable_blocks, seen, self.tiers)
        self.unseen = []  # waiting, in order of arrival
        self.queue = QUEUES[config.order](config, self.kv, tenants)  # waiting and seen
        self.running, self.swapped, self.step = [], [], None
        self.retained = []  # who has left, with their blocks, a batch that still runs
        self.handed_over = []  # (request, ns of the step): its output is written elsewhere
        self.landed = []  # requests whose KV cache has come from elsewhere
        self.leaving = []  # those of them who have left, but for their blocks
        self.kept = {}  # blocks of requests that are on their way from or to here
        self.n_due_blocks = 0  # of those, taken or given back since the last boundary
        self.settings = config  # and the same in .config, with the places that are left
        self.n_admitted = 0
        self.steps_alone = True  # else others start its steps: reference_lockstep.py
        self.has_waited = False  # the last plan
        self.wake_ns = None  # when to plan again though nothing happens
        self.visible_until_ns = self.last_start_ns = -1  # who came later is not known yet
        self.unlooked = 0  # steps since the last look
        self.had_prefill = False  # the last step
        self.last_prompt_ns = self.n_without_prefill = 0  # the last step with, and steps since
        self.granted, self.now_ns, self.shed = {}, 0, []
        self.n_preempted = self.n_gave_way = self.n_swapped_blocks = 0  # in this plan
        self.fetch_fs = self.most_drafts = 0  # in this plan

    def n_waiting(self):
        return len(self.unseen) + len(self.queue)

    def n_requests(self):
        return self.n_waiting() + len(self.running) + len(self.swapped) + len(self.landed)

    # --- blocks ---

    def allocate(self, request, n):
        """Takes blocks for `n` more tokens; takes none and returns False if short."""
        held = max(request.computed + n, request.reserved)
        need = max(0, ceil_div(held, self.config.block_size) - len(request.blocks))
        if need > len(self.kv.free):
            return False
        request.blocks += self.kv.take(need)
        return True

    def release(self, request):
        self.kv.give(request.blocks)
        request.blocks, request.computed, request.n_filled, request.reserved = [], 0, 0, 0

    RUNS_TO_THE_END = False  # the blocks of those who leave are free when all have left

    def n_host_blocks(self):
        return sum(ceil_div(r.computed, self.config.block_size) for r in self.swapped)

    # --- who gives way ---

    def place_of_victim(self, request):
        """The greatest gives way first."""
        if self.config.victim == "order":
            return self.queue.key(request), request.index
        if self.config.victim == "fewest_outputs":
            return -request.generated, request.prompt, self.running.index(request)
        return self.running.index(request)

    def preempt(self, victim, may_swap=True):
        self.running.remove(victim)
        self.seen["preempted with drafts"] += self.granted.pop(victim, 0) > max(1, victim.missing)
        victim.preemptions += 1
        self.n_gave_way += 1
        self.seen["recompute-during-recompute"] += victim.is_recomputing
        victim.begin_recomputing()
        computed, n_blocks = victim.computed, ceil_div(victim.computed, self.config.block_size)
        self.release(victim)
        room = self.config.swap_blocks - self.n_host_blocks()
        swaps = may_swap and self.config.preempt == "swap"
        if swaps and (self.config.swap_blocks == 0 or n_blocks <= room):
            victim.computed, victim.prefix = computed, None
            self.swapped.append(victim)
            self.n_swapped_blocks += n_blocks
            self.seen["swapped out"] += 1
        else:
            self.seen["no room on the host"] += swaps
            self.queue.enter(victim, self.now_ns, False)

    def preempt_by_order(self):
        """Lets whoever is first take the place of those who matter less."""
        while self.config.preemptive_order == "yes" and len(self.queue) > 0 and self.running:
            first = self.queue.first()
            victim = max(self.running, key=lambda r: (self.queue.key(r), r.index))
            if self.queue.key(first) >= self.queue.key(victim):
                return
            offer = self.offer(first)
            if (len(self.running) < self.config.max_num_seqs
                    and self.fits(offer, first.tokens, self.config.watermark_blocks)):
                return
            self.preempt(victim, may_swap=False)  # as in vLLM v0
            self.seen["preempted by order"] += 1

    def serve(self, request, n):
        """Grants a running request n tokens, at the expense of others; False if it gave way."""
        while not self.allocate(request, n):
            victim = max(self.running, key=self.place_of_victim)
            assert self.config.preempt != "none"
            self.seen["lost grants"] += victim in self.granted
            self.seen["not the last gave way"] += victim is not self.running[-1]
            self.preempt(victim)
            self.n_preempted += 1
            if victim is request:
                return False
        self.granted[request] = n
        if n > request.missing:  # drafts; blocks for those that are wrong stay
            request.reserved = max(request.reserved, request.computed + n)
        return True

    # --- grants ---

    def left(self):
        return self.config.max_num_batched_tokens - sum(self.granted.values())

    def room(self, _):
        """Tokens that the step may still give to a request's prompt."""
        return self.left()

    def chunk(self, request, missing):
        n = min(missing, self.config.long_prefill_token_threshold or missing)
        room = self.room(request)
        self.seen["budget-limited chunks"] += n > room
        return min(n, room)

    def serve_each(self):
        for request in list(self.running):
            if request not in self.running:
                continue
            n_drafts = self.drafter.room(request, self.most_drafts)
            n = self.chunk(request, request.missing + n_drafts)
            self.seen["drafts cut by the budget"] += 0 < n - request.missing < n_drafts
            if n <= 0 or not self.serve(request, n):
                return

    def register(self):
        """While the running ones were served nobody looked at what the cache has."""
        for request, n in self.granted.items():
            self.kv.fill(request, request.computed + n, self.config.block_size)

    def offer(self, request):
        """What the prefix cache and its tiers have for a waiting request."""
        found, fetched = self.kv.hits(request, self.config.block_size)
        computed = (len(found) + len(fetched)) * self.config.block_size
        return types.SimpleNamespace(
            found=found, n_unheld=sum(self.kv.holders[block] == 0 for block in found),
            fetched=fetched, computed=computed, missing=request.tokens - computed)

    def fits(self, offer, tokens, spare=0):
        need = ceil_div(tokens, self.config.block_size) - len(offer.found) + offer.n_unheld
        return need + spare <= len(self.kv.free)

    def forecast_allows(self, candidate):
        """LightLLM: the most that will ever be held at once if all go on to their bounds."""
        if self.config.admission != "forecast" or not self.running:
            return True  # alone, whoever is servable fits
        each = sorted(((r.max_new - r.generated, r.tokens) for r in [*self.running, candidate]),
                      reverse=True)
        used = peak = 0
        for i, (left, tokens) in enumerate(each):
            used += tokens
            peak = max(peak, left * (i + 1) + used)
        allows = peak < self.usable_blocks * self.config.block_size
        self.seen["forecast stops"] += not allows
        return allows

    def reserve(self, request, otherwise=0):
        """Tokens for which it holds blocks once admitted."""
        return request.need if self.config.preempt == "none" else otherwise

    def admit(self, request, offer, n, reserved):
        self.queue.remove(request)
        self.seen["prefix hits"] += bool(offer.found)
        self.seen["hits on held blocks"] += offer.n_unheld < len(offer.found)
        self.kv.share(offer.found)
        self.seen["hits on answers"] += any(
            self.kv.content[block] in self.kv.answers for block in offer.found)
        self.fetch_fs += self.tiers.fetch(offer.fetched)
        request.blocks, request.computed = list(offer.found), offer.computed
        request.n_filled, request.reserved = len(offer.found), reserved
        request.granted = True
        if request.first_scheduled_ns is None:
            request.first_scheduled_ns = self.now_ns
            request.own("queue", self.now_ns)
        if request.is_fresh:
            request.is_fresh = False
            request.cached_tokens = request.computed
            self.queue.admitted(request)
        else:
            self.seen["regained tokens"] += request.computed
        request.found_tokens += max(0, request.computed - request.max_computed)
        request.max_computed = max(request.max_computed, request.computed)
        assert self.allocate(request, n), request.request_id
        self.running.append(request)
        self.n_admitted += 1
        request.admission = self.n_admitted
        self.granted[request] = n
        self.kv.fill(request, request.computed + n, self.config.block_size)

    def swap_in(self):
        """Those who were swapped out come before those who wait."""
        while (self.swapped and self.n_preempted == 0 and not self.queue.is_shut
               and len(self.running) < self.config.max_num_seqs):
            request = self.swapped[0]
            n, size = self.chunk(request, request.missing), self.config.block_size
            spare = self.config.watermark_blocks if self.running else 0
            if n < 1 or ceil_div(request.computed + n, size) + spare > len(self.kv.free):
                return
            self.n_swapped_blocks += ceil_div(request.computed, size)
            self.running.append(self.swapped.pop(0))
            assert self.allocate(request, n)
            self.granted[request] = n
            self.seen["swapped in"] += 1

    # --- steps ---

    def sees(self):
        return (len(self.queue) > 0 or bool(self.swapped)
                or bool(self.unseen) and self.unseen[0].enqueued_ns <= self.visible_until_ns)

    def look(self, now_ns):
        """What the scheduler knows: what came before its last look, or, with asynchronous
        scheduling, before the step that ran when it looked; all of it if it has nothing to do."""
        after_prefill = self.config.poll_steps > 1 and self.had_prefill
        if self.has_waited:  # with no step to run it does nothing but look
            self.visible_until_ns, self.unlooked = now_ns, 0
        elif self.unlooked >= self.config.poll_steps or after_prefill:
            is_async = self.config.async_scheduling == "yes"
            self.visible_until_ns = self.last_start_ns if is_async else now_ns
            self.unlooked = 0
        if not self.running and not self.sees():
            self.visible_until_ns, self.unlooked = now_ns, 0
        self.seen["hidden"] += bool(self.unseen) and not self.sees()
        while self.unseen and self.unseen[0].enqueued_ns <= self.visible_until_ns:
            self.queue.enter(self.unseen.pop(0), now_ns, True)

    def plan(self, now_ns):
        """Starts the next step at `now_ns`, unless nobody can have anything yet."""
        self.look(now_ns)
        enter_landed(self, now_ns)
        self.granted, self.now_ns = {}, now_ns
        self.n_swapped_blocks, self.n_gave_way, self.fetch_fs = 0, 1, 0
        self.most_drafts = self.drafter.choose(self.running)
        while not self.granted and self.n_gave_way > 0:  # a step of nobody takes no time
            self.n_preempted = self.n_gave_way = 0
            self.queue.refresh(now_ns, self.running)
            self.queue.is_shut = bool(self.landed)
            self.plan_step()
            self.queue.is_shut = False
            self.seen["plans of nobody"] += not self.granted and self.n_gave_way > 0
            if not self.granted and self.unseen:  # it waits, or all it knew of were shed
                self.has_waited, self.wake_ns, self.n_gave_way = True, None, 1
                self.look(now_ns)
            elif self.landed and not self.running:
                self.n_gave_way = enter_landed(self, now_ns)
        if self.granted and self.steps_alone:
            self.start_step(now_ns)
        elif not self.granted:
            assert not self.running, "it hangs"
            is_done = not self.swapped and (self.wake_ns is not None or not self.queue.members)
            assert self.kept or is_done, "it hangs"
            self.seen["swapped beside a pull"] += bool(self.swapped)
        self.has_waited = self.wake_ns is not None

    def plan_step(self):
        raise NotImplementedError

    def priced_chunks(self, chunks):
        return chunks

    def contents(self):
        """Entries (request, tokens, is_decode, context, blocks); decodes and chunks (before,
        tokens); how many emit."""
        entries = [(request, n, request.decodes, request.computed + n, len(request.blocks))
                   for request, n in self.granted.items()]
        decodes, chunks = ([(context - n, n) for _, n, is_decode, context, _ in entries
                            if is_decode == wanted] for wanted in (True, False))
        emits = sum(context >= request.tokens for request, _, _, context, _ in entries)
        return entries, decodes, self.priced_chunks(chunks), emits

    def moves_fs(self):
        fs = self.n_swapped_blocks * self.config.swap_block_fs + self.fetch_fs
        return half_up(fs * self.config.pace, 10**9)

    def set_pace(self, config):
        """Steps planned from now on take what the settings say."""
        self.settings = self.config = config
        self.drafter = Drafter(config, self.seen, self.drafter.draws)

    def start_step(self, now_ns):
        """Prices the plan."""
        entries, decodes, chunks, emits = self.contents()
        decode_fs = self.drafter.step_fs(decodes, [], len(decodes)) if decodes else 0
        fs = self.drafter.step_fs(decodes, chunks, emits) + self.moves_fs()
        limit = self.config.power_limit.fs
        least_fs = limit(decodes, chunks, emits)
        self.seen["throttled"] += least_fs > fs
        self.begin_step(entries, now_ns, max(decode_fs, limit(decodes, [], len(decodes))),
                        max(fs, least_fs))

    def begin_step(self, entries, now_ns, decode_fs, fs):
        decode_alone_ns, whole_ns = (max(1, half_up(price, 10**6)) for price in (decode_fs, fs))
        has_decodes = any(entry[2] for entry in entries)
        self.step = types.SimpleNamespace(
            start_ns=now_ns, end_ns=now_ns + whole_ns, entries=entries,
            decode_alone_ns=min(decode_alone_ns, whole_ns) if has_decodes else 0)
        verify_step(self)

    def most_tokens(self):
        """The limit of the step being verified."""
        return self.config.max_num_batched_tokens

    def end_step(self):
        step, self.step = self.step, None
        self.unlooked += 1
        self.had_prefill = any(not entry[2] for entry in step.entries)
        self.n_without_prefill = 0 if self.had_prefill else self.n_without_prefill + 1
        if self.had_prefill:
            self.last_prompt_ns = step.end_ns - step.start_ns
        self.last_start_ns = step.start_ns
        granted = {entry[0]: entry[1:3] for entry in step.entries}
        for request in list(self.running):
            n, is_decode = granted.get(request, (0, False))
            n_again = min(n, max(0, request.max_computed - request.computed))
            self.seen.update(computed=n, recomputed=n_again)
            n_kept = 1 + self.drafter.keep(request, n - 1) if is_decode else n
            request.computed += n_kept
            request.own_step(step, is_decode)
            request.max_computed = max(request.max_computed, request.computed)
            emits = is_decode or n > 0 and request.computed == request.tokens
            for _ in range((n_kept if is_decode else 1) if emits else 0):
                self.seen["emitted"] += 1
                request.emit(step.end_ns)
                self.queue.emitted(request)
            if request.given_up:  # the server finds out at the end of the step
                request.leave("timed_out", step.end_ns, "client_timeout")
            elif request.generated == request.output:
                request.leave("completed", step.end_ns)
            elif emits and self.config.role == "prefill":
                self.seen["moved by a decode"] += is_decode
                self.hand_over(request, step)
        left = [request for request in self.running if request.status]
        self.running = [request for request in self.running if not request.status]
        self.see_off(left)

    def hand_over(self, request, step):
        self.running = [other for other in self.running if other is not request]
        self.kept[request], request.blocks = request.blocks, []
        request.n_filled = request.reserved = 0
        self.handed_over.append((request, step.end_ns - step.start_ns))

    def see_off(self, left):
        """Their answers become known before the blocks of any are free."""
        self.seen["left"] += len(left)
        self.retained += left
        if self.running and self.RUNS_TO_THE_END:
            return
        self.retained.sort(key=lambda request: request.admission)  # as servers go through them
        for request in self.retained:
            self.kv.fill_answer(request, self.config.block_size)
        for request in self.retained:
            self.release(request)
        self.retained = []

    def give_up(self, request, now_ns):
        """The client of an unfinished request leaves; the request too, or at its step's end."""
        if request in self.running and self.step:
            request.given_up = True
            return
        if request in self.queue.members:
            self.queue.remove(request)
        else:
            for members in (self.running, self.unseen, self.swapped):
                if request in members:
                    members.remove(request)
        request.leave("timed_out", now_ns, "client_timeout")
        self.see_off([request])
