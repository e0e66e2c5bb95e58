#!/usr/bin/env python3
"""reference: the slow, plain simulator that servesim is checked against.

    python3 analysis/reference.py CONFIG [-s section.key=value]... -o OUT.csv [--steps STEPS.csv]

One step at a time, each sequence visited at each step, integers only, nothing shared with the
C program. It knows `batching = unified` (vLLM v1), one pool, two routers; what a step takes is
in reference_cost.py.
"""

import argparse
import collections
import configparser
import csv
import heapq
import sys
import types

from reference_blocks import Blocks
from reference_input import ceil_div, half_up, read_config, replay_rows

OWNERS = ("queue", "prefill", "decode", "stall", "recompute")  # of every ns, rule 9
TIMEOUT, ARRIVAL, VISIBLE = range(3)  # in the order they apply at one instant
COLUMNS = ("request_id arrival_ns prompt_tokens output_tokens cached_tokens status replica first_scheduled_ns "
           "first_token_ns finish_ns queue_ns prefill_ns decode_ns stall_ns recompute_ns "
           "max_itl_ns preemptions").split()
STEP_COLUMNS = "replica start_ns end_ns request_id kind tokens context".split()


class Request:
    def __init__(self, index, name, arrival_ns, prefix, prompt, output):
        self.index, self.request_id = index, str(index) if name is None else name
        self.arrival_ns, self.prompt, self.output = arrival_ns, prompt, output
        self.status = ""  # empty until it leaves
        self.replica = self.last_token_ns = self.max_itl_ns = None
        self.first_scheduled_ns = self.first_token_ns = self.finish_ns = None
        self.owned_ns, self.owned_until_ns = dict.fromkeys(OWNERS, 0), arrival_ns
        self.is_recomputing = False  # from the preempting step until it is where it was
        self.prefix = prefix or None  # a label: equal ones begin with the same prompt
        self.preemptions = self.generated = self.cached_tokens = self.found_tokens = 0
        self.blocks, self.n_filled = [], 0
        self.computed = self.max_computed = 0  # tokens whose KV it holds; the most it ever held
        self.given_up = False  # its client left during the step in progress

    @property
    def tokens(self):
        return self.prompt + self.generated

    def own(self, owner, until_ns):
        """Gives the time since the last owner's end to `owner` (rule 9)."""
        self.owned_ns[owner] += until_ns - self.owned_until_ns
        self.owned_until_ns = until_ns

    def own_step(self, step, is_decode):
        if self.is_recomputing:
            self.own("recompute", step.end_ns)
            self.is_recomputing = self.computed <= self.max_computed
        elif self.first_token_ns is None:
            self.own("prefill", step.end_ns)
        else:
            self.own("decode", step.start_ns + (step.decode_alone_ns if is_decode else 0))
            self.own("stall", step.end_ns)

    def emit(self, now_ns):
        self.generated += 1
        if self.generated == 1:
            self.first_token_ns = now_ns
        else:
            self.max_itl_ns = max(self.max_itl_ns or 0, now_ns - self.last_token_ns)
        self.last_token_ns = now_ns

    def leave(self, status, now_ns):
        self.status, self.finish_ns = status, now_ns
        if self.first_scheduled_ns is None or self.is_recomputing:
            self.own("recompute" if self.is_recomputing else "queue", now_ns)
        assert sum(self.owned_ns.values()) == now_ns - self.arrival_ns, self.request_id


class Replica:
    """One scheduler with its KV blocks: vLLM v1, FCFS, LIFO preemption by recompute."""

    def __init__(self, config, seen):
        self.config, self.seen = config, seen
        self.waiting, self.running, self.step = [], [], None
        self.visible_until_ns = self.last_start_ns = -1  # who came later is not known yet
        self.unlooked = 0  # steps since the last look
        self.had_prefill = False  # the last step
        self.usable_blocks = config.num_gpu_blocks - 1  # less the null block
        self.kv = Blocks(self.usable_blocks, seen)

    def allocate(self, request, n):
        """Takes blocks for `n` more tokens; takes none and returns False if short."""
        need = ceil_div(request.computed + n, self.config.block_size) - len(request.blocks)
        if need > len(self.kv.free):
            return False
        request.blocks += self.kv.take(need)
        return True

    def release(self, request):
        self.kv.give(request.blocks)
        request.blocks, request.computed, request.n_filled = [], 0, 0

    def admit(self, budget):
        """Admits the first waiting request; the tokens it gets, or None if it does not fit."""
        request, size = self.waiting[0], self.config.block_size
        found = self.kv.hits(request, size)
        n_free_hits = sum(self.kv.holders[block] == 0 for block in found)
        n = self.chunk(request, budget, len(found) * size)
        need, whole = (ceil_div(tokens, size) - len(found) + n_free_hits
                       for tokens in (len(found) * size + n, request.tokens))
        if (need > len(self.kv.free)
                or self.config.reserve_full_prompt == "yes" and whole > len(self.kv.free)):
            return None
        self.seen["prefix hits"] += bool(found)
        self.seen["hits on held blocks"] += n_free_hits < len(found)
        self.kv.share(found)
        request.blocks, request.computed = list(found), len(found) * size
        request.n_filled = len(found)
        if request.first_scheduled_ns is None:
            request.cached_tokens = request.computed
        else:
            self.seen["regained tokens"] += request.computed
        request.found_tokens += max(0, request.computed - request.max_computed)
        request.max_computed = max(request.max_computed, request.computed)
        assert self.allocate(request, n)
        self.running.append(self.waiting.pop(0))
        return n

    def preempt_last(self):
        victim = self.running.pop()
        self.release(victim)
        victim.preemptions += 1
        self.seen["recompute-during-recompute"] += victim.is_recomputing
        victim.is_recomputing = True
        self.waiting.insert(0, victim)

    def chunk(self, request, budget, n_found=0):
        n = request.tokens - request.computed - n_found
        n = min(n, self.config.long_prefill_token_threshold or n)
        self.seen["budget-limited chunks"] += n > budget
        return min(n, budget)

    def sees(self):
        return bool(self.waiting) and self.waiting[0].enqueued_ns <= self.visible_until_ns

    def look(self, now_ns):
        """What the scheduler knows: what came before its last look, or, with asynchronous
        scheduling, before the step that ran when it looked; all of it if it has nothing to do."""
        after_prefill = self.config.poll_steps > 1 and self.had_prefill
        if self.unlooked >= self.config.poll_steps or after_prefill:
            is_async = self.config.async_scheduling == "yes"
            self.visible_until_ns = self.last_start_ns if is_async else now_ns
            self.unlooked = 0
        if not self.running and not self.sees():
            self.visible_until_ns, self.unlooked = now_ns, 0
        self.seen["hidden"] += bool(self.waiting) and not self.sees()

    def plan(self, now_ns):
        """Starts the next step at `now_ns`."""
        self.look(now_ns)
        budget = self.config.max_num_batched_tokens
        granted, preempted, i = [], False, 0
        while i < len(self.running) and budget > 0:
            request = self.running[i]
            n = self.chunk(request, budget)
            while i < len(self.running) and not self.allocate(request, n):
                self.preempt_last()
                preempted = True
            if i < len(self.running):  # else it had to preempt itself
                granted.append((request, n))
                budget -= n
            i += 1
        for request, n in granted:  # while the running ones were served nobody looked
            self.kv.fill(request, request.computed + n, self.config.block_size)
        while (self.sees() and budget > 0 and not preempted
               and len(self.running) < self.config.max_num_seqs):
            request = self.waiting[0]
            n = self.admit(budget)
            if n is None:
                break
            self.kv.fill(request, request.computed + n, self.config.block_size)
            if request.first_scheduled_ns is None:
                request.first_scheduled_ns = now_ns
                request.own("queue", now_ns)
            granted.append((request, n))
            budget -= n
        self.start_step(now_ns, granted)

    def start_step(self, now_ns, granted):
        """Prices the plan; an entry of a step is (request, tokens, is_decode, context)."""
        entries = [(request, n, n == 1 and request.generated > 0
                    and request.tokens - request.computed == 1, request.computed + n)
                   for request, n in granted]
        contexts = [context for _, _, is_decode, context in entries if is_decode]
        chunks = [(context - n, n) for _, n, is_decode, context in entries if not is_decode]
        emits = sum(context == request.tokens for request, _, _, context in entries)
        decode_fs = self.config.price.fs(contexts, [], len(contexts)) if contexts else 0
        fs = self.config.price.fs(contexts, chunks, emits)
        decode_alone_ns, whole_ns = (max(1, half_up(price, 10**6)) for price in (decode_fs, fs))
        self.step = types.SimpleNamespace(
            start_ns=now_ns, end_ns=now_ns + whole_ns, entries=entries,
            decode_alone_ns=min(decode_alone_ns, whole_ns) if contexts else 0)
        self.verify_step()

    def verify_step(self):
        granted = {id(request): n for request, n, _, _ in self.step.entries}
        assert 1 <= len(granted) == len(self.step.entries) <= len(self.running)
        assert len(self.running) <= self.config.max_num_seqs and min(granted.values()) >= 1
        assert sum(granted.values()) <= self.config.max_num_batched_tokens
        held = {block for r in self.running for block in r.blocks}
        assert len(self.kv.free) == self.usable_blocks - len(held)
        assert not any(r.blocks for r in self.waiting)
        assert all(len(r.blocks) == ceil_div(r.computed + granted.get(id(r), 0), self.config.block_size)
                   for r in self.running)

    def end_step(self):
        step, self.step = self.step, None
        self.unlooked += 1
        self.had_prefill = any(not is_decode for _, _, is_decode, _ in step.entries)
        self.last_start_ns = step.start_ns
        granted = {id(request): (n, is_decode) for request, n, is_decode, _ in step.entries}
        for request in self.running:
            n, is_decode = granted.get(id(request), (0, False))
            n_again = min(n, max(0, request.max_computed - request.computed))
            self.seen.update(computed=n, recomputed=n_again)
            request.computed += n
            request.own_step(step, is_decode)
            request.max_computed = max(request.max_computed, request.computed)
            if n > 0 and request.computed == request.tokens:
                self.seen["emitted"] += 1
                request.emit(step.end_ns)
            if request.given_up:  # the server finds out at the end of the step
                request.leave("timed_out", step.end_ns)
            elif request.generated == request.output:
                request.leave("completed", step.end_ns)
            if request.status:
                self.release(request)
                self.seen["left"] += 1
        self.running = [request for request in self.running if not request.status]


class World:
    """One run: World(config).run(); then .requests, .steps and .seen hold what happened."""

    def __init__(self, config):
        self.config, self.n_routed = config, 0
        self.seen = collections.Counter()  # kinds of trouble, and tokens for rule 11
        self.steps = []  # (replica index, step) in planning order
        self.requests = [Request(i, *row) for i, row in enumerate(replay_rows(config))]
        if config.enable_prefix_caching == "no":
            for request in self.requests:
                request.prefix = None
        self.replicas = [Replica(config, self.seen) for _ in range(config.replicas)]
        self.frontend_free_ns = 0  # it works for one request at a time
        self.timers = []  # a heap of (ns, kind, index of the request)
        self.n_sent, self.under_way = 0, []  # by clients in the closed mode
        self.idle_since_ns = [0] * config.concurrency

    def send(self, request):
        total = request.prompt + request.output
        if (ceil_div(total - 1, self.config.block_size) > self.config.num_gpu_blocks - 1
                or 0 < self.config.max_model_len < total):
            if self.config.unservable == "stop":
                raise ValueError(f"{self.config.trace}: request {request.request_id} never fits")
            request.leave("rejected", request.arrival_ns)
            return
        work_ns = (self.config.frontend_request_ns
                   + half_up(self.config.frontend_token_fs * request.prompt, 10**6))
        self.frontend_free_ns = max(self.frontend_free_ns, request.arrival_ns) + work_ns
        through_ns = self.frontend_free_ns - request.arrival_ns + self.config.frontend_ns
        delays = [(ARRIVAL, 0), (VISIBLE, through_ns)]
        delays += [(TIMEOUT, ns) for ns in [self.config.client_timeout_ns] if ns > 0]
        for kind, delay_ns in delays:
            heapq.heappush(self.timers, (request.arrival_ns + delay_ns, kind, request.index))

    def send_closed(self):
        """Clients whose requests have left send the next ones at those instants."""
        left = [request for request in self.under_way if request.status]
        self.under_way = [request for request in self.under_way if not request.status]
        self.idle_since_ns = sorted(self.idle_since_ns + [r.finish_ns for r in left])
        while self.idle_since_ns and self.n_sent < len(self.requests):
            request = self.requests[self.n_sent]
            request.arrival_ns = request.owned_until_ns = self.idle_since_ns.pop(0)
            self.n_sent += 1
            self.send(request)
            if request.status:
                self.idle_since_ns.insert(0, request.finish_ns)
            else:
                self.under_way.append(request)

    def run(self):
        timers, is_closed = self.timers, self.config.mode == "closed"
        for request in [] if is_closed else self.requests:
            self.send(request)
        if is_closed:
            self.send_closed()
        area = now_ns = 0
        while instants := ([r.step.end_ns for r in self.replicas if r.step]
                           + [instant_ns for instant_ns, _, _ in timers[:1]]):
            area += (self.seen["arrived"] - self.seen["left"]) * (min(instants) - now_ns)
            now_ns = min(instants)
            ended = [r for r in self.replicas if r.step and r.step.end_ns == now_ns]
            for replica in ended:
                replica.end_step()
            if is_closed:
                self.send_closed()
            while timers and timers[0][0] == now_ns:
                _, kind, i = heapq.heappop(timers)
                request = self.requests[i]
                if kind == ARRIVAL:
                    self.seen["arrived"] += 1
                elif kind == TIMEOUT and not request.status:
                    self.give_up(request, now_ns)
                elif kind == VISIBLE and not request.status:
                    self.seen["boundary arrivals"] += bool(ended)
                    request.enqueued_ns = now_ns
                    self.route(request)
                if is_closed and request.status:
                    self.send_closed()
            for index, replica in enumerate(self.replicas):
                if replica.step is None and (replica.waiting or replica.running):
                    replica.plan(now_ns)
                    self.steps.append((index, replica.step))
        assert not is_closed or self.n_sent == len(self.requests)
        self.verify_end(area)
        return self

    def route(self, request):
        loads = [len(replica.waiting) + len(replica.running) for replica in self.replicas]
        is_round = self.config.policy == "round_robin"
        request.replica = self.n_routed % len(loads) if is_round else loads.index(min(loads))
        self.n_routed += 1
        self.replicas[request.replica].waiting.append(request)

    def give_up(self, request, now_ns):
        """The client of an unfinished request leaves; the request too, or at its step's end."""
        if request.replica is not None:  # else it was not visible yet
            replica = self.replicas[request.replica]
            if request in replica.running and replica.step:
                request.given_up = True
                return
            replica.release(request)
            (replica.running if request in replica.running else replica.waiting).remove(request)
        request.leave("timed_out", now_ns)
        self.seen["left"] += 1

    def verify_end(self, area):
        """Little's law to the nanosecond and the token equations of rule 11."""
        done, lost = ([request for request in self.requests if request.status == status]
                      for status in ("completed", "timed_out"))
        assert self.seen["arrived"] == self.seen["left"]
        assert area == sum(request.finish_ns - request.arrival_ns for request in self.requests)
        assert all(len(r.kv.free) == r.usable_blocks for r in self.replicas)
        assert self.seen["emitted"] == sum(r.output for r in done) + sum(r.generated for r in lost)
        assert self.seen["computed"] == (self.seen["recomputed"]
                                         + sum(r.max_computed - r.found_tokens for r in lost)
                                         + sum(r.prompt + r.output - 1 - r.found_tokens for r in done))
        for r in done:
            assert r.arrival_ns <= r.first_scheduled_ns < r.first_token_ns <= r.finish_ns


def request_row(request):
    """A row of the output by column name, as text; empty where undefined."""
    fields = {**vars(request), "prompt_tokens": request.prompt, "output_tokens": request.output}
    if request.status != "rejected":
        fields.update((f"{owner}_ns", ns) for owner, ns in request.owned_ns.items())
    return {name: "" if fields.get(name) is None else str(fields[name]) for name in COLUMNS}


def write_csv(path, header, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("-s", action="append", default=[], metavar="section.key=value")
    parser.add_argument("-o", required=True, metavar="OUT.csv")
    parser.add_argument("--steps", metavar="STEPS.csv")
    args = parser.parse_args()
    try:
        world = World(read_config(args.config, args.s)).run()
        write_csv(args.o, COLUMNS, (request_row(request).values() for request in world.requests))
        if args.steps:
            write_csv(args.steps, STEP_COLUMNS,
                      ((i, step.start_ns, step.end_ns, request.request_id,
                        ("prefill", "decode")[is_decode], n, context) for i, step in world.steps
                       for request, n, is_decode, context in step.entries))
    except (ValueError, KeyError, OSError, configparser.Error) as error:
        sys.exit(f"reference: {error}")


if __name__ == "__main__":
    main()
