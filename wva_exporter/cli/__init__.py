"""The command line: one file a command.

Exit codes: 0 fine, 1 findings, 2 bad input or usage, 3 data source unreachable.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

from wva_exporter import __version__
from wva_exporter.conventions import PROGRAM
from wva_exporter.errors import ConfigError, SourceError

COMMANDS = {
    "run": "decide every cycle and publish the targets for HPA, KEDA and dashboards",
    "plan": "look once, print what would be decided and why; touches nothing",
    "check": "validate the configuration, then ask the data source what it lacks",
    "generate": "write rules, dashboards, and the objects by which HPA and KEDA follow the targets",
    "fit": "learn the service times of an engine from measured points, and say how well they predict",
    "simulate": "put policies into scenarios in closed loop, and score them on the same requests",
    "demo": "watch a simulated vLLM fleet under a changing load being scaled",
    "version": "print version and platform",
}

FINE, FINDINGS, BAD_INPUT, UNREACHABLE = range(4)
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code.

    Only the command that is asked for is imported: a start must not wait for what another one needs.
    """
    try:
        return tell("", _dispatch(list(sys.argv[1:] if argv is None else argv)))
    except (ConfigError, SourceError) as error:
        for line in str(error).splitlines():
            print(f"{PROGRAM}: {line}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()  # whoever read it has gone: nothing is left to say
        return FINE


def tell(text: str, code: int = FINE) -> int:
    """Write to standard output, all of it; returns ``code``, or that of findings where it cannot be written.

    Raises:
        BrokenPipeError: whoever read it has gone.
    """
    if sys.stdout is None:  # whoever started us closed it
        return _unwritten(os.strerror(errno.EBADF)) if text else code
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        _drop_output()
        raise
    except OSError as error:
        _drop_output()
        return _unwritten(error.strerror or str(error))
    return code


def note(text: str) -> None:
    """A line for whoever watches, on standard error; where that is closed or full nobody does, and nothing is lost."""
    if sys.stderr is not None:  # else it would go to standard output
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def _unwritten(why: str) -> int:
    print(f"{PROGRAM}: standard output: cannot be written: {why}", file=sys.stderr)
    return FINDINGS


def _drop_output() -> None:
    """Forget what could not be written: at the end of the process it would fail once more."""
    if sys.stdout is None:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _dispatch(given: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description="Replicas for LLM fleets, decided from Prometheus, published as series."
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    wanted = next((word for word in given if not word.startswith("-")), None)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False)
        if name == wanted:
            import_module(f"{__name__}.{name}").add_arguments(command)
    arguments = parser.parse_args(given)
    code: int = import_module(f"{__name__}.{arguments.command}").run(arguments)
    return code
