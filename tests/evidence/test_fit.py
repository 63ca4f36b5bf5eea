"""Fits to measured points: what the file must hold, what comes out, and how well it predicts real engines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from core.learning.engines import Law, spread_loads, window
from third_party import third_party

import wva_exporter.evidence.measured
from wva_exporter.cli import main
from wva_exporter.config.catalogue import parse_catalogue
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.errors import ConfigError
from wva_exporter.evidence.fit import fit_points
from wva_exporter.evidence.measured import read_csv

HEADER = "rps,in_tokens,out_tokens,ttft_ms_measured,itl_ms_measured"


def points_file(folder: Path, *laws: Law) -> Path:
    """What a benchmark of these engines' workloads would write, without noise."""
    lines = [HEADER]
    for law in laws:
        seen = window(law, spread_loads(8))
        columns = (seen.rate_rps, seen.in_tokens, seen.out_tokens, seen.ttft_seconds, seen.itl_seconds)
        for rate, prompt, output, ttft, itl in zip(*(column.value[0] for column in columns), strict=True):
            lines.append(f"{rate},{prompt},{output},{ttft * 1e3},{itl * 1e3}")
    path = folder / "points.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


TWO = (Law(), Law(in_tokens=128.0, out_tokens=1024.0))


def test_points_of_an_engine_give_back_the_engine(tmp_path: Path) -> None:
    """Two workloads of one engine, and the fit to one of them predicts the other."""
    fitted = fit_points(read_csv(points_file(tmp_path, *TWO), 256), Belief.unknown(1))
    assert fitted.whole.belief.mean_seconds[0] == pytest.approx(Law().seconds, rel=0.03)
    assert fitted.by_others is not None
    for predicted in (fitted.by_whole, fitted.by_shape, fitted.by_others):
        assert max(fitted.errors(predicted)) < 0.08


def test_measured_engines_are_predicted_as_well_as_promised() -> None:
    """One fit 13 % and 7 %, a fit for each workload 7 % and 5 %, workloads left out 20 % and 12 %, TTFT and ITL."""
    points = read_csv(third_party("profiles/llama31-8b-measured-half.csv"), 256)
    fitted = fit_points(points, Belief.unknown(1))
    assert fitted.by_others is not None
    assert len(points) == 64
    for predicted, (ttft, itl) in (
        (fitted.by_whole, (0.13, 0.07)),
        (fitted.by_shape, (0.07, 0.05)),
        (fitted.by_others, (0.20, 0.12)),
    ):
        found = fitted.errors(predicted)
        assert found[0] < ttft
        assert found[1] < itl


def test_the_profile_is_an_entry_of_the_catalogue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the command writes is what the catalogue reads; the picture is one."""
    profile, picture = tmp_path / "profile.yaml", tmp_path / "fit.png"
    given = ["fit", str(points_file(tmp_path, *TWO)), "--model", "acme/brain", "--accelerator", "L40S"]
    assert main([*given, "--output", str(profile), "--plot", str(picture)]) == 0
    said = capsys.readouterr().out
    assert "16 points, 2 workloads" in said
    assert "workloads that the fit has not seen" in said
    belief = parse_catalogue(profile.read_text(), "profile.yaml").guess(["acme/brain"], ["L40S"], [1])
    assert belief.mean_seconds[0] == pytest.approx(Law().seconds, rel=0.05)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_points_of_one_load_are_called_what_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says which parameters the points hardly tell."""
    path = tmp_path / "one.csv"
    path.write_text(f"{HEADER}\n1,500,1,80,10\n")
    assert main(["fit", str(path)]) == 0
    assert "hardly tell" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("rps,in_tokens\n1,2\n", "points.csv:1: column out_tokens is missing"),
        (f"{HEADER}\n1,2,3,4,fast\n", "points.csv:2: itl_ms_measured: 'fast' is not allowed"),
        (f"{HEADER}\n1,2,3,4,5\n-1,2,3,4,nan\n", "points.csv:3: rps: '-1' is not allowed"),
        (f"{HEADER}\n1,2\n", "points.csv:2: out_tokens: an empty cell is not allowed"),
        (f"{HEADER}\n1,2,3,4,5\n1e300,2,3,4,5\n", "points.csv:3: rps: '1e300' is not allowed"),
        (f"{HEADER}\n1,2,0.5,4,5\n", "points.csv:2: out_tokens: '0.5' is not allowed: must be a number within [1,"),
        (f"{HEADER}\n1,2,3,4,{'9' * 5000}\n", "points.csv:2: itl_ms_measured: '999"),
        (f"{HEADER}\n1,2,3,4,1e-300\n", "points.csv:2: itl_ms_measured: '1e-300' is not allowed"),
        (f"{HEADER},rps\n1,2,3,4,5,6\n", "points.csv:1: column rps is given twice"),
        (f"{HEADER}\n", "points.csv: holds no point below its header"),
        ("", "points.csv:1: column rps is missing"),
        (HEADER.replace(",", ";"), "column rps is missing; needed, separated by commas: rps, in_tokens"),
        (f"{HEADER}\n1,2,3,4,5,6\n", "points.csv:2: more cells than columns"),
        (f"{HEADER}\n1_0,2,3,4,5\n", "points.csv:2: rps: '1_0' is not allowed"),
        (f"{HEADER}\n1,500,100,0.05,0.008\n", "itl_ms_measured: half of the times are at most 0.008 ms"),
        (f"{HEADER}\n1,500,100,8,50\n", "ttft_ms_measured: half of the first tokens come sooner"),
    ],
)
def test_a_bad_file_is_one_line_with_its_place(
    tmp_path: Path, text: str, finding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """File, line, column; exit 2, no traceback."""
    path = tmp_path / "points.csv"
    path.write_text(text)
    assert main(["fit", str(path)]) == 2
    assert finding in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "finding"),
    [
        ([], "give either a file of points or --prometheus.url"),
        (["nowhere.csv"], "nowhere.csv: cannot be read: No such file or directory"),
        (["--prometheus.url", "http://127.0.0.1:1"], "needs --model, --start and --end"),
        (["x.csv", "--max-batch", "0"], "--max-batch lies within"),
        (
            ["--prometheus.url", "http://x", "--model", "m", "--start", "now", "--end", "1"],
            "--start: 'now' is not allowed",
        ),
    ],
)
def test_wrong_arguments_are_refused_in_a_line(
    arguments: list[str], finding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, and what to do."""
    assert main(["fit", *arguments]) == 2
    assert finding in capsys.readouterr().err


@pytest.mark.parametrize("factors", [(1, 1, 1, 1e3, 1e3), (100, 1, 1, 1, 1)])
def test_points_that_no_engine_makes_are_no_profile(
    tmp_path: Path, factors: tuple[float, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Microseconds, and rates of a whole fleet or in requests a minute: said in a line, exit 1, and nothing written."""
    lines = points_file(tmp_path, *TWO).read_text().splitlines()
    rows = [[float(cell) for cell in line.split(",")] for line in lines[1:]]
    scaled = [",".join(str(cell * factor) for cell, factor in zip(row, factors, strict=True)) for row in rows]
    path, profile = tmp_path / "scaled.csv", tmp_path / "profile.yaml"
    path.write_text("\n".join([HEADER, *scaled]) + "\n")
    assert main(["fit", str(path), "--output", str(profile)]) == 1
    assert "no profile is written: are times in milliseconds" in capsys.readouterr().err
    assert not profile.exists()


def test_a_header_may_have_blanks(tmp_path: Path) -> None:
    """As people and some programs write lists."""
    path = tmp_path / "points.csv"
    path.write_text(HEADER.replace(",", ", ") + "\n1, 500, 100, 80, 10\n")
    assert len(read_csv(path, 256)) == 1


def test_more_points_than_anybody_needs_are_thinned_evenly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every other of sixteen here; the command says so."""
    monkeypatch.setattr(wva_exporter.evidence.measured, "MOST_CELLS", 16)
    path = points_file(tmp_path, *TWO)
    points = read_csv(path, 256)
    kept = points.thinned()
    assert kept.seen.rate_rps.value[0].tolist() == points.seen.rate_rps.value[0][::2].tolist()
    assert (kept.names, kept.workload.tolist()) == (points.names, points.workload[::2].tolist())
    assert main(["fit", str(path)]) == 0
    assert "# 16 points are more than are needed: 8 of them, evenly chosen, are fitted" in capsys.readouterr().out


def test_a_workload_that_loses_its_last_point_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the others keep their names."""
    monkeypatch.setattr(wva_exporter.evidence.measured, "MOST_CELLS", 4)
    path = tmp_path / "points.csv"
    path.write_text(f"{HEADER}\n1,4096,8,50,10\n1,64,64,50,10\n1,512,64,50,10\n")
    kept = read_csv(path, 256).thinned()
    assert (kept.names, kept.workload.tolist()) == (("4096/8",), [0])


def test_a_file_that_cannot_be_read_as_text_is_refused(tmp_path: Path) -> None:
    """Bytes are no points."""
    path = tmp_path / "points.csv"
    path.write_bytes(b"\xff\xfe\x00" * 10)
    with pytest.raises(ConfigError, match="no CSV text"):
        read_csv(path, 256)


def test_workloads_are_told_apart_by_powers_of_two(tmp_path: Path) -> None:
    """A benchmark's lengths scatter; 960 and 1,038 tokens are the same intent."""
    path = tmp_path / "points.csv"
    rows = [f"1,{tokens},64,50,10" for tokens in (960, 1038, 250)]
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    points = read_csv(path, 256)
    assert points.names == ("1024/64", "256/64")
    assert points.workload.tolist() == np.array([0, 0, 1]).tolist()
