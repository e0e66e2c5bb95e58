#!/usr/bin/env python3
"""bill: prices that nobody knows, and terms that contradict each other, are refused."""

import broken
from broken import Case


def option(name, settings, says, config="server.ini"):
    arguments = [word for setting in settings for word in ("-s", setting)]
    return Case(name, ["run", config, "-q", "-o", "out", *arguments], says)


CASES = [
    option("spot_without_a_price", ["pool.main.price_basis=spot"],
           "server.ini: [pool.main]: price_basis: h100-sxm has no usd_per_hour_spot (0: not "
           "known); give one"),
    option("owned_without_a_price", ["pool.main.price_basis=owned",
                                     "pool.main.hosting_usd_per_kw_month=137"],
           "server.ini: [pool.main]: price_basis: h100-sxm has no capex_usd (0: not known); "
           "give one"),
    option("reserved_where_nobody_sells_it", ["pool.main.price_basis=reserved",
                                              "pool.main.accelerator=h100-nvl"],
           "server.ini: [pool.main]: price_basis: h100-nvl has no usd_per_hour_reserved (0: not "
           "known); give one"),
    option("a_commitment_without_a_price", ["pool.main.committed_replicas=1"],
           "linear.ini: [pool.main]: committed_replicas: the pool has no usd_per_hour_reserved "
           "(0: not known); give one", "linear.ini"),
    option("a_commitment_to_more_than_there_is", ["pool.main.committed_replicas=3",
                                                  "pool.main.replicas=2"],
           "server.ini: [pool.main]: committed_replicas: 3 are more than the 2 that the pool "
           "may have"),
    option("a_commitment_to_what_is_reserved", ["pool.main.committed_replicas=1",
                                                "pool.main.price_basis=reserved"],
           "server.ini: [pool.main]: committed_replicas: all replicas are paid for the whole "
           "run with price_basis = reserved"),
    option("a_basis_that_is_not_there", ["pool.main.price_basis=leased"],
           "-s pool.main.price_basis=leased: 'leased' is not one of on_demand, reserved, spot, "
           "owned"),
    option("a_way_to_bill_that_is_not_there", ["pool.main.billing=rack"],
           "-s pool.main.billing=rack: 'rack' is not one of gpu, node"),
    option("half_free", ["price.failed=half"],
           "-s price.failed=half: 'half' is not one of billed, free"),
    option("a_negative_increment", ["price.increment=-1h"],
           "-s price.increment=-1h: '-1h' is less than 0 s"),
]


def listed_file_faults():
    code, stdout, stderr = broken.execute(["list", "columns", "invoice.csv"], ".")
    expected = ("servesim: no result file is called 'invoice.csv'; 'servesim list columns' has "
                "them all\n")
    if (code, stdout, stderr.decode()) != (1, b"", expected):
        yield f"exit {code}: {stdout!r} {stderr!r}"


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.add("a_result_file_that_is_not_there", listed_file_faults())
    report.end()


if __name__ == "__main__":
    main()
