"""The command: replay every case of every file, say what failed, end with the count."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .cases import BadFile, read
from .replay import Replay


def main(arguments: list[str]) -> int:
    """Exit 0 if every case passed, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.vectors", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a file of vectors: yaml, json or csv")
    replay = Replay.with_all_parts()
    for problem in replay.parts.broken:
        print(f"FAIL part {problem}")  # noqa: T201
    passed, failed = 0, len(replay.parts.broken)
    for path in parser.parse_args(arguments).files:
        try:
            cases = read(path)
        except (BadFile, OSError) as error:
            print(f"FAIL {path}: {error}")  # noqa: T201 - its product
            failed += 1
            continue
        for case in cases:
            for run in replay.runs(case):
                problems = replay.problems(run)
                for problem in problems:
                    print(f"FAIL {path.name} {case['id']} ({run['compat']}): {problem}")  # noqa: T201
                failed += bool(problems)
                passed += not problems
    print(f"{passed} passed, {failed} failed")  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
