"""Results that are kept: what they depend on, how they come back, and that an interrupted run goes on."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from arena_builder import scenario

from wva_exporter.errors import InvalidValue
from wva_exporter.evidence.arena import duel as duels
from wva_exporter.evidence.arena.cache import Cache
from wva_exporter.evidence.arena.duel import Duel, play
from wva_exporter.evidence.arena.fingerprint import DECISIONS_DEPEND_ON, RESULTS_DEPEND_ON, fingerprint, sources
from wva_exporter.evidence.arena.workers import spread
from wva_exporter.twin.contenders import contender
from wva_exporter.twin.limits import Levels

CODE = """
from arena_builder import scenario
from wva_exporter.evidence.arena.fingerprint import fingerprint
print(fingerprint(scenario()))
"""


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    """Otherwise nothing that was kept would be found again."""
    told = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, env=_environment())
    assert told.stdout.strip() == fingerprint(scenario())


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(path for path in sys.path if path), "PYTHONHASHSEED": "12"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (scenario(), scenario(grace_seconds=61.0)),
        (1, 1.0),
        ((1, 2), (12,)),
        (("a", "bc"), ("ab", "c")),
        (np.arange(3), np.arange(3.0)),
        ({"a": 1}, {"a": 2}),
        (None, "None"),
        (b"a", "a"),
    ],
)
def test_what_differs_has_another_fingerprint(one: object, other: object) -> None:
    """A result is never found under the key of another one."""
    assert fingerprint(one) != fingerprint(other)


def test_equal_values_have_one_fingerprint() -> None:
    """Not their identity counts, nor the order of a mapping."""
    assert fingerprint(scenario()) == fingerprint(scenario())
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


def test_a_file_stands_for_its_content(tmp_path: Path) -> None:
    """A trace that was changed is another trace."""
    path = tmp_path / "trace.csv"
    path.write_text("1\n")
    before = fingerprint(path)
    path.write_text("2\n")
    assert fingerprint(path) != before


def test_what_cannot_be_compared_is_refused() -> None:
    """An object without known parts would be a key that never or always fits."""
    with pytest.raises(InvalidValue, match="object"):
        fingerprint(object())


def test_the_code_that_results_depend_on_is_there() -> None:
    """A folder that was renamed would silently stop to count."""
    root = Path(duels.__file__).parent.parent.parent
    assert all((root / name).exists() for name in (*RESULTS_DEPEND_ON, *DECISIONS_DEPEND_ON))
    assert sources(deciding=True) != sources(deciding=False)


def test_numbers_come_back_as_they_were(tmp_path: Path) -> None:
    """Endless and unknown ones too; a file that is damaged is as good as none."""
    cache = Cache(folder=tmp_path)
    cache.put("abcd", {"a": 1.5, "b": math.inf, "c": math.nan})
    found = cache.get("abcd")
    assert found is not None
    assert (found["a"], found["b"]) == (1.5, math.inf)
    assert math.isnan(found["c"])
    (tmp_path / "ab" / "cd.json").write_text('{"a": tru')
    assert cache.get("abcd") is None
    assert cache.get("efgh") is None


def test_what_was_played_is_not_played_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time nobody runs, and the score is the same; another seed is another run."""
    duel = Duel(scenario=scenario(), key="k", contender=contender("hpa"), seed=0, folder=tmp_path)
    first = play(duel)

    def never(*_: object) -> None:
        pytest.fail("was played again")

    monkeypatch.setattr(duels, "run", never)
    assert play(duel) == first
    with pytest.raises(pytest.fail.Exception, match="played again"):
        play(replace(duel, seed=1))


def test_the_same_duel_has_the_same_score() -> None:
    """All but the time that deciding took on this machine."""
    duel = Duel(scenario=scenario(), key="k", contender=contender("wva-v2"), seed=3)
    one, other = play(duel).numbers(), play(duel).numbers()
    assert {**one, "deciding_seconds": 0.0} == {**other, "deciding_seconds": 0.0}


def _half(value: int) -> float:
    return value / 2


@pytest.mark.parametrize("workers", [1, 2])
def test_results_stand_in_the_order_of_the_jobs(workers: int) -> None:
    """Whoever ends first, and in how many processes."""
    counted: list[int] = []
    assert spread(_half, [5, 1, 4], workers, lambda: counted.append(1)) == [2.5, 0.5, 2.0]
    assert len(counted) == 3


def test_no_jobs_are_no_results() -> None:
    """Nothing to do is fine."""
    assert spread(_half, [], 4) == []


def test_levels_are_values(tmp_path: Path) -> None:
    """A schedule that was tried is found again by what it says."""
    del tmp_path
    one = Levels(starts=(0.0, 5.0), replicas=((1,), (2,)))
    assert fingerprint(one) == fingerprint(Levels(starts=(0.0, 5.0), replicas=((1,), (2,))))
