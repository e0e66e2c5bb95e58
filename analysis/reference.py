#!/usr/bin/env python3
"""reference: the slow, plain simulator that servesim is checked against.

    python3 analysis/reference.py CONFIG [-s section.key=value]... -o OUT.csv [--steps STEPS.csv]

One step at a time, each sequence visited at each step, integers only, nothing shared with the
C program. It knows one pool and two routers; disciplines are in reference_policy.py, orders of
the queue in reference_order.py, what a step takes in reference_cost.py, speculation in
reference_draft.py, memory behind the prefix cache in reference_tier.py.
"""

import argparse
import collections
import configparser
import csv
import heapq
import sys

from reference_draft import Drafter
from reference_input import ceil_div, half_up, read_config, replay_rows
from reference_lockstep import Group
from reference_order import predict
from reference_policy import DISCIPLINES
from reference_request import Request

TIMEOUT, ARRIVAL, VISIBLE = range(3)  # in the order they apply at one instant
COLUMNS = ("request_id arrival_ns prompt_tokens output_tokens cached_tokens status replica "
           "first_scheduled_ns first_token_ns finish_ns queue_ns prefill_ns decode_ns stall_ns "
           "recompute_ns max_itl_ns preemptions").split()
STEP_COLUMNS = "replica start_ns end_ns request_id kind tokens context blocks".split()


class World:
    """One run: World(config).run(); then .requests, .steps and .seen hold what happened."""

    def __init__(self, config):
        self.config, self.n_routed = config, 0
        self.seen = collections.Counter()  # kinds of trouble, and tokens for rule 11
        self.steps = []  # (replica index, step) in planning order
        self.requests = [Request(i, row) for i, row in enumerate(replay_rows(config))]
        for request in self.requests:
            request.max_new = max(config.max_output_tokens, request.output)
            if config.session_prefix == "yes":
                request.join_session()
        predict(config, self.requests)
        if config.enable_prefix_caching == "no":
            for request in self.requests:
                request.prefix = None
        tenants = list(dict.fromkeys(request.tenant for request in self.requests))
        drafter = Drafter(config, self.seen)
        n_ranks = config.data_parallel if config.data_parallel_mode == "lockstep" else 1
        self.replicas = [DISCIPLINES[config.batching](config, self.seen, tenants, drafter)
                         for _ in range(config.replicas * n_ranks)]
        self.groups = {i: Group(self.replicas[i:i + n_ranks])
                       for i in range(0, len(self.replicas), n_ranks) if n_ranks > 1}
        self.frontend_free_ns = [0] * len(self.replicas)  # they work for one request at a time
        self.in_frontend = [0] * len(self.replicas)
        self.timers = []  # a heap of (ns, kind, index of the request)
        self.n_sent, self.under_way = 0, []  # by clients in the closed mode
        self.idle_since_ns = [0] * config.concurrency

    def is_servable(self, request):
        config = self.config
        usable = config.num_gpu_blocks - 1 - config.watermark_blocks
        if config.batching == "sglang":
            size = config.block_size
            more = min(request.max_new, config.clip_max_new_tokens)
            if ceil_div(request.prompt, size) * size + more >= usable * size:
                return False
        whole = (config.enable_chunked_prefill == "no"
                 and config.batching in ("unified", "prefill_first"))
        return (ceil_div(request.need, config.block_size) <= usable
                and not 0 < config.max_model_len < request.prompt + request.output
                and not (whole and request.need > config.max_num_batched_tokens))

    def send(self, request):
        if not self.is_servable(request):
            if self.config.unservable == "stop":
                raise ValueError(f"{self.config.trace}: request {request.request_id} never fits")
            request.leave("rejected", request.arrival_ns)
            return
        delays = [(ARRIVAL, 0)]
        delays += [(TIMEOUT, ns) for ns in [self.config.client_timeout_ns] if ns > 0]
        for kind, delay_ns in delays:
            heapq.heappush(self.timers, (request.arrival_ns + delay_ns, kind, request.index))

    def enter_frontend(self, request, now_ns):
        """The request goes to a replica, whose front end is the first to see it."""
        self.route(request)
        index = request.replica
        work_ns = (self.config.frontend_request_ns
                   + half_up(self.config.frontend_token_fs * request.prompt, 10**6))
        self.frontend_free_ns[index] = max(self.frontend_free_ns[index], now_ns) + work_ns
        through_ns = self.frontend_free_ns[index] + self.config.frontend_ns
        self.in_frontend[index] += 1
        heapq.heappush(self.timers, (through_ns, VISIBLE, request.index))

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
                           + [r.wake_ns for r in self.replicas if r.wake_ns is not None]
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
                    self.enter_frontend(request, now_ns)
                elif kind == TIMEOUT and not request.status:
                    self.give_up(request, now_ns)
                elif kind == VISIBLE and not request.status:
                    self.seen["boundary arrivals"] += bool(ended)
                    request.enqueued_ns = now_ns
                    self.enqueue(request, now_ns)
                if is_closed and request.status:
                    self.send_closed()
            self.plan(now_ns)
            if is_closed:
                self.send_closed()
        assert not is_closed or self.n_sent == len(self.requests)
        self.verify_end(area)
        return self

    def plan(self, now_ns):
        """Of all who are idle, in order; ranks with the first of theirs."""
        for index, replica in enumerate(self.replicas):
            if replica.steps_alone:
                replica.wake_ns = None
                if replica.step is None and replica.n_requests() > 0:
                    replica.plan(now_ns)
                    self.steps += [(index, replica.step)] if replica.step else []
            elif index in self.groups:
                self.steps += [(self.replicas.index(rank), rank.step)
                               for rank in self.groups[index].plan(now_ns)]
        for replica in self.replicas:
            self.seen["left"] += len(replica.shed)
            replica.shed = []

    def route(self, request):
        loads = [replica.n_requests() + n
                 for replica, n in zip(self.replicas, self.in_frontend)]
        is_round = self.config.policy == "round_robin"
        request.replica = self.n_routed % len(loads) if is_round else loads.index(min(loads))
        self.n_routed += 1

    def enqueue(self, request, now_ns):
        replica = self.replicas[request.replica]
        self.in_frontend[request.replica] -= 1
        request.in_frontend = False
        if 0 < self.config.max_queue_size <= replica.n_waiting():
            request.leave("shed", now_ns)
            self.seen["left"] += 1
        else:
            replica.unseen.append(request)

    def give_up(self, request, now_ns):
        """The client of an unfinished request leaves."""
        if request.in_frontend:
            self.in_frontend[request.replica] -= 1
            request.replica = None
            request.leave("timed_out", now_ns)
            self.seen["left"] += 1
        else:
            self.replicas[request.replica].give_up(request, now_ns)

    def tallies(self):
        """Of the whole run, under the names of servesim's summary."""
        size, seen, drafts = self.config.block_size, self.seen, self.config.speculation.method
        tallies = {"computed_tokens": seen["computed"], "emitted_tokens": seen["emitted"],
                   "preemptions": sum(request.preemptions for request in self.requests)}
        if any(level.n_blocks for level in self.config.offload.levels):
            tallies.update(host_hit_tokens=seen["host hits"] * size,
                           disk_hit_tokens=seen["disk hits"] * size,
                           fetched_blocks=seen["host hits"] + seen["disk hits"],
                           offloaded_blocks=seen["offloaded blocks"],
                           spilled_blocks=seen["spilled blocks"])
        if drafts != "none":
            tallies.update(drafted_tokens=seen["drafted"], accepted_tokens=seen["accepted"],
                           computed_tokens_rejected=seen["rejected"])
        return tallies

    def verify_end(self, area):
        """Little's law to the nanosecond and the token equations of rule 11."""
        done, lost = ([request for request in self.requests if request.status == status]
                      for status in ("completed", "timed_out"))
        assert not any(r.computed or r.first_scheduled_ns for r in self.requests
                       if r.status in ("shed", "rejected"))
        assert self.seen["arrived"] == self.seen["left"]
        assert area == sum(request.finish_ns - request.arrival_ns for request in self.requests)
        assert all(len(r.kv.free) == r.usable_blocks and r.n_requests() == 0
                   for r in self.replicas)
        assert self.seen["emitted"] == sum(r.output for r in done) + sum(r.generated for r in lost)
        assert self.seen["computed"] == (self.seen["recomputed"] + self.seen["rejected"]
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
                        ("prefill", "decode")[is_decode], n, context, blocks)
                       for i, step in world.steps
                       for request, n, is_decode, context, blocks in step.entries))
    except (ValueError, KeyError, OSError, configparser.Error) as error:
        sys.exit(f"reference: {error}")


if __name__ == "__main__":
    main()
