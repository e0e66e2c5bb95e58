#!/usr/bin/env python3
"""offload: tiers behind the prefix cache that cannot be are refused."""

import broken
from broken import Case


def option(name, settings, says, config="server.ini"):
    arguments = [word for setting in settings for word in ("-s", setting)]
    return Case(name, ["run", config, "-q", "-o", "out", *arguments], says)


CASES = [
    option("a_size_where_no_block_has_one", ["offload.host=80GB"],
           "linear.ini: [offload] host: how large a block is takes an accelerator and a model "
           "to know; give host_blocks", "linear.ini"),
    option("a_disk_where_no_block_has_a_size", ["offload.disk=4TB"],
           "linear.ini: [offload] disk: how large a block is takes an accelerator and a model "
           "to know; give disk_blocks", "linear.ini"),
    option("a_size_and_blocks", ["offload.host=80GB", "offload.host_blocks=4099"],
           "server.ini: [offload] host and host_blocks: give one of them"),
    option("less_than_a_block", ["offload.disk=2097151B"],
           "server.ini: [offload] disk: 2097151 bytes are less than the 2097152 of one KV "
           "block"),
    option("a_way_to_fetch_that_is_not_there", ["offload.fetch=sometimes"],
           "-s offload.fetch=sometimes: 'sometimes' is not one of always, never, "
           "cheaper"),
    option("a_bandwidth_of_nothing", ["offload.host_bandwidth=0"],
           "-s offload.host_bandwidth=0: '0' is less than 0.001 GB/s"),
]


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.end()


if __name__ == "__main__":
    main()
