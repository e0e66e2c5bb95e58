#!/usr/bin/env python3
"""power: limits that cannot be kept are refused."""

import broken
from broken import Case


def option(name, settings, says, config="server.ini"):
    arguments = [word for setting in settings for word in ("-s", setting)]
    return Case(name, ["run", config, "-q", "-o", "out", *arguments], says)


CASES = [
    option("a_cap_below_what_a_step_draws_anyway", ["power.power_cap=120W"],
           "server.ini: [power] power_cap: a limit of 120.000 W is not 1 W above the 231.250 W "
           "that a GPU of [pool.main] draws whenever a step runs"),
    option("heat_that_nothing_carries_off",
           ["power.max_temperature_c=83", "power.thermal_resistance_c_per_w=0.37"],
           "server.ini: [power] max_temperature_c: a limit of 156.756 W is not 1 W above the "
           "231.250 W that a GPU of [pool.main] draws whenever a step runs"),
    option("a_temperature_without_a_resistance", ["power.max_temperature_c=83"],
           "server.ini: [power] thermal_resistance_c_per_w: a thermal limit needs it beside "
           "max_temperature_c"),
    option("a_resistance_without_a_temperature", ["power.thermal_resistance_c_per_w=0.1"],
           "server.ini: [power] max_temperature_c: a thermal limit needs it beside "
           "thermal_resistance_c_per_w"),
    option("an_oven", ["power.max_temperature_c=83", "power.ambient_c=83",
                       "power.thermal_resistance_c_per_w=0.1"],
           "server.ini: [power] max_temperature_c: is not above ambient_c"),
    option("a_pue_below_one", ["power.pue=0.9"], "-s power.pue=0.9: '0.9' is less than 1"),
    option("a_cap_where_it_is_not_known_what_steps_do",
           ["power.power_cap=300W", "pool.main.accelerator=h100-sxm"],
           "linear.ini: [power] power_cap: a limit of 300.000 W is not 1 W above the 700.000 W "
           "that a GPU of [pool.main] draws whenever a step runs", "linear.ini"),
]


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.end()


if __name__ == "__main__":
    main()
