#!/usr/bin/env python3
"""configs: a configuration that is wrong is refused by file, line, key, value and what was
expected, and nothing is written.
"""

import broken
from broken import LINEAR, POOL, Case

WORKLOAD = "[workload]\ntrace = day.csv\n"
ROUTERS = ("round_robin, random, power_of_two, least_requests, least_tokens, least_kv, "
            "session_affinity, prefix_affinity, weighted")
KNOWN = ("run, workload, slo, speculative, lora, tenant.NAME, pool.NAME, scale.POOL, sleep, "
         "route, admit, offload, disaggregate, fail, power, price, output, study, "
         "capacity, size, tune, over")
TIME = "a number with ns, us, ms, s, min or h; bare numbers are s"
SOURCES = ("must give 'trace' (a file of requests) or 'generator' (a description that they are "
           "drawn from)")


def case(name, text, says, files=None):
    """A configuration that is read from c.ini."""
    return Case(name, ["run", "c.ini", "-q", "-o", "out"], says,
                {"c.ini": text, **(files or {})})


def option(name, setting, says, config="linear.ini"):
    """A setting of the command line."""
    return Case(name, ["run", config, "-q", "-o", "out", "-s", setting], says)


def sizes(name, text):
    """Preferred batch sizes that are none."""
    key = "preferred_batch_sizes"
    return case(f"{key}_with_{name}",
                LINEAR + f"batching = dynamic\npreempt = none\nmax_num_seqs = 37\n{key} = {text}\n",
                f"c.ini:10: {key}: '{text}' is not a list of numbers from 1 to 37 "
                "(max_num_seqs), such as 4 8")


FILES = [
    Case("a_config_that_is_not_there", ["run", "gone.ini", "-o", "out"],
         "gone.ini: cannot be opened: No such file or directory"),
    Case("a_config_below_a_file", ["run", "day.csv/c.ini", "-o", "out"],
         "day.csv/c.ini: cannot be opened: Not a directory"),
    Case("a_config_that_is_a_folder", ["run", "folder", "-o", "out"],
         "folder: cannot be read: Is a directory", {"folder": None}),
    Case("a_newline_in_a_name_is_shown_as_a_question_mark",
         ["check", "two\nlines.ini"],
         "two?lines.ini: cannot be opened: No such file or directory"),
    Case("check_refuses_what_run_refuses", ["check", "c.ini"],
         "c.ini:3: [workload] unknown key 'limits' (did you mean 'limit'?)",
         {"c.ini": WORKLOAD + "limits = 4099\n" + POOL}),
    case("an_empty_config", "", f"c.ini: [workload] {SOURCES}"),
    case("a_config_without_a_pool", WORKLOAD,
         "c.ini: no [pool.NAME] section says what serves the requests"),
    case("a_config_without_a_workload", POOL,
         f"c.ini: [workload] {SOURCES}"),
    case("a_workload_without_a_trace", "; day\n[workload]\nlimit = 7\n" + POOL,
         f"c.ini:2: [workload] {SOURCES}"),
    case("a_trace_with_an_empty_name", "[workload]\ntrace =\n" + POOL,
         f"c.ini:1: [workload] {SOURCES}"),
    case("a_program_as_config", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0",
         "c.ini:1: byte 0x7f is a control character or not UTF-8"),
    case("a_config_in_utf_16", LINEAR.encode("utf-16"),
         "c.ini:1: byte 0xff is a control character or not UTF-8"),
    case("a_config_in_latin_1", WORKLOAD.encode() + b"; caf\xe9\n" + POOL.encode(),
         "c.ini:3: byte 0xe9 is a control character or not UTF-8"),
    case("a_nul_in_a_config", WORKLOAD + "limit = 1\0002\n" + POOL,
         "c.ini:3: byte 0x00 is a control character or not UTF-8"),
    case("a_line_of_ten_megabytes", WORKLOAD + "limit = " + "1" * 10**7 + "\n" + POOL,
         "c.ini:3: the line is longer than 199 bytes"),
    case("twenty_thousand_lines", WORKLOAD + "; comment\n" * 20000 + POOL,
         "c.ini:10001: a configuration has at most 10000 lines"),
]

SYNTAX = [
    case("a_key_before_every_section", "trace = day.csv\n" + POOL,
         "c.ini:1: 'trace = day.csv' stands before the first [section]"),
    case("a_line_without_equals", WORKLOAD + "hello\n" + POOL,
         "c.ini:3: 'hello' is not 'key = value', a [section] or a comment"),
    case("a_section_without_its_bracket", "[workload\ntrace = day.csv\n",
         "c.ini:1: '[workload' has no ']'"),
    case("a_key_on_the_line_of_a_section", "[workload] trace = day.csv\n" + POOL,
         "c.ini:1: '[workload] trace = day.csv' goes on after the section's name"),
    case("a_section_with_a_blank_in_its_name", WORKLOAD + "[pool.a b]\n",
         "c.ini:3: '[pool.a b]' is no section name (at most 49 letters, digits, '_', '-' "
         "and, between others, '.')"),
    case("a_pool_with_an_empty_name", WORKLOAD + "[pool.]\nreplicas = 7\n",
         "c.ini:3: '[pool.]' is no section name (at most 49 letters, digits, '_', '-' "
         "and, between others, '.')"),
    case("a_pool_with_a_dot_in_its_name", WORKLOAD + "[pool.a.b]\nreplicas = 7\n",
         "c.ini:3: [pool.a.b]: a pool's name is letters, digits, '_' and '-'"),
    case("a_key_that_is_given_twice", WORKLOAD + "trace = night.csv\n" + POOL,
         "c.ini:3: [workload] trace was given on line 2 already"),
    case("a_section_that_begins_twice", LINEAR + "[workload]\nlimit = 7\n",
         "c.ini:7: section [workload] has begun on line 1 already"),
    option("a_setting_without_equals", "workload.limit",
           "-s workload.limit: this is not section.key=value"),
    option("a_setting_without_a_section", "limit=7",
           "-s limit=7: this is not section.key=value"),
    option("a_setting_that_would_be_a_comment", "workload.trace=day.csv ; mine",
           "-s workload.trace=day.csv ; mine: the value has a ';' at its start or after "
           "a blank, where a comment begins"),
    option("a_setting_with_a_newline", "workload.trace=two\nlines.csv",
           "-s workload.trace=two?lines.csv: the value has a control character or is not "
           "UTF-8"),
    option("a_setting_that_config_ini_could_not_hold", "workload.trace=" + "x" * 192,
           "-s workload.trace=" + "x" * 192 + ": 'key = value' is longer than a line of "
           "199 bytes"),
]

KEYS = [
    case("an_unknown_key_with_a_near_one", LINEAR + "max_num_seq = 7\n",
         "c.ini:7: [pool.main] unknown key 'max_num_seq' (did you mean 'max_num_seqs'?)"),
    case("an_unknown_key_with_none_near", LINEAR + "frobnicate = 7\n",
         "c.ini:7: [pool.main] unknown key 'frobnicate' (see 'servesim list keys')"),
    case("a_key_in_upper_case", WORKLOAD + "Limit = 7\n" + POOL,
         "c.ini:3: [workload] unknown key 'Limit' (did you mean 'limit'?)"),
    case("an_unknown_section", LINEAR + "[fleet]\nreplicas = 7\n",
         f"c.ini:7: unknown section [fleet] (expected one of {KNOWN})"),
    case("an_unknown_section_without_keys", LINEAR + "[fleet]\n",
         f"c.ini:7: unknown section [fleet] (expected one of {KNOWN})"),
    case("more_pools_than_there_may_be",
         LINEAR + "".join(f"[pool.p{i}]\ncost = linear\nnum_gpu_blocks = 70\n"
                          for i in range(64)),
         "c.ini: 65 [pool.NAME] sections are more than the 64 there may be"),
    option("an_unknown_key_on_the_command_line", "workload.limt=7",
           "-s workload.limt=7: [workload] unknown key 'limt' (did you mean 'limit'?)"),
    option("an_unknown_section_on_the_command_line", "fleet.limit=7",
           f"-s fleet.limit=7: unknown section [fleet] (expected one of {KNOWN})"),
]

VALUES = [
    case("an_unknown_unit", WORKLOAD + "client_timeout = 5 parsecs\n" + POOL,
         f"c.ini:3: client_timeout: '5 parsecs' is not a time ({TIME})"),
    case("a_unit_of_another_kind", LINEAR + "[output]\ninterval = 10 GB\n",
         f"c.ini:8: interval: '10 GB' is not a time ({TIME})"),
    case("a_number_below_its_range", LINEAR + "replicas = 0\n",
         "c.ini:7: replicas: '0' is less than 1"),
    case("a_number_above_its_range", LINEAR + "replicas = 100001\n",
         "c.ini:7: replicas: '100001' is greater than 100000"),
    case("a_fraction_where_a_count_is_expected", LINEAR + "replicas = 1.5\n",
         "c.ini:7: replicas: '1.5' is not a whole number"),
    case("a_number_beyond_64_bits", LINEAR + "replicas = 99999999999999999999999999\n",
         "c.ini:7: replicas: '99999999999999999999999999' is too large"),
    case("an_empty_number", LINEAR + "replicas =\n",
         "c.ini:7: replicas: '' is not a count (a whole number, bare or with k, m, K or "
         "M)"),
    case("a_flag_that_is_neither", LINEAR + "reserve_full_prompt = maybe\n",
         "c.ini:7: reserve_full_prompt: 'maybe' is not yes or no"),
    option("an_unknown_choice", "pool.main.cost=free",
           "-s pool.main.cost=free: 'free' is not one of roofline, linear"),
    option("a_negative_limit", "workload.limit=-1",
           "-s workload.limit=-1: '-1' is less than 0"),
    option("an_interval_of_nothing", "output.interval=0",
           "-s output.interval=0: '0' is less than 0.000001 s"),
    option("a_picture_of_no_time", "output.trace_json=yes",
           "c.ini: [output] trace_until: is not after trace_from", "c.ini"),
    option("a_picture_of_no_events", "output.trace_events=0",
           "-s output.trace_events=0: '0' is less than 1"),
    option("a_cost_below_a_femtosecond", "pool.main.base_us=0.0000000001",
           "-s pool.main.base_us=0.0000000001: '0.0000000001' is so near to 0 that it "
           "would be taken as 0"),
    option("rate_rps_and_rate_scale", "workload.rate_rps=3.7",
           "c.ini: [workload] rate_rps and rate_scale: give one of them", "c.ini"),
]
VALUES[-1].files["c.ini"] = WORKLOAD + "rate_scale = 2.5\n" + POOL
next(case for case in VALUES if case.name == "a_picture_of_no_time").files["c.ini"] = (
    LINEAR + "[output]\ntrace_from = 7\ntrace_until = 7\n")
for name, line, fault in (
        ("a_concurrency_of_clients_that_do_not_wait", "concurrency = 13",
         "concurrency: clients wait for answers with mode = closed only"),
        ("clients_without_a_number", "mode = closed",
         "concurrency: must be given with mode = closed")):
    VALUES.append(case(name, LINEAR, f"c.ini: [workload] {fault}"))
    VALUES[-1].files["c.ini"] = WORKLOAD + line + "\n" + POOL
for key, value in (("rate_rps", "7"), ("rate_scale", "2"), ("cooldown", "3"), ("detick", "3")):
    VALUES.append(option(f"{key}_of_clients_that_wait", f"workload.{key}={value}",
                         f"c.ini: [workload] {key}: has no meaning with mode = closed, where a "
                         "request is sent when another has left", "c.ini"))
    VALUES[-1].files["c.ini"] = WORKLOAD + "mode = closed\nconcurrency = 13\n" + POOL

PRESETS = [
    option(f"an_unknown_{key}", f"pool.main.{key}=tpu-v9",
           f"-s pool.main.{key}=tpu-v9: 'tpu-v9' is not known: there is no "
           f"configs/{folder}/tpu-v9.ini (see 'servesim list {folder}')", "server.ini")
    for key, folder in (("accelerator", "accelerators"), ("model", "models"),
                        ("engine", "engines"), ("policy", "policies"))
] + [
    case("an_unknown_accelerator_is_refused_at_its_line",
         broken.SERVER.replace("h100-sxm", "h1000"),
         "c.ini:4: accelerator: 'h1000' is not known: there is no "
         "configs/accelerators/h1000.ini (see 'servesim list accelerators')"),
    option("an_unknown_router", "route.policy=random_walk",
           "-s route.policy=random_walk: 'random_walk' is not known (expected one of "
           f"{ROUTERS})", "server.ini"),
    case("an_unknown_router_is_refused_at_its_line",
         broken.SERVER + "[route]\npolicy = random_walk\n",
         f"c.ini:{broken.SERVER.count(chr(10)) + 2}: policy: 'random_walk' is not known "
         f"(expected one of {ROUTERS})"),
    option("an_unknown_router_for_decodes", "route.decode_policy=x",
           f"-s route.decode_policy=x: 'x' is not known (expected one of {ROUTERS})",
           "server.ini"),
    option("classes_with_nothing_between_commas", "pool.main.classes=chat,,batch",
           "-s pool.main.classes=chat,,batch: 'chat,,batch' is not a list of names such as "
           "chat, batch", "server.ini"),
    case("a_class_twice_is_refused_at_its_line", broken.LINEAR + "classes = a, b, a\n",
         f"c.ini:{broken.LINEAR.count(chr(10)) + 1}: classes: 'a, b, a' names 'a' twice"),
    option("a_router_that_remembers_nothing", "route.prefix_index_blocks=0",
           "-s route.prefix_index_blocks=0: '0' is less than 1", "server.ini"),
    case("a_model_that_no_pool_serves",
         broken.LINEAR.replace("day.csv", "models.csv") + "served_model = llama\n",
         "models.csv:3: no pool serves requests of model 'qwen' and class ''; '[workload] "
         "unservable = reject' passes over them",
         {"models.csv": "arrival_s,prompt_tokens,output_tokens,model\n0,7,1,llama\n1,7,1,qwen\n"}),
    case("a_class_that_no_pool_of_the_model_serves",
         broken.LINEAR.replace("day.csv", "models.csv") + "served_model = llama\nclasses = chat\n",
         "models.csv:2: no pool serves requests of model 'llama' and class 'batch'; '[workload] "
         "unservable = reject' passes over them",
         {"models.csv": "arrival_s,prompt_tokens,output_tokens,model,class\n0,7,1,llama,batch\n"}),
    Case("an_unknown_batching_is_refused_by_check_as_well",
         ["check", "server.ini", "-s", "pool.main.batching=clairvoyant"],
         "-s pool.main.batching=clairvoyant: 'clairvoyant' is not known (expected one of "
         "unified, prefill_first, sarathi, sglang, static, dynamic, orca)", {"server.ini": broken.SERVER}),
    option("an_unknown_batching", "pool.main.batching=clairvoyant",
           "-s pool.main.batching=clairvoyant: 'clairvoyant' is not known (expected one of "
           "unified, prefill_first, sarathi, sglang, static, dynamic, orca)", "server.ini"),
    sizes("a_word", "4, eight"), sizes("a_zero", "0 8"), sizes("a_sign", "-4 8"),
    sizes("a_unit", "4k"), sizes("more_than_max_num_seqs", "4, 38"),
    sizes("more_digits_than_a_number_has", "4 " + "9" * 41),
    option("padding_where_nobody_pads", "pool.main.padding=yes",
           "server.ini: [pool.main] padding: means nothing to batching = unified (only to "
           "static dynamic)", "server.ini"),
    option("a_static_batch_of_which_somebody_gives_way", "pool.main.batching=static",
           "server.ini: [pool.main] preempt: static, dynamic and orca keep blocks for whole "
           "outputs: they need preempt = none", "server.ini"),
    Case("an_unknown_key_in_a_file_that_a_config_names",
         ["run", "server.ini", "-o", "out", "-s", "pool.main.engine=./mine.ini"],
         "./mine.ini:2: [engine] unknown key 'overlapp' (did you mean 'overlap'?)",
         {"mine.ini": "[engine]\noverlapp = 0.5\n"}),
    Case("an_unknown_section_in_a_file_that_a_config_names",
         ["run", "server.ini", "-o", "out", "-s", "pool.main.engine=./mine.ini"],
         "./mine.ini:1: unknown section [motor] (expected one of engine)",
         {"mine.ini": "[motor]\noverlap = 0.5\n"}),
]

HARDWARE = [
    option("a_70b_model_on_one_h100", "pool.main.model=llama-3.1-70b",
           "server.ini: [pool.main]: llama-3.1-70b does not fit on 1 x h100-sxm: one GPU "
           "has 76968 MB to use (85520 MB x gpu_memory_utilization), weights take 141107 "
           "MB, activations 1946 MB, runtime 600 MB, and two KV blocks 10 MB; raise "
           "tensor_parallel or gpu_memory_utilization", "server.ini"),
    option("a_tensor_parallel_that_does_not_divide", "pool.main.tensor_parallel=3",
           "server.ini: [pool.main]: tensor_parallel: 3 does not divide the 32 heads and "
           "8 KV heads of llama-3.1-8b evenly", "server.ini"),
    Case("a_tensor_parallel_with_too_little_memory",
         ["run", "server.ini", "-o", "out", "-s", "pool.main.model=llama-3.1-70b", "-s",
          "pool.main.tensor_parallel=2", "-s", "pool.main.gpu_memory_utilization=0.8"],
         "server.ini: [pool.main]: llama-3.1-70b does not fit on 2 x h100-sxm: one GPU "
         "has 68416 MB to use (85520 MB x gpu_memory_utilization), weights take 70553 "
         "MB, activations 1241 MB, runtime 600 MB, and two KV blocks 5 MB; raise "
         "tensor_parallel or gpu_memory_utilization"),
    option("one_block", "pool.main.num_gpu_blocks=1",
           "linear.ini: [pool.main]: num_gpu_blocks: 1 leaves nothing beside the null "
           "block; expected at least 2"),
    option("a_linear_cost_without_blocks", "pool.main.num_gpu_blocks=0",
           "linear.ini: [pool.main]: num_gpu_blocks: must be given where there is no "
           "accelerator and model to derive it from"),
    option("a_roofline_without_a_model", "pool.main.model=",
           "server.ini: [pool.main]: model: must be given with cost = roofline (see "
           "'servesim list models')", "server.ini"),
    option("a_roofline_without_an_accelerator", "pool.main.accelerator=",
           "server.ini: [pool.main]: accelerator: must be given with cost = roofline "
           "(see 'servesim list accelerators')", "server.ini"),
]

DRAFT = ["-s", "speculative.method=draft"]
SPECULATION = [
    option("a_way_to_draft_that_is_not_there", "speculative.method=eagle",
           "-s speculative.method=eagle: 'eagle' is not one of none, draft, ngram, mtp"),
    option("no_drafted_token", "speculative.num_speculative_tokens=0",
           "-s speculative.num_speculative_tokens=0: '0' is less than 1"),
    option("an_acceptance_above_1", "speculative.acceptance=1.1",
           "-s speculative.acceptance=1.1: '1.1' is greater than 1"),
    option("too_few_acceptances", "speculative.acceptance_by_position=0.8 0.6",
           "-s speculative.acceptance_by_position=0.8 0.6: '0.8 0.6' has 2 numbers, and "
           "num_speculative_tokens is 3"),
    case("an_acceptance_that_is_no_number",
         WORKLOAD + "[speculative]\nacceptance_by_position = 0.8, high, 0.5\n" + POOL,
         "c.ini:4: acceptance_by_position: '0.8, high, 0.5' has something other "
         "than numbers from 0 to 1"),
    case("a_tenant_with_an_acceptance_above_1",
         WORKLOAD + "[tenant.a]\nacceptance = 1.37\n" + POOL,
         "c.ini:4: acceptance: '1.37' is not a probability (a number from 0 to 1)"),
    option("a_drafter_without_a_name", "speculative.method=draft",
           "server.ini: [speculative] draft_model: must be given with method = draft (see "
           "'servesim list models')", "server.ini"),
    Case("a_drafter_that_is_not_there",
         ["run", "server.ini", "-o", "out", *DRAFT, "-s", "speculative.draft_model=llama-0b"],
         "-s speculative.draft_model=llama-0b: 'llama-0b' is not known: there is no "
         "configs/models/llama-0b.ini (see 'servesim list models')"),
    Case("a_drafter_with_a_key_that_models_have_not",
         ["run", "server.ini", "-o", "out", *DRAFT, "-s", "speculative.draft_model=llama-3.2-1b",
          "-s", "speculative.layer=4"],
         "-s speculative.layer=4: [speculative] unknown key 'layer' (did you mean 'layers'?)"),
    Case("a_drafter_whose_heads_are_not_split_evenly",
         ["run", "server.ini", "-o", "out", *DRAFT, "-s", "speculative.draft_model=qwen2.5-0.5b",
          "-s", "pool.main.tensor_parallel=4"],
         "server.ini: [pool.main]: tensor_parallel: 4 does not divide the 14 heads and 2 KV "
         "heads of qwen2.5-0.5b evenly"),
    Case("drafting_across_stages",
         ["run", "server.ini", "-o", "out", "-s", "speculative.method=ngram", "-s",
          "pool.main.pipeline_parallel=2"],
         "server.ini: [pool.main]: pipeline_parallel: nothing is drafted across stages; "
         "[speculative] method needs 1"),
    Case("more_ranks_than_schedulers",
         ["run", "linear.ini", "-o", "out", "-s", "pool.main.replicas=4099", "-s",
          "pool.main.data_parallel=137", "-s", "pool.main.data_parallel_mode=lockstep"],
         "linear.ini: [pool.main]: data_parallel_mode: lockstep makes 4099 replicas x 137 "
         "ranks, each with a scheduler; expected at most 100000"),
    Case("a_discipline_that_verifies_nothing",
         ["run", "linear.ini", "-o", "out", "-s", "speculative.method=ngram", "-s",
          "pool.main.batching=prefill_first"],
         "linear.ini: [speculative] method: batching = prefill_first verifies no drafted "
         "tokens; expected method = none"),
]


def main():
    report = broken.Report()
    report.add_cases(FILES + SYNTAX + KEYS + VALUES + PRESETS + HARDWARE + SPECULATION)
    report.end()


if __name__ == "__main__":
    main()
