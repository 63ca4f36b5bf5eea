"""Who takes part in a simulation: the names of ``--policy``, each of them somebody else."""

from __future__ import annotations

import difflib
import re

from wva_exporter.config.findings import printable
from wva_exporter.errors import ConfigError, InvalidValue
from wva_exporter.evidence.arena.search import LIMITS
from wva_exporter.twin.contender import Contender
from wva_exporter.twin.contenders import CONTENDERS, alike, contender

USUAL = "headroom,hpa"
SETTINGS = {
    "hpa": ("kv", "queue", "up", "down"),
    "hpa-concurrency": ("share", "up", "down"),
    "keda": ("queue", "running", "up", "down"),
    "headroom": ("actuator", "parameters"),
    "wva-v1": ("actuator",),
    "wva-v2": ("actuator", "scale_up", "scale_down"),
}
"""What stands in brackets behind a name."""

_LISTED = "--list names everybody, with the settings that stand in brackets, such as hpa(kv=0.2,queue=2)"
_COMMA = re.compile(r",(?![^(]*\))")


def names_of(text: str) -> list[str]:
    """The names of a list; a comma within brackets belongs to a name."""
    return [name.strip() for name in _COMMA.split(text) if name.strip()]


def entrants(text: str) -> tuple[list[Contender], list[str]]:
    """The contenders of a list, in its order, and the names of the limits in it.

    Raises:
        ConfigError: a name is nobody's, or two are of the same: a table would have a row twice, or two that cannot differ.
    """
    names = names_of(text)
    contenders = [_contender(name) for name in names if name not in LIMITS]
    found = [f"--policy: {name} is given twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    for place, one in enumerate(contenders):
        twin = next((other for other in contenders[:place] if alike(one, other)), None)
        if twin is not None and twin.name != one.name:
            found.append(f"--policy: {twin.name} and {one.name} are the same contender: leave one of them out")
    if found:
        raise ConfigError([printable(finding) for finding in found])
    return contenders, [name for name in LIMITS if name in names]


def _contender(name: str) -> Contender:
    try:
        return contender(name)
    except InvalidValue as error:
        raise ConfigError([printable(f"--policy: {_advised(name, str(error))}")]) from None


def _advised(name: str, error: str) -> str:
    """What is wrong with a name, and what may have been meant."""
    plain = name.partition("(")[0].strip()
    if plain in {*CONTENDERS, *LIMITS} and plain != name:
        if plain.partition("/")[0] not in SETTINGS:
            return f"{name}: {plain} has no settings"
        if not name.endswith(")"):
            return f"{name}: the bracket is not closed"
        return f"{error}; {_LISTED}" if "no setting" in error else error
    close = difflib.get_close_matches(plain, [*CONTENDERS, *LIMITS], n=1)
    return f"{name}: nobody is called so; {f'did you mean {close[0]}? ' if close else ''}{_LISTED}"
