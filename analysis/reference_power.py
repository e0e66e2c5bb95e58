"""reference_power: how long a limit of power makes a step, for the slow reference simulator.

A GPU that runs draws idle + (tdp - idle) x active; computing and reading memory at the rates
they reach add their shares of tdp - idle. A step lasts until what its work takes beyond the
first could be drawn at no more than the limit allows: each coefficient of the work's energy is
rounded to picojoules (from floats, in the order in which the C program multiplies), the time
that each takes at the limit up to femtoseconds, and the sum up to nanoseconds.
"""

import math

from reference_model import Keys

MICRO, NANO = 1e-6, 1e-9


def ceil_div(a, b):
    return -(-a // b)


def rounded(value):
    return math.floor(value + 0.5)


def milliwatts(keys, key):
    value = keys.number(key) * 1000
    assert value.denominator == 1, key
    return int(value)


class Nothing:
    """No limit."""

    @staticmethod
    def fs(*_):
        return 0


class Limit:
    """The least femtoseconds of steps at `limit_mw` a GPU."""

    def __init__(self, keys, price, limit_mw):
        self.price = price
        n_gpus = price.tp * price.pp * price.dp
        idle_mw = milliwatts(keys, "idle_power")
        range_mw = (milliwatts(keys, "tdp") - idle_mw) * n_gpus

        def share(name, standard):
            keys.values.setdefault(f"power_{name}_share", standard)
            nano = int(keys.number(f"power_{name}_share") * 10**9)
            return range_mw * float(nano) * NANO

        busy_mw = idle_mw * n_gpus + rounded(share("active", "0.25"))
        self.room_mw = limit_mw * n_gpus - busy_mw
        assert self.room_mw >= 1000 * n_gpus
        self.compute, self.memory = share("compute", "0.45") * MICRO, share("memory", "0.3") * MICRO

    def least(self, pj):
        return ceil_div(pj * 10**6, self.room_mw)

    def picojoules(self, terms):
        """Of one of each: what it computes and what it reads, in femtoseconds."""
        compute, memory = terms
        return rounded(float(compute) * self.compute), rounded(float(memory) * self.memory)

    def fs(self, decodes, chunks, n_emitting):
        price = self.price
        of = price.coefficients(price.pp, False)
        units = price.units(decodes, chunks, n_emitting, price.pp)
        tokens = sum(n for _, n in [*decodes, *chunks])
        total = self.least(rounded((float(of["projections"][1]) + float(of["mlp"][1]))
                                   * self.memory))
        if n_emitting:
            head = price.coefficients(1, False)["head"][1]
            total += self.least(rounded(float(head) * self.memory))
        matrices = sum(float(of[name][0]) for name in ("projections", "mlp", "experts", "state"))
        total += tokens * self.least(rounded(
            matrices * self.compute + float(of["activations"][1]) * self.memory))
        total += units["head"][0] * self.least(rounded(float(of["head"][0]) * self.compute))
        total += (len(decodes) + len(chunks)) * self.least(
            rounded(float(of["state"][1]) * self.memory))
        for name in ("decode", "window decode"):
            compute, memory = self.picojoules(of[name])
            assert units[name][0] == units[name][1], "drafts are not looked at here"
            total += units[name][0] * self.least(compute + memory)
        pair = rounded(float(of["prefill"][0]) * self.compute
                       + float(of["naive"][1]) * self.memory)
        total += units["prefill"][0] * self.least(pair)
        total += units["window prefill"][0] * self.least(self.picojoules(of["window prefill"])[0])
        for name in ("prefill", "window prefill"):
            total += units[name][1] * self.least(self.picojoules(of[name])[1])
        return total + self.experts(decodes, chunks, tokens) + 499999

    def experts(self, decodes, chunks, tokens):
        """What reading experts takes, by thousandths of one."""
        price = self.price
        if not price.expert_fs:
            return 0
        m = max(1, min(price.pp, len(decodes) + len(chunks)))
        at = min(ceil_div(tokens, m), len(price.expert_fs) - 1)
        every = float(price.expert_milli[-1] * price.pp)
        one = rounded(float(price.expert_fs[-1]) * self.memory / every)
        return m * price.expert_milli[at] * self.least(one)


def limit(section, pool, price):
    """The least time of a step from the sections [power] and [pool.NAME]."""
    keys = Keys({"ambient_c": "25", "cooling_efficiency": "1", **pool, **section})
    watts = [keys.number("power_cap")] if "power_cap" in section else []
    if "max_temperature_c" in section:
        rise = keys.number("max_temperature_c") - keys.number("ambient_c")
        watts.append(rise * keys.number("cooling_efficiency")
                     / keys.number("thermal_resistance_c_per_w"))
    limits = [math.floor(each * 1000) for each in watts if each > 0]
    if keys.word("cost") == "linear" or not limits or min(limits) >= milliwatts(keys, "tdp"):
        return Nothing()
    return Limit(keys, price, min(limits))
