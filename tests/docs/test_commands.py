#!/usr/bin/env python3
"""commands: every command line that the help and the manual page show runs, and whatever a
document says of a command in passing names options that it has.

Files that an example takes for given are stood in for (see STAND_INS); what takes a minute
or more is made smaller (see SMALLER).
"""

import re
import shlex
import subprocess

import world

MAN = world.ROOT / "sim/cli/servesim.1"
DOCUMENTS = [world.ROOT / "README.md", world.ROOT / "CHANGELOG.md",
             world.ROOT / "traces/README.md", world.ROOT / "analysis/slurm/README.md",
             *sorted((world.ROOT / "sim").rglob("*.md"))]
MOONCAKE = "".join('{"timestamp": %d, "input_length": %d, "output_length": %d, "hash_ids": [0, %d]}\n'
                   % (3000 * i, 600 + 10 * i, 5 + i % 7, 1 + i % 4) for i in range(40))
SERVER = "servesim import vllm-args 'vllm serve meta-llama/Llama-3.1-8B-Instruct --accelerator H100'"
# What makes a file that an example takes for given.
STAND_INS = {
    "conversation_trace.jsonl": f"printf '%s' {shlex.quote(MOONCAKE)} > conversation_trace.jsonl",
    "trace.csv": "servesim gen configs/workloads/poisson.ini -s workload.requests=500 -o trace.csv",
    "day.csv": "servesim gen configs/workloads/poisson.ini -s workload.requests=500 -o day.csv",
    "config.json": f"cp {world.ROOT}/tests/import/llama-3.1-8b.json config.json",
    "server.ini": f"{SERVER} -o server.ini",
    "bench.csv": f"head -300 {world.VALIDATION}/closed_loop_train.csv > bench.csv",
    "three-points.csv": f"head -3 {world.VALIDATION}/closed_loop_train.csv > three-points.csv",
    "configs/examples/azure-": "bash traces/fetch.sh",
    "configs/examples/demo.ini": "mkdir -p demo; servesim gen configs/workloads/azure-conv-2023.ini "
                                 "-o demo/trace.csv",
    "parts/*": "mkdir parts; for i in 1 2; do servesim sweep configs/examples/linear.ini -q --shard $i/2 "
               "-o parts/$i --over pool.main.max_num_seqs=4,8 -s workload.limit=60 "
               "-s workload.trace=configs/examples/policies.csv; done",
    "out/config.ini": "servesim run configs/examples/linear.ini -o out -q "
                      "-s workload.trace=configs/examples/policies.csv -s workload.limit=60",
}
NEEDS = {"bench.csv": world.VALIDATION, "three-points.csv": world.VALIDATION,
         "configs/examples/azure-": world.AZURE}
SMALLER = {"servesim size configs/studies": " -s size.accelerators=h100-sxm -s study.requests=300 "
                                            "-s workload.rate_rps=5",
           "servesim capacity": " -s study.requests=600 -s study.draws=1",
           "servesim tune": " -s study.requests=300 -s study.draws=1",
           "servesim calibrate bench": " --fit step_overhead_us"}


def program(*arguments):
    done = subprocess.run([world.SERVESIM, *arguments], stdout=subprocess.PIPE, text=True,
                          check=True)
    return done.stdout


def joined(text):
    """The commands of a text, lines that end with a backslash joined."""
    return re.findall(r"^ *((?:servesim|mkdir|cat|for) (?:[^\n\\]|\\\n)*)",
                      text.replace("\\e\n", "\\\n"), re.M)


def shown():
    """[where, commands that belong together]"""
    found = []
    for command in re.findall(r"^  (\w+)  ", program("--help"), re.M):
        text = program(command, "--help").split("\noptions:")[0].split("\n\n", 2)[-1]
        found.append([f"servesim {command} --help", joined(text)])
    text = MAN.read_text(encoding="utf-8").split(".Sh EXAMPLES\n")[1].split("\n.Sh ")[0]
    found.append(["servesim.1", joined(text)])
    return found


def run_all(where, commands, faults, skipped):
    """Runs them in one place, in order."""
    n = 0
    with world.World() as place:
        for command in commands:
            needs = [name for name in STAND_INS if name in command
                     and f"-o {name}" not in command]
            lacking = next((NEEDS[name] for name in needs
                            if name in NEEDS and not NEEDS[name].is_dir()), None)
            if lacking is not None:
                skipped.append(f"{where}: needs {lacking.relative_to(world.ROOT.parent)}")
                continue
            for name in needs:
                if not list(place.folder.glob(name)) or name.startswith("configs"):
                    place.run(STAND_INS[name])
            smaller = next((more for start, more in SMALLER.items()
                            if command.startswith(start)), "")
            status, got = place.run(command + smaller)
            n += 1
            if status != 0:
                faults.append(f"{where}: {command}: exit {status}: {got[-3:]}")
    return n


def check_passing(faults):
    """`servesim COMMAND --option` in prose: there is such a command, with such options."""
    options = {command: set(re.findall(r"--([a-z-]+)|(?<=\s)-(\w)\b", program(command, "--help")))
               for command in re.findall(r"^  (\w+)  ", program("--help"), re.M)}
    n = 0
    for path in DOCUMENTS:
        prose = re.sub(r"(?ms)^```.*?^```", "", path.read_text(encoding="utf-8"))
        for text in re.findall(r"`servesim ([^`]+)`", prose):
            words = re.sub(r"'[^']*'", "", text).split()
            if words[0].startswith("-") or words[0] == "COMMAND":
                continue
            n += 1
            known = options.get(words[0])
            if known is None:
                faults.append(f"{path.name}: `servesim {text}`: no such command")
                continue
            have = {long or short for long, short in known}
            for word in words[1:]:
                name = re.fullmatch(r"--?([a-z][a-z-]*)(?:=.*)?", word)
                if name and name.group(1) not in have:
                    faults.append(f"{path.name}: `servesim {text}`: no option {word}")
    return n


def main():
    faults, skipped = [], []
    n = sum(run_all(where, commands, faults, skipped) for where, commands in shown())
    n += check_passing(faults)
    world.finish(faults, n, skipped)


main()
