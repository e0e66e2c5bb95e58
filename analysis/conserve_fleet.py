"""conserve_fleet: whether what replicas did and what they were paid for add up.

Replicas come, fail and go as events.csv says; who is in no event is there from beginning to end.
"""

from fractions import Fraction

from result_folder import half, near, ns

PAID = ("on", "starting", "failed")
STATES = {"ready": "on", "undrain": "on", "drain": "on", "start": "starting", "wake": "starting",
          "repair": "starting", "fail": "failed", "stop": "off", "sleep": "off"}


def lives_of(run):
    """{replica: [(begin, end, state)]} of every replica of replicas.csv."""
    lives, numbers = {}, {}
    for row in run.replicas:
        number = numbers[row["pool"]] = numbers.get(row["pool"], -1) + 1
        pool = run.pools[row["pool"]]
        ranks = int(pool["data_parallel"]) if pool.get("data_parallel_mode") == "lockstep" else 1
        there = number < int(pool["replicas"]) * ranks and not pool.get("shares_gpus_with")
        lives[row["replica"]] = [(0, run.end, "on" if there else "off")]
    for event in run.events:
        life, at = lives[event["replica"]], ns(event["t_s"])
        begin, _, state = life.pop()
        life += [(begin, at, state), (at, run.end, STATES[event["event"]])]
    return lives


def time_in(life, wanted, begin, end):
    """Of an interval, how long the replica was in that state."""
    return sum(max(0, min(end, until) - max(begin, since)) for since, until, state in life
               if state == wanted)


def lost_attempts(run):
    return int(run.summary.get("lost_attempts", 0))


def is_steady(run):
    """All replicas are there all the time, and nobody goes from one to another."""
    return not run.events and all(request.owners[-1] == 0 for request in run.requests
                                  if request.status != "rejected")


def check_tokens(run):
    """Emitted and computed tokens (rule 11), from the counters, the rows, and the replicas."""
    told = {name: int(value) for name, value in run.summary.items()
            if name.startswith(("computed_tokens", "emitted_tokens"))}
    kept = sum(request.prompt - int(request.row["cached_tokens"]) + request.output - 1
               for request in run.done)
    done = sum(int(row["prefill_tokens"]) + int(row["decode_tokens"]) for row in run.replicas)
    preempted = sum(request.preemptions for request in run.requests)
    rejected = told.get("computed_tokens_rejected", 0)
    lost, aborted, unsaid = (told.get(name, 0) for name in (
        "computed_tokens_lost", "computed_tokens_aborted", "emitted_tokens_lost"))
    return (f"computed {told['computed_tokens']} = {kept} kept + "
            f"{told['computed_tokens_recomputed']} recomputed + "
            f"{told['computed_tokens_discarded']} discarded + {rejected} rejected + {lost} lost; "
            f"{preempted} preemptions"), (
        kept == told["computed_tokens_kept"] and done - aborted == told["computed_tokens"]
        == kept + told["computed_tokens_recomputed"] + told["computed_tokens_discarded"]
        + rejected + lost
        and rejected == int(run.summary.get("drafted_tokens", 0))
        - int(run.summary.get("accepted_tokens", 0))
        and told["emitted_tokens_completed"] == sum(request.output for request in run.done)
        and told["emitted_tokens"]
        == told["emitted_tokens_completed"] + told["emitted_tokens_discarded"] + unsaid
        and preempted == int(run.summary["preemptions"])
        == sum(int(row["preemptions"]) for row in run.replicas)
        and (preempted > 0 or lost_attempts(run) > 0
             or told["computed_tokens_recomputed"] == 0))


def check_time(run):
    """busy + idle = the time in which a replica served, starting and failed as events.csv has
    them; steps and the share of busy time."""
    lives = lives_of(run)
    bad, paid = [], 0
    for row in run.replicas:
        life = lives[row["replica"]]
        told = [ns(row["busy_s"]) + ns(row["idle_s"]), ns(row["starting_s"]), ns(row["failed_s"])]
        bad += [row["replica"]] * (told != [time_in(life, state, 0, run.end) for state in PAID])
        paid += sum(told)
    busy = sum(ns(row["busy_s"]) for row in run.replicas)
    n_steps = sum(int(row["steps"]) for row in run.replicas)
    last = max(request.finish for request in run.requests)
    return f"{busy} busy of {paid} paid ns on {len(run.replicas)} replicas, wrong: {bad[:3]}", (
        not bad and len(run.replicas) >= sum(int(pool["replicas"]) for pool in run.pools.values())
        and last <= run.end and n_steps == int(run.summary["steps"])
        and near(run.summary["busy_share"], Fraction(busy, paid)))


def check_timeline_grid(run):
    """Rows at k x interval, the last at the end, and at the price of the replicas paid for."""
    lives = lives_of(run)
    interval = int(Fraction(run.config["output"]["interval"]) * 10**9)
    bad = 0
    for pool in run.pools:
        rows = [row for row in run.timeline if row["pool"] == pool]
        wanted = [*range(interval, run.end, interval), run.end]
        bad += [ns(row["t_s"]) for row in rows] != wanted
        own = [lives[row["replica"]] for row in run.replicas if row["pool"] == pool]
        for row, begin, end in zip(rows, [0, *wanted], wanted):
            paid = sum(time_in(life, state, begin, end) for life in own for state in PAID)
            price = run.per_gpu(pool, "usd_per_hour") * Fraction(paid, end - begin)
            bad += not near(row["usd_per_h"], price)
    return f"{len(run.timeline)} rows of {interval} ns up to {run.end}", bad == 0


def check_timeline_state(run):
    """Running and waiting over time are the sojourns behind the front end."""
    seen = [r for r in run.requests if r.row["replica"] != ""]
    through = run.through_front_end()
    inside = Fraction(sum(r.finish - through[r.id] for r in seen), 10**9)
    ran = [r for r in seen if r.scheduled is not None]
    most = Fraction(sum(r.finish - r.scheduled for r in ran), 10**9)  # less what it was preempted
    (running, r_room), (waiting, w_room) = run.integral("running"), run.integral("waiting")
    end_s = Fraction(run.end, 10**9)
    if not is_steady(run):  # nobody who is held or on the way is in it; no more can be said
        sojourn = Fraction(sum(r.e2e or 0 for r in run.requests), 10**9)
        return f"running {float(running):.6f} + waiting {float(waiting):.6f} s", (
            running + waiting <= sojourn + r_room + w_room)
    whole = sum(r.preemptions for r in ran) == 0
    return f"running {float(running):.6f} + waiting {float(waiting):.6f} = {float(inside):.6f} s", (
        abs(running + waiting - inside) <= r_room + w_room and running <= most + r_room
        and (not whole or abs(running - most) <= r_room)
        and near(run.summary["mean_running"], running / end_s, r_room / end_s)
        and near(run.summary["mean_waiting"], waiting / end_s, w_room / end_s))


def check_kv(run):
    """Blocks in use: never more than there are, and the means of the replicas."""
    lives, bad, room, have = lives_of(run), [], Fraction(0), Fraction(0)
    for pool in run.pools:
        own = [lives[row["replica"]] for row in run.replicas if row["pool"] == pool]
        sizes = {Fraction(row["kv_total_blocks"]) / int(row["replicas"]) for row in run.timeline
                 if row["pool"] == pool and row["replicas"] != "0"}
        assert len(sizes) <= 1, pool
        begin = 0
        for row in (row for row in run.timeline if row["pool"] == pool):
            end = ns(row["t_s"])
            on = sum(time_in(life, "on", begin, end) for life in own) * sum(sizes)
            have += on
            share = Fraction(row["kv_used_fraction"] or 0)
            used = Fraction(row["kv_used_blocks"]) * (end - begin)
            slack = half(row["kv_used_blocks"]) * (end - begin)
            room += slack
            bad += [row["t_s"]] * (not 0 <= share <= 1 or (on > 0) != (row["kv_used_fraction"] != "")
                                   or on > 0 and not near(row["kv_used_fraction"], used / on,
                                                          slack / on))
            begin = end
    used, _ = run.integral("kv_used_blocks", 10**9)
    peaks = all(Fraction(row["mean_kv_used_fraction"]) <= Fraction(row["peak_kv_used_fraction"])
                <= 1 for row in run.replicas if row["mean_kv_used_fraction"])
    return f"mean {float(used / have):.6f}, wrong: {bad[:3]}", (
        not bad and peaks and near(run.summary["mean_kv_used_fraction"], used / have, room / have))
