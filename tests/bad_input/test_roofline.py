#!/usr/bin/env python3
"""roofline: what `servesim roofline` refuses is said in one sentence, and nothing is printed
or written before it is known."""

import broken
from broken import USAGE


def case(name, arguments, says, **others):
    return broken.Case(name, ["roofline", *arguments], says, **others)


NOT_A_COUNT = "is not a count (a whole number, bare or with k, m, K or M)"
CASES = [
    case("nothing_to_do", [],
         "roofline: expected CONFIG, --table, --worked or --convention list", code=USAGE),
    case("a_batch_that_is_no_number", ["server.ini", "--batch", "1,x"],
         f"--batch: 'x' {NOT_A_COUNT}"),
    case("a_batch_of_nothing", ["server.ini", "--batch", "4,0"], "--batch: '0' is less than 1"),
    case("an_empty_list", ["server.ini", "--batch", ""], f"--batch: '' {NOT_A_COUNT}"),
    case("a_list_that_ends_with_a_comma", ["server.ini", "--context", "512,"],
         f"--context: '' {NOT_A_COUNT}"),
    case("a_long_list", ["server.ini", "--prompt", ",".join(["7"] * 101)],
         "--prompt: more than 100 numbers"),
    case("a_prompt_with_a_minus", ["server.ini", "--prompt", "-7"],
         "--prompt: '-7' is less than 1"),
    case("a_bound_that_is_no_time", ["server.ini", "--tpot-ms", "5q"],
         "--tpot-ms: '5q' is not a time (a number with ns, us, ms, s, min or h; bare "
         "numbers are ms)"),
    case("a_misspelt_convention", ["server.ini", "--convention", "s003_tim"],
         "--convention: there is no 's003_tim'; did you mean 's003_time'?"),
    case("an_unknown_convention", ["server.ini", "--convention", "mine"],
         "--convention: there is no 'mine'; 'servesim roofline --convention list' has them"),
    case("a_misspelt_table", ["--table", "kv-cach"],
         "--table: there is no 'kv-cach'; did you mean 'kv-cache'?"),
    case("an_unknown_table", ["--table", "everything"],
         "--table: there is no 'everything'; 'servesim roofline --table list' has them"),
    case("an_unknown_convention_for_a_table", ["--table", "moe", "--convention", "physic"],
         "--convention: there is no 'physic'; did you mean 'physics'?"),
    case("an_unknown_accelerator", ["server.ini", "-o", "out", "--against", "h200-sxm,h2oo"],
         "--against: there is no configs/accelerators/h2oo.ini; 'servesim list "
         "accelerators' has them"),
    case("a_server_without_a_roofline", ["linear.ini", "-o", "out"],
         "[pool.main]: cost: linear has no roofline; expected cost = roofline, an "
         "accelerator and a model"),
    case("ranks_in_lockstep",
         ["server.ini", "-s", "pool.main.model=mixtral-8x7b",
          "-s", "pool.main.data_parallel=4", "-s", "pool.main.data_parallel_mode=lockstep"],
         "[pool.main]: data_parallel_mode: lockstep has no batch of its own to draw a "
         "roofline of; expected balanced"),
    case("a_folder_that_is_there", ["server.ini", "-o", "out"],
         "-o out: exists already; --overwrite replaces it", files={"out": None}),
]


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.end()


if __name__ == "__main__":
    main()
