"""Work over several processes: the order of results, and what becomes of an error."""

import time
from pathlib import Path

import pytest

from wva_exporter.errors import ConfigError
from wva_exporter.evidence.arena.workers import spread
from wva_exporter.twin.traces.azure import read_azure


@pytest.mark.parametrize("workers", [1, 2])
def test_results_stand_in_the_order_of_the_jobs(workers: int) -> None:
    """Whoever was done first; each is told once."""
    told: list[None] = []
    assert spread(abs, [-3, 2, -1, 0], workers, lambda: told.append(None)) == [3, 2, 1, 0]
    assert len(told) == 4


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_worker_refuses_is_told_in_its_words(tmp_path: Path, workers: int) -> None:
    """In this process or in another, every finding as it was."""
    path = tmp_path / "trace.csv"
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n?,1,1\n2024-05-10 00:00:00,x,1\n")
    with pytest.raises(ConfigError) as error:
        spread(read_azure, [path, path], workers)
    assert [finding.partition(" is not")[0] for finding in error.value.findings] == [
        f"{path}:2: TIMESTAMP: '?'",
        f"{path}:3: ContextTokens: 'x'",
    ]


def test_after_an_error_no_other_job_is_begun() -> None:
    """Those that wait are left; those under way end, so that no lock is left behind."""
    told: list[None] = []
    with pytest.raises(TypeError):
        spread(time.sleep, [0.5, "x", *[0.5] * 40], 2, lambda: told.append(None))  # type: ignore[list-item]
    assert len(told) < 20
