#!/usr/bin/env python3
"""man: the manual page renders without a warning and names every command, option and key."""

import re
import shutil
import subprocess

import world

PAGE = world.ROOT / "sim/cli/servesim.1"


def program(*arguments):
    done = subprocess.run([world.SERVESIM, *arguments], stdout=subprocess.PIPE, text=True,
                          check=True)
    return done.stdout


def check_lint(faults):
    """mandoc has nothing to say."""
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "style", PAGE],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode != 0 or done.stdout:
        faults.append(f"mandoc -T lint: {done.stdout}")


def page_keys(text):
    """{section: keys in their order} of the CONFIGURATION section."""
    part = text.split(".Sh CONFIGURATION\n")[1].split("\n.Sh ")[0]
    found = {}
    for item in part.split(".It Cm [")[1:]:
        section = item.split("]")[0]
        found[section] = re.findall(r"^\.Cm (\S+)", item.split("\nKeys:\n")[1], re.M)
    return found


def program_keys():
    found = {}
    for section, key in re.findall(r"^\[(\S+)\] (\S+)$", program("list", "keys"), re.M):
        found.setdefault(section, []).append(key)
    return found


def check_usage(text, faults):
    """Every command is in the synopsis and explained; every option of any is explained."""
    commands = re.findall(r"^  (\w+)  ", program("--help"), re.M)
    synopsis = text.split(".Sh SYNOPSIS\n")[1].split("\n.Sh ")[0]
    shown = re.findall(r"^\.Nm\n\.Cm (\w+)", synopsis, re.M)
    shown = list(dict.fromkeys(shown))  # a command with operations has a line for each
    told = re.findall(r"^\.It Cm (\w+)$", text, re.M)
    if not sorted(shown) == sorted(told) == sorted(commands):
        faults.append(f"commands: {commands}; synopsis: {shown}; explained: {told}")
    options = {name for command in commands
               for name in re.findall(r"^ .*--([a-z-]+)", program(command, "--help"), re.M)}
    items = set(re.findall(r"^\.It Fl .*?-([a-z-]{2,})", text, re.M))
    if options != items:
        faults.append(f"options: not explained {options - items}, not there {items - options}")
    return len(commands) + len(options)


def main():
    faults, skipped = [], []
    text = PAGE.read_text(encoding="utf-8")
    if shutil.which("mandoc"):
        check_lint(faults)
    else:
        skipped.append("mandoc is not installed")
    there, told = program_keys(), page_keys(text)
    for section in sorted(there.keys() | told):
        if there.get(section) != told.get(section):
            faults.append(f"[{section}]: `list keys` has {there.get(section)}, "
                          f"the page {told.get(section)}")
    n = 1 + sum(map(len, there.values())) + check_usage(text, faults)
    world.finish(faults, n, skipped)


main()
