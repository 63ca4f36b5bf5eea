"""The proof of learning in small: `python -m wva_exporter.evidence.learning` runs it whole."""

from __future__ import annotations

import numpy as np
import pytest

from wva_exporter.evidence import learning
from wva_exporter.evidence.learning import ASKED, BANDS, OTHER_SEEDS, SEED, trial
from wva_exporter.evidence.scenarios import draw, from_twin


@pytest.mark.parametrize(("band", "asked"), list(zip(BANDS, ASKED, strict=True)))
def test_forty_points_of_the_chain_are_enough(band: tuple[float, float], asked: float) -> None:
    """200 engines, the fixed seed and five others."""
    shares = [trial("chain", band, seed).share for seed in (SEED, *OTHER_SEEDS)]
    assert min(shares) >= asked


@pytest.mark.parametrize(("band", "count"), [(BANDS[0], 12), (BANDS[1], 5)])
def test_the_twin_agrees(band: tuple[float, float], count: int) -> None:
    """A few simulated engines, which know nothing of the law: half of them right at low load, nearly all at a higher one."""
    asked = ASKED[BANDS.index(band)]
    assert trial("twin", band, SEED, count).share >= asked - 0.25


def test_engines_are_drawn_as_the_page_says() -> None:
    """Within the ranges of the experiments that the original tuner failed."""
    drawn = draw(500, np.random.default_rng(1))
    low, high = drawn.parameters.min(axis=0) * 1e3, drawn.parameters.max(axis=0) * 1e3
    assert np.all(low >= [3.0, 0.005, 3e-6])
    assert np.all(high <= [28.0, 0.1, 3e-4])
    assert (drawn.in_tokens.min() >= 64, drawn.out_tokens.max() <= 832) == (True, True)


def test_what_the_twin_shows_obeys_littles_law() -> None:
    """The batch over the rate is the time that a request is served."""
    drawn = draw(2, np.random.default_rng(2))
    seen = from_twin(drawn, BANDS[1], np.random.default_rng(3))
    served = seen.ttft_seconds.value + drawn.out_tokens[:, None] * seen.itl_seconds.value
    ratio = seen.running.value / (seen.rate_rps.value * served)
    assert np.median(ratio, axis=1) == pytest.approx(1.0, abs=0.15)


def test_the_command_prints_every_band_and_fails_where_one_is_missed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table to read, an exit code for machines."""
    monkeypatch.setattr(learning, "SOURCES", {"chain": (learning.from_chain, 20)})
    monkeypatch.setattr(learning, "OTHER_SEEDS", (1,))
    assert learning.main([]) == 0
    assert capsys.readouterr().out.count("chain") == len(BANDS)
    monkeypatch.setattr(learning, "ASKED", (1.1, 0.9, 0.9))
    assert learning.main([]) == 1
