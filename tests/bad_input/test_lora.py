#!/usr/bin/env python3
"""lora: a [lora] section that is wrong, or that a pool cannot serve, is refused."""

import broken
from broken import LINEAR, POOL, TRACE, Case


def option(name, settings, says, config="linear.ini", files=None):
    """Settings of the command line."""
    flags = [part for setting in settings for part in ("-s", setting)]
    return Case(name, ["run", config, "-q", "-o", "out", *flags], says, files or {})


ADAPTERS = TRACE.splitlines()
NAMED = "\n".join([ADAPTERS[0] + ",adapter"] + [row + ",poet" for row in ADAPTERS[1:]]) + "\n"

CASES = [
    option("a_rank_of_0", ["lora.rank=0"], "-s lora.rank=0: '0' is less than 1"),
    option("a_target_that_is_not_there", ["lora.target=q_proj"],
           "-s lora.target=q_proj: 'q_proj' is not one of all, attention"),
    option("a_key_that_lora_has_not", ["lora.max_lora=4"],
           "-s lora.max_lora=4: [lora] unknown key 'max_lora' (did you mean 'max_loras'?)"),
    Case("less_host_memory_than_slots", ["run", "c.ini", "-q", "-o", "out"],
         "c.ini:5: max_cpu_loras: '3' is less than the 41 of max_loras, whose adapters are in "
         "host memory, too",
         {"c.ini": "[workload]\ntrace = day.csv\n[lora]\nmax_loras = 41\nmax_cpu_loras = 3\n"
                   + POOL}),
    option("a_discipline_that_serves_no_adapters",
           ["lora.max_loras=4", "pool.main.batching=orca"],
           "linear.ini: [lora] max_loras: batching = orca serves no LoRA adapters; expected 0, "
           "or lora = no in [pool.main]"),
    option("ranks_with_adapters",
           ["lora.max_loras=4", "pool.main.model=mixtral-8x7b", "pool.main.data_parallel=2"],
           "server.ini: [lora] max_loras: data_parallel = 2 serves no LoRA adapters; expected "
           "0, or lora = no in [pool.main]", "server.ini"),
    option("slots_that_take_all_memory", ["lora.max_loras=4000", "lora.rank=64"],
           "server.ini: [pool.main]: llama-3.1-8b does not fit on 1 x h100-sxm: one GPU has "
           "76968 MB to use (85520 MB x gpu_memory_utilization), weights take 16060 MB, LoRA "
           "adapters 1342177 MB, activations 973 MB, runtime 600 MB, and two KV blocks 4 MB; "
           "raise tensor_parallel or gpu_memory_utilization", "server.ini"),
    option("an_adapter_that_no_pool_serves",
           ["lora.max_loras=4"],
           "day.csv:2: no pool that could take the request serves LoRA adapters (lora = no in "
           "[pool.small]); '[workload] unservable = reject' passes over it",
           files={"day.csv": NAMED,
                  "linear.ini": LINEAR.replace("[pool.main]", "[pool.small]\nlora = no")
                  + "max_model_len = 4099\n"
                  + POOL.replace("num_gpu_blocks = 4099", "num_gpu_blocks = 2")}),
]


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.end()


if __name__ == "__main__":
    main()
