"""What is believed before the first measurement: shipped, overridden, guessed, or anything at all."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from core.learning.engines import Law, spread_loads, window

from wva_exporter.config.catalogue import load_catalogue, parse_catalogue
from wva_exporter.core.catalogue import SHEET_SPREAD, PowerCurve
from wva_exporter.core.queueing.belief import ANYTHING_SECONDS, Belief
from wva_exporter.core.queueing.estimation import fit
from wva_exporter.core.queueing.system import ServiceModel
from wva_exporter.errors import ConfigError, InvalidValue

SHIPPED = load_catalogue()


def guess(model: str, accelerator: str, gpus: int = 1) -> Belief:
    """Of one variant."""
    return SHIPPED.guess([model], [accelerator], [gpus])


def test_a_measured_pair_is_believed_as_measured() -> None:
    """Whatever the case of its names, with or without owner, under its alias."""
    for name in ("meta-llama/Llama-3.1-8B", "llama-3.1-8b-instruct", "acme/Llama-3.1-8B"):
        assert guess(name, "h100").mean_seconds[0] * 1e3 == pytest.approx([6.70, 0.02084, 4.91e-5])


def test_a_data_sheet_tells_within_a_factor_of_two() -> None:
    """The roofline of the measured pair, had it not been measured, is near what was."""
    without = parse_catalogue("profiles: []", "none")
    sheet = without.laid_over(SHIPPED)
    bare = type(SHIPPED)(accelerators=sheet.accelerators, models=sheet.models, profiles=())
    found = bare.guess(["meta-llama/Llama-3.1-8B"], ["H100"], [1])
    ratio = found.mean_seconds[0] / guess("meta-llama/Llama-3.1-8B", "H100").mean_seconds[0]
    assert np.all((ratio > 0.5) & (ratio < 2.0))
    assert found.spread[0] == pytest.approx(SHEET_SPREAD)


def test_the_less_is_known_the_wider_the_guess() -> None:
    """Measured, from a data sheet, by the size in its name, nothing."""
    spreads = [
        guess(*names).spread[0, 0]
        for names in (
            ("meta-llama/Llama-3.1-8B", "H100"),
            ("Qwen/Qwen3-8B", "A100"),
            ("acme/brain-13b-chat", "A100"),
            ("acme/brain", "A100"),
        )
    ]
    assert spreads == sorted(set(spreads))


def test_two_cards_read_the_weights_in_half_the_time() -> None:
    """Weights are split; so is everything that an iteration does."""
    one, two = guess("Qwen/Qwen3-32B", "A100", 1), guess("Qwen/Qwen3-32B", "A100", 2)
    assert two.mean_seconds[0] == pytest.approx(one.mean_seconds[0] / 2)


def test_a_mixture_of_experts_reads_all_and_computes_part() -> None:
    """Mixtral computes less a token than a dense model of its size."""
    card, model = SHIPPED.accelerator("H100"), SHIPPED.model("Mixtral-8x7B-Instruct-v0.1")
    assert card is not None
    assert model is not None
    assert model.active_billion < model.parameters_billion


def test_an_unknown_card_says_nothing() -> None:
    """Then anything is possible."""
    assert guess("meta-llama/Llama-3.1-8B", "TPU9").mean_seconds[0] == pytest.approx(ANYTHING_SECONDS)


def test_every_price_is_dated_and_has_its_source() -> None:
    """They are assumptions, and none is younger than itself."""
    priced = [card.price for card in SHIPPED.accelerators if card.price is not None]
    assert len(priced) >= 6
    assert all(price.source and date.fromisoformat(f"{price.as_of[:7]}-01").year >= 2025 for price in priced)


def test_power_rises_from_idle_to_full() -> None:
    """Three points, straight between them; without an idle figure the full one, which claims no saving."""
    curve = PowerCurve(idle_watts=200.0, mid_watts=600.0, full_watts=700.0)
    assert curve.watts(np.array([0.0, 0.3, 0.6, 1.0])).tolist() == [200.0, 400.0, 600.0, 700.0]
    assert PowerCurve(idle_watts=None, mid_watts=None, full_watts=600.0).watts(np.array([0.0])).tolist() == [600.0]
    for card in SHIPPED.accelerators:
        assert card.power is not None
        draw = card.power.watts(np.linspace(0.0, 1.0, 11))
        assert np.all(np.diff(draw) >= 0.0)


def test_an_own_file_wins(tmp_path: Path) -> None:
    """By the same name, and beside what is shipped."""
    own = tmp_path / "own.yaml"
    own.write_text(
        "accelerators:\n  - {name: H100, memory_gb: 80, bandwidth_gb_per_second: 2000, bf16_tflops: 700,\n"
        "     price: {per_hour: 1.5, currency: EUR, as_of: 2026-09, source: contract}}\n"
        "profiles:\n  - {model: acme/brain, accelerator: H100, alpha_ms: 5, beta_ms: 0.01, gamma_ms: 0.00002, source: us}\n"
    )
    catalogue = load_catalogue([own])
    card = catalogue.accelerator("H100-SXM") or catalogue.accelerator("H100")
    newest = catalogue.accelerator("H100")
    assert card is not None
    assert newest is not None
    assert newest.price is not None
    assert (newest.bandwidth_gb_per_second, newest.price.currency) == (2000, "EUR")
    assert catalogue.guess(["acme/brain"], ["H100"], [1]).mean_seconds[0, 0] == pytest.approx(5e-3)


CARD = "accelerators:\n  - {name: x, bandwidth_gb_per_second: 1, bf16_tflops: 1"
PAIR = "profiles:\n  - {model: m, accelerator: c"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("models:\n  - {name: x, kv_bytes_per_token: 5}\n", "own.yaml:2: models[0]: parameters_billion is required"),
        ("accelerators:\n  - name: x\n    memory_gb: -1\n", "own.yaml:3: accelerators[0].memory_gb"),
        ("cards: []\n", "own.yaml:1: unknown key 'cards'"),
        (f"{CARD}, memory_gb: true}}\n", "own.yaml:2: accelerators[0].memory_gb: true is not allowed"),
        (f"{CARD}, memory_gb: 9e14}}\n", "own.yaml:2: accelerators[0].memory_gb: 900000000000000.0 is not allowed"),
        (
            f"{CARD}, power: {{idle_watts: 9, full_watts: 7}}}}\n",
            "own.yaml:2: accelerators[0].power.full_watts: 7 is not",
        ),
        (f"{CARD}, price: {{as_of: 2026-13}}}}\n", "own.yaml:2: accelerators[0].price.as_of: '2026-13' is not allowed"),
        (
            "models:\n  - {name: x, parameters_billion: 1, active_billion: 2, kv_bytes_per_token: 5}\n",
            "own.yaml:2: models[0].active_billion: 2 is not allowed: must be at most parameters_billion, 1",
        ),
        (f"{PAIR}, alpha_ms: 1e-300}}\n", "own.yaml:2: profiles[0].alpha_ms: 1e-300 is not allowed: must be at least"),
        (f"{PAIR}, spread: [0.1, 0.2]}}\n", "own.yaml:2: profiles[0].spread: a list is not allowed: must be three"),
        (f"{PAIR}, spread: [0.1, 0, 0.2]}}\n", "own.yaml:2: profiles[0].spread[1]: 0 is not allowed: must be at least"),
        ("models: [\n", "own.yaml:"),
        ("models:\n  - {name: x, parameters_billion: .nan, kv_bytes_per_token: 5}\n", "own.yaml:2: models[0]"),
    ],
)
def test_a_bad_file_is_refused_with_line_and_field(text: str, line: str) -> None:
    """One line a finding."""
    with pytest.raises(ConfigError) as caught:
        parse_catalogue(text, "own.yaml")
    assert any(finding.startswith(line) for finding in caught.value.findings)


def test_an_entry_of_ones_own_counts_for_every_name_of_its_card(tmp_path: Path) -> None:
    """Also for aliases that only the shipped one lists."""
    own = tmp_path / "own.yaml"
    own.write_text("accelerators:\n  - {name: H100, memory_gb: 96, bandwidth_gb_per_second: 4000, bf16_tflops: 989}\n")
    card = load_catalogue([own]).accelerator("H100-SXM")
    assert card is not None
    assert card.memory_gb == 96


@pytest.mark.parametrize(
    ("alpha", "beta", "gamma", "spread"), [(1e5, 1e3, 1e3, 10), (1e-3, 1e-12, 1e-12, 10), (1e5, 1e-12, 1e3, 1e-3)]
)
def test_the_wildest_profile_that_is_taken_can_be_learned_from(
    alpha: float, beta: float, gamma: float, spread: float
) -> None:
    """A belief that is far off gives way to the data, or stays: numbers all the same."""
    text = f"{PAIR}, alpha_ms: {alpha}, beta_ms: {beta}, gamma_ms: {gamma}, spread: [{spread}, {spread}, {spread}]"
    belief = parse_catalogue(f"{text}, source: us}}\n", "own.yaml").guess(["m"], ["c"], [1])
    seen = window(Law(), spread_loads(8))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = fit(seen, belief, ServiceModel.CHUNK)
    assert np.all(np.isfinite(found.belief.mean_seconds))
    assert np.all(found.belief.mean_seconds > 0)


def test_columns_of_one_fleet_have_one_length() -> None:
    """A mistake of the caller is said."""
    with pytest.raises(InvalidValue, match="2 models"):
        SHIPPED.guess(["a", "b"], ["H100"], [1])
