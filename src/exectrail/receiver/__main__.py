"""The process that `exectrail up --detach` starts: `python -m exectrail.receiver`."""

from __future__ import annotations

import argparse
import sys

from exectrail.receiver.commands import add_up_options, serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="exectrail up")
    add_up_options(parser)
    sys.exit(serve(parser.parse_args()))
