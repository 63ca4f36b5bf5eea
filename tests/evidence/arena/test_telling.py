"""Boards as JSON, CSV, Markdown and kept cells."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace

import pytest
from arena_builder import scenario
from board_builder import board, scored

from wva_exporter.errors import InvalidValue
from wva_exporter.evidence.arena.cells import as_text, cells, moved
from wva_exporter.evidence.arena.documents import as_csv, as_json
from wva_exporter.evidence.arena.markdown import BETTER, changed_table, demand_list, filled, scenario_table, summary
from wva_exporter.evidence.arena.quality import demands
from wva_exporter.evidence.arena.tuning import choose, grid, grid_table
from wva_exporter.twin.contenders import contender

TABLE = {
    "s": {
        "headroom": [scored(0.90, 10.0), scored(0.92, 11.0), scored(0.94, 12.0)],
        "hpa": scored(0.97, 8.0, ttft_p95_seconds=math.inf, energy_kilowatt_hours=math.nan),
        "oracle": scored(0.98, 5.0),
    }
}


def test_json_has_means_how_sure_they_are_and_shares_of_the_limits() -> None:
    """What is endless or unknown is null: JSON has no other word for it."""
    (told,) = json.loads(as_json(board(TABLE)))["scenarios"]
    ours, hpa, _ = told["policies"]
    assert ours["name"] == "headroom"
    assert ours["attainment_ratio"]["mean"] == pytest.approx(0.92)
    assert ours["attainment_ratio"]["half"] == pytest.approx(0.02 * 4.3027 / 3**0.5, rel=1e-3)
    assert ours["of_oracle"]["cost"]["mean"] == pytest.approx(2.2)
    assert hpa["ttft_p95_seconds"]["mean"] is None
    assert hpa["energy_kilowatt_hours"]["mean"] is None


def test_documents_do_not_tell_how_long_deciding_took() -> None:
    """It is this machine's, and would make two answers of the same seeds differ."""
    told = as_json(board(TABLE)) + as_csv(board(TABLE))
    assert "deciding_seconds" not in told
    assert "reversals" in told


def test_csv_has_a_row_a_run() -> None:
    """Endless numbers say so, unknown ones are empty."""
    rows = list(csv.DictReader(io.StringIO(as_csv(board(TABLE)))))
    assert [(row["policy"], row["seed"]) for row in rows[:4]] == [
        ("headroom", "0"),
        ("headroom", "1"),
        ("headroom", "2"),
        ("hpa", "0"),
    ]
    assert [float(row["cost"]) for row in rows[:3]] == [10.0, 11.0, 12.0]
    assert (rows[3]["ttft_p95_seconds"], rows[3]["energy_kilowatt_hours"]) == ("inf", "")


def test_numbers_have_six_digits_and_whole_ones_no_point() -> None:
    """A third has no end and 0.1 + 0.2 is no 0.3: both would be noise to whoever reads them."""
    odd = scored(1 / 3, 0.1 + 0.2, replica_hours=1234.56789, ttft_p50_seconds=1.23456789e-5)
    told = board({"s": {"headroom": odd}})
    (row, *_) = csv.DictReader(io.StringIO(as_csv(told)))
    written = [row[name] for name in ("attainment_ratio", "cost", "replica_hours", "ttft_p50_seconds", "actions")]
    assert written == ["0.333333", "0.3", "1234.57", "1.23457e-05", "4"]
    ((ours,),) = (scenario["policies"] for scenario in json.loads(as_json(told))["scenarios"])
    assert [ours[name]["mean"] for name in ("attainment_ratio", "cost", "replica_hours")] == [0.333333, 0.3, 1234.57]


def test_lost_cells_stay_and_are_marked() -> None:
    """HPA is better on both here: in the summary and in the scenario's table."""
    assert "| **97.0 / 0.73** |" in summary(board(TABLE))
    told = scenario_table(board(TABLE), scenario(name="s"))
    assert f"| hpa {BETTER} | 97.0 ± 0.0 |" in told
    assert "| headroom | 92.0 ± 5.0 |" in told
    assert "never" in told


def test_every_table_has_as_many_cells_in_each_row() -> None:
    """Otherwise pages draw no table."""
    tables = (
        summary(board(TABLE)),
        scenario_table(board(TABLE), scenario(name="s")).partition("\n\n")[2].partition("\n\n")[2],
        changed_table(board(TABLE), [("faster", "s")]),
    )
    for table in tables:
        assert len({line.count("|") for line in table.strip().splitlines() if line.startswith("|")}) == 1


def test_demands_say_where_they_are_missed() -> None:
    """With the scenario and the number."""
    told = demand_list(demands(board(TABLE)))
    assert "cost at most 1.6 times the oracle's in any scenario: **missed** in 1 of 1: s 2.200" in told


def test_a_page_gets_its_sections_and_keeps_the_rest() -> None:
    """Twice the same sections are once the same page; a page without the marker is refused."""
    page = "before\n<!-- a -->\nold\n<!-- /a -->\nafter\n"
    once = filled(page, {"a": "new"})
    assert once == "before\n<!-- a -->\n\nnew\n<!-- /a -->\nafter\n"
    assert filled(once, {"a": "new"}) == once
    with pytest.raises(InvalidValue, match="no markers of b"):
        filled(page, {"b": "new"})


def test_kept_cells_are_found_again() -> None:
    """What is written is what is compared, and equal to itself."""
    found = cells(board(TABLE))
    assert moved(json.loads(as_text(found)), found) == []


def test_a_cell_that_moved_by_more_than_its_interval_is_named() -> None:
    """Less than that is not; nor is less than half a point where all seeds agree."""
    kept = cells(board(TABLE))
    ours = TABLE["s"]["headroom"]
    within = board({"s": TABLE["s"] | {"headroom": [replace(each, cost=each.cost + 1) for each in ours]}})
    beyond = board({"s": TABLE["s"] | {"headroom": [replace(each, cost=each.cost + 9) for each in ours]}})
    assert moved(kept, cells(within)) == []
    assert moved(kept, cells(beyond)) == ["s/headroom/cost: was 11 ± 2.48414, is 20"]
    steady = board({"s": TABLE["s"] | {"hpa": scored(0.974, 8.0)}})
    assert moved(kept, cells(steady)) == []


def test_cells_that_come_or_go_are_named() -> None:
    """A contender that vanished would otherwise be a test that cannot fail."""
    kept = cells(board(TABLE))
    fewer = {name: cell for name, cell in kept.items() if "/hpa/" not in name}
    assert len(moved(kept, fewer)) == 3
    assert len(moved(fewer, kept)) == 3


def test_settings_of_the_grid_are_contenders() -> None:
    """Each of them has a name that somebody answers to."""
    assert [contender(name).name for name in grid()] == list(grid())


def test_the_best_affordable_setting_of_a_kind_is_chosen() -> None:
    """Not the one that buys attainment; where all cost more, the cheapest."""
    table = {
        "s": {
            "headroom": scored(0.9, 10.0),
            "hpa(kv=0.2)": scored(0.99, 14.0),
            "hpa(kv=0.5)": scored(0.85, 9.0),
            "hpa(kv=0.7)": scored(0.60, 5.0),
            "keda(queue=1)": scored(0.9, 12.0),
            "keda(queue=5)": scored(0.8, 11.0),
        }
    }
    chosen = choose(board(table))
    assert chosen == ("hpa(kv=0.5)", "keda(queue=5)")
    assert "| **hpa(kv=0.5)** | 85.0 | 0.90 | - |" in grid_table(board(table), chosen)
