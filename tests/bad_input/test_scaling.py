#!/usr/bin/env python3
"""scaling: scalers that cannot be, schedules that cannot be read, GPUs that cannot be shared."""

import broken
from broken import Case

QUEUE = broken.LINEAR + "[scale.main]\npolicy = queue\ntarget = 3\n"
SECOND = "[pool.second]\ncost = linear\nbase_us = 1000\nnum_gpu_blocks = 4099\n"


def case(name, config, says):
    return Case(name, ["run", "c.ini", "-q", "-o", "out"], says, {"c.ini": config})


def schedule(name, text, says, more=""):
    return case(name, broken.LINEAR + f"[scale.main]\npolicy = schedule\nschedule = {text}\n{more}",
                f"c.ini:9: schedule: {says}")


def shared(name, more, says, second=SECOND, first=broken.LINEAR):
    return case(name, first + second + more, says)


CASES = [
    case("a_pool_that_is_not_there", QUEUE.replace("[scale.main]", "[scale.mian]"),
         "c.ini:7: [scale.mian]: there is no [pool.mian] that it could scale"),
    Case("a_pool_that_is_not_there_on_the_command_line",
         ["run", "linear.ini", "-q", "-o", "out", "-s", "scale.other.min=2"],
         "-s scale.other.min=2: there is no [pool.other] that it could scale"),
    case("a_scaler_that_is_not_there", QUEUE.replace("queue", "queues"),
         "c.ini:8: policy: 'queues' is not known (expected one of none, queue, concurrency, kv, "
         "rate, slo, schedule, wva)"),
    case("a_key_that_is_not_there", QUEUE + "maximum = 7\n",
         "c.ini:10: [scale.main] unknown key 'maximum' (see 'servesim list keys')"),
    case("more_at_least_than_at_most", QUEUE + "min = 7\nmax = 4\n",
         "c.ini:10: min: '7' is more than the max of 4"),
    case("more_at_least_than_at_the_start", QUEUE + "min = 7\n",
         "c.ini:10: min: '7' is more than the max of 1"),
    case("a_queue_without_a_target", QUEUE.replace("target = 3\n", ""),
         "c.ini: [scale.main] target: must be given, above 0, with policy = queue"),
    case("a_target_without_a_scaler", broken.LINEAR + "[scale.main]\ntarget = 3\n",
         "c.ini:8: target: has no meaning with policy = none"),
    case("a_target_of_a_schedule", broken.LINEAR + "[scale.main]\npolicy = schedule\n"
         "schedule = 0:1\ntarget = 3\n",
         "c.ini:10: target: has no meaning with policy = schedule"),
    case("more_than_all_of_kv", QUEUE.replace("queue", "kv"),
         "c.ini:9: target: policy = kv wants a share, which is not above 1"),
    case("an_slo_without_bounds", broken.LINEAR + "[scale.main]\npolicy = slo\n",
         "c.ini:8: policy: slo needs a bound in [slo] that can be met"),
    case("an_attainment_of_nothing",
         broken.LINEAR + "[slo]\nttft_ms = 500\nattainment = 0\n[scale.main]\npolicy = slo\n",
         "c.ini: [scale.main] target: must be given, above 0, with policy = slo"),
    case("a_window_of_a_queue", QUEUE + "window = 60\n",
         "c.ini:10: window: has no meaning with policy = queue"),
    case("a_window_of_parts_of_intervals", QUEUE.replace("queue", "rate") + "window = 40\n",
         "c.ini:10: window: is not a whole number of intervals"),
    case("a_window_of_too_many_intervals",
         QUEUE.replace("queue", "rate") + "window = 100001ms\ninterval = 1ms\n",
         "c.ini:10: window: is more than 100000 intervals"),
    case("an_interval_of_nothing", QUEUE + "interval = 0\n",
         "c.ini:10: interval: '0' is less than 0.001 s"),
    case("a_schedule_of_a_queue", QUEUE + "schedule = 0:4\n",
         "c.ini:10: schedule: has no meaning with policy = queue"),
    case("no_schedule", broken.LINEAR + "[scale.main]\npolicy = schedule\n",
         "c.ini: [scale.main] schedule: must be given with policy = schedule"),
    schedule("a_point_without_a_number", "0:4 8h", "'8h' is not TIME:REPLICAS, such as 8h:16"),
    schedule("a_time_that_is_none", "0:4 8:16 noon:4",
             "time 'noon' is not a time (a number with ns, us, ms, s, min or h; bare numbers "
             "are s)"),
    schedule("half_a_replica", "0:4 8h:1.5",
             "replicas '1.5' is not a whole number"),
    schedule("times_that_go_back", "0:4 8h:16 8h:4", "'8h:4' is not after the moment before it"),
    schedule("a_time_behind_the_period", "0:4 24h:16", "'24h:16' is not within the period"),
    schedule("a_number_above_max", "0:4 8h:16",
             "16 replicas are not within the min of 1 and the max of 9", "max = 9\n"),
    schedule("a_number_below_min", "0:4 8h:0",
             "0 replicas are not within the min of 1 and the max of 4"),
    shared("gpus_of_nobody", "shares_gpus_with = mian\n",
           "c.ini:11: shares_gpus_with: 'mian' is not a pool above this one with GPUs of its own"),
    shared("gpus_of_its_own", "shares_gpus_with = second\n",
           "c.ini:11: shares_gpus_with: 'second' is not a pool above this one with GPUs of its "
           "own"),
    shared("gpus_of_a_pool_below", "", "c.ini:7: shares_gpus_with: 'second' is not a pool above "
           "this one with GPUs of its own", first=broken.LINEAR + "shares_gpus_with = second\n"),
    shared("gpus_that_are_shared_already", "shares_gpus_with = main\n" +
           SECOND.replace("second", "third") + "shares_gpus_with = second\n",
           "c.ini:16: shares_gpus_with: 'second' is not a pool above this one with GPUs of its "
           "own"),
    shared("fewer_gpus", "shares_gpus_with = main\nreplicas = 3\n",
           "c.ini:11: shares_gpus_with: [pool.main] has 1 replicas of 1 GPUs and this one 3 of 1"),
    shared("gpus_of_a_pool_that_scales",
           "shares_gpus_with = main\n[scale.main]\npolicy = wva\nmax = 4\n",
           "c.ini:11: shares_gpus_with: pools that share their GPUs cannot be scaled"),
    case("sleep_where_nobody_shares", broken.LINEAR + "[sleep]\nmax_dwell = 3\n",
         "c.ini:7: [sleep]: no pool has shares_gpus_with"),
    Case("sleep_where_nobody_shares_on_the_command_line",
         ["run", "linear.ini", "-q", "-o", "out", "-s", "sleep.wake_ms=3"],
         "-s sleep.wake_ms=3: no pool has shares_gpus_with"),
]


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.end()


if __name__ == "__main__":
    main()
