"""`python -m bench <name>`: run one measurement and print it as a table with its baseline."""

import argparse
import signal
import sys

from bench import (
    admin,
    api,
    city,
    cost,
    export,
    first_page,
    growth,
    live,
    migrations,
    pages,
    queue,
    race,
    rendering,
    search,
    slots,
    soak,
    starts,
    weight,
)

MODULES = (
    *(pages, rendering, cost, api, slots, starts, growth, city, race, live, weight, search, admin, export, queue, soak),
    *(first_page, migrations),
)
MEASUREMENTS = {module.__name__.removeprefix("bench.").replace("_", "-"): module for module in MODULES}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True, metavar="name")
    for name, module in MEASUREMENTS.items():
        summary = (module.__doc__ or "").splitlines()[0]
        module.add_arguments(names.add_parser(name, help=summary, description=summary))
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that temporary servers and databases are removed
    MEASUREMENTS[args.name].run(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
