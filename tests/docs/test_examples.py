#!/usr/bin/env python3
"""examples: every file in configs/examples does what the commands in its first lines say.

A command is a comment line that begins with three blanks. Each is run, in order; a run
must serve requests, and the configuration it leaves must check.
"""

import re

import world

FOLDER = world.ROOT / "configs/examples"
COMMAND = re.compile(r"^;   (\S.*)$", re.M)
DEMO = ["servesim gen configs/workloads/azure-conv-2023.ini -o demo/trace.csv",
        "servesim run configs/examples/demo.ini -o demo/out"]  # what demo.sh does


def check_example(path, faults):
    text = path.read_text(encoding="utf-8")
    commands = COMMAND.findall(text) or (DEMO if path.name == "demo.ini" else [])
    runs = [command for command in commands if command.startswith("servesim run")]
    if not runs or not all(f"configs/examples/{path.name}" in command for command in runs):
        faults.append(f"{path.name}: no command says how to run it")
    with world.World() as place:
        (place.folder / "demo").mkdir()
        for command in commands:
            status, got = place.run(command)
            if status != 0:
                faults.append(f"{path.name}: {command}: exit {status}: {got}")
            elif command in runs:
                check_run(place, command, got, faults)
    return len(commands)


def check_run(place, command, got, faults):
    served = re.search(r"^Completed requests +(\d+)$", "\n".join(got), re.M)
    if served is None or int(served.group(1)) < 1000:
        faults.append(f"{command}: fewer than 1000 requests completed: {got}")
    folder = command.split(" -o ")[1].split()[0]
    status, told = place.run(f"servesim check {folder}/config.ini")
    if status != 0:
        faults.append(f"{command}: its config.ini does not check: {told}")


def main():
    faults, skipped = [], []
    n = 0
    for path in sorted(FOLDER.glob("*.ini")):
        if "traces/fetch.sh" in path.read_text(encoding="utf-8") and not world.AZURE.is_dir():
            skipped.append(f"{path.name}: needs ../shared/traces")
        else:
            n += check_example(path, faults)
    world.finish(faults, n, skipped)


main()
