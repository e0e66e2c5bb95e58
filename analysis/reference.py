#!/usr/bin/env python3
"""reference: the slow, plain simulator that servesim is checked against.

    python3 analysis/reference.py CONFIG [-s section.key=value]... -o OUT.csv [--steps STEPS.csv]

One step at a time, each sequence visited at each step, integers only, nothing shared with the
C program. The fleet is in reference_fleet.py, routers and admission in reference_gateway.py,
disciplines in reference_policy.py, orders of the queue in reference_order.py, what a step takes
in reference_cost.py, speculation in reference_draft.py, who sends what in reference_clients.py, memory behind the prefix cache in
reference_tier.py.
"""

import argparse
import collections
import configparser
import csv
import sys

from reference_clients import Closed, Open, Waiting
from reference_draft import Drafter
from reference_fleet import Fleet
from reference_input import ceil_div, read_config, replay_rows
from reference_order import predict, stream
from reference_policy import DISCIPLINES
from reference_request import Request

COLUMNS = ("request_id arrival_ns prompt_tokens output_tokens cached_tokens status pool replica "
           "first_scheduled_ns first_token_ns finish_ns queue_ns prefill_ns decode_ns stall_ns "
           "recompute_ns transfer_ns max_itl_ns preemptions reason attempts "
           "prefill_replica reasoning_tokens first_answer_ns").split()
STEP_COLUMNS = "replica start_ns end_ns request_id kind tokens context blocks".split()


class World:
    """One run: World(config).run(); then .requests, .steps and .seen hold what happened."""

    def __init__(self, config):
        self.config = config
        self.seen = collections.Counter()  # kinds of trouble, and tokens for rule 11
        self.requests = [Request(i, row) for i, row in enumerate(replay_rows(config))]
        if config.session_prefix == "yes":
            for request in self.requests:
                request.join_session()
        self.noise = stream(config.seed, "predictions")
        self.tenants = list(dict.fromkeys(request.tenant for request in self.requests))
        draws = stream(config.seed, "speculation")  # of all replicas
        self.drafters = {pool.name: Drafter(pool, self.seen, draws) for pool in config.pools}
        self.fleet = Fleet(config, self.seen, self.make_replica)
        self.senders = {"closed": Closed, "open": Waiting if any(
            r.parents for r in self.requests) and config.dependencies == "follow" else Open}[
                config.mode](self)

    @property
    def steps(self):
        """(replica index, step) in planning order."""
        return self.fleet.steps

    def make_replica(self, pool):
        return DISCIPLINES[pool.batching](pool, self.seen, self.tenants, self.drafters[pool.name])

    def send(self, request, index):
        """It is the index-th that anybody sends."""
        request.index = index
        request.request_id = request.request_id or str(index)
        request.owned_until_ns = request.arrival_ns
        predict(self.config, request, self.noise)
        request.pools = self.fleet.pools_for(request)
        if request.pools:
            self.fleet.expect(request)
            return
        if self.config.unservable == "stop":
            raise ValueError(f"{self.config.trace}: request {request.request_id} never fits")
        request.leave("rejected", request.arrival_ns,
                      "unservable" if self.fleet.names(request) else "unknown_model")

    def run(self):
        self.senders.look()
        self.fleet.run(self.senders.look, self.senders.next_ns)
        self.requests.sort(key=lambda request: request.index)
        assert [request.index for request in self.requests] == list(range(len(self.requests)))
        self.verify_end()
        return self

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

    def verify_end(self):
        """Little's law to the nanosecond and the token equations of rule 11."""
        seen, done = self.seen, [r for r in self.requests if r.status == "completed"]
        lost = [r for r in self.requests if r.status in ("timed_out", "failed", "shed")]
        assert not any(r.computed or r.first_scheduled_ns for r in self.requests
                       if r.status in ("shed", "rejected") and r.n_lost == 0)
        assert seen["arrived"] == seen["left"]
        assert self.fleet.area == sum(r.finish_ns - r.arrival_ns for r in self.requests)
        for place in self.fleet.places:
            assert len(place.replica.kv.free) == place.replica.usable_blocks and place.is_empty()
        assert seen["emitted"] == (sum(r.output for r in done) + sum(r.generated for r in lost)
                                   + seen["lost outputs"])
        assert seen["computed"] == (
            seen["recomputed"] + seen["rejected"] + seen["lost tokens"]
            + sum(r.max_computed - r.found_tokens for r in lost)
            + sum(r.prompt + r.output - 1 - r.found_tokens for r in done))
        for r in done:
            assert r.arrival_ns <= r.first_scheduled_ns < r.first_token_ns <= r.finish_ns


def request_row(request):
    """A row of the output by column name, as text; empty where undefined."""
    fields = {**vars(request), "prompt_tokens": request.prompt, "output_tokens": request.output,
              "reasoning_tokens": request.reasoning}
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
