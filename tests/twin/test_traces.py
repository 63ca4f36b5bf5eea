"""Readers of recorded requests, on small files written for them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from wva_exporter.errors import ConfigError
from wva_exporter.twin.traces.azure import read_azure
from wva_exporter.twin.traces.burstgpt import read_burstgpt
from wva_exporter.twin.traces.mooncake import read_mooncake
from wva_exporter.twin.traces.recorded import Recorded
from wva_exporter.twin.traces.servegen import read_mean_sizes, read_windows
from wva_exporter.twin.workloads.stream import NO_PREFIX

AZURE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.1805900,879,55
2023-11-16 18:15:50.1805900,396,109
"""
BURSTGPT = """Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45,ChatGPT,1087,0,1087,Conversation log
118.5,GPT-4,417,276,693,API log
"""
MOONCAKE = """{"timestamp": 0, "input_length": 1500, "output_length": 50, "hash_ids": [0, 1, 2]}
{"timestamp": 1500, "input_length": 2500, "output_length": 60, "hash_ids": [0, 1, 2, 3, 4]}
{"timestamp": 3000, "input_length": 700, "output_length": 70, "hash_ids": [0, 5]}
{"timestamp": 4000, "input_length": 90, "output_length": 80, "hash_ids": [9]}
"""
SERVEGEN = """t_seconds,rate_rps,cv,pattern,param1,param2
0,8.5,1.36,Gamma,0.54,0.21
600,0,0,,0,0
1200,2.5,1.1,Weibull,0.9,0.4
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """A file of this text, called ``trace``."""

    def written(text: str) -> Path:
        path = tmp_path / "trace"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def rows(recording: Recorded) -> list[tuple[float, int, int]]:
    """Seconds, prompt and answer of each request."""
    columns = (recording.seconds, recording.prompt_tokens, recording.output_tokens)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_azures_times_count_from_the_first(write: Callable[[str], Path]) -> None:
    """Seven digits behind the second, as in the published files; two requests may come at once."""
    found = rows(read_azure(write(AZURE)))
    assert [at for at, _, _ in found] == pytest.approx([0, 3.5, 3.5], abs=1e-6)
    assert [sizes for _, *sizes in found] == [[374, 44], [879, 55], [396, 109]]


def test_azures_later_times_have_a_zone(write: Callable[[str], Path]) -> None:
    """The trace of 2024 writes +00:00."""
    text = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2024-05-10 00:00:00.009930+00:00,2162,5\r\n"
    assert rows(read_azure(write(text))) == [(0.0, 2162, 5)]


def test_burstgpts_failures_are_left_out(write: Callable[[str], Path]) -> None:
    """A request without response tokens was not served, and nobody knows what its answer would have been."""
    assert rows(read_burstgpt(write(BURSTGPT))) == [(0.0, 472, 18), (113.5, 417, 276)]


def test_burstgpts_later_columns_are_skipped(write: Callable[[str], Path]) -> None:
    """Columns are found by their names, wherever they stand."""
    text = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens\n1,7,0.5,GPT-4,10,20\n"
    assert rows(read_burstgpt(write(text))) == [(0.0, 10, 20)]


def test_mooncakes_conversations_share_their_first_turn(write: Callable[[str], Path]) -> None:
    """The first two share three blocks, of which the first prompt fills not all; the third shares one block with both."""
    recording = read_mooncake(write(MOONCAKE))
    assert rows(recording)[1] == (1.5, 2500, 60)
    assert recording.prefix.tolist() == [2, 2, 0, NO_PREFIX]
    assert recording.prefix_tokens.tolist() == [1500, 1536, 512, 0]


def test_servegens_windows_are_of_a_client(write: Callable[[str], Path]) -> None:
    """Rate and law of each ten minutes; a window without requests has no law."""
    windows = read_windows(write(SERVEGEN))
    assert windows.start_seconds.tolist() == [0, 600, 1200]
    assert windows.rps.tolist() == [8.5, 0, 2.5]
    assert windows.weibull.tolist() == [False, False, True]
    assert windows.shape[[0, 2]].tolist() == [0.54, 0.9]


def test_servegens_windows_are_of_all_clients(write: Callable[[str], Path]) -> None:
    """Many clients together come as Poisson does, which is a gamma law of shape 1."""
    windows = read_windows(write("t_seconds,total_rate_rps,active_clients\n0,212.78,43\n600,179.7,40\n"))
    assert windows.rps.tolist() == [212.78, 179.7]
    assert windows.shape.tolist() == [1, 1]


def test_servegens_sizes_hold_from_their_time_on(write: Callable[[str], Path]) -> None:
    """Three columns of the file's four."""
    sizes = read_mean_sizes(write("t_seconds,weight,mean_input_tokens,mean_output_tokens\n0,9,359.8,301.1\n"))
    assert (sizes.prompt_tokens.tolist(), sizes.output_tokens.tolist()) == ([359.8], [301.1])


AZURE_COLUMNS = "TIMESTAMP, ContextTokens, GeneratedTokens"
TOP = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
NOT_A_COUNT = "is not allowed: must be a whole number of tokens from 0 to 1000000000"
NOT_A_NUMBER = "is not allowed: must be a number from 0 to 1e15"
NOT_A_TIME = "is not allowed: must be a whole number from 0 to 9223372036854775807"
NOT_A_SIZE = "is not allowed: must be a whole number from 0 to 1000000000"
NO_HASHES = ":1: hash_ids: must be a list of whole numbers from 0 to 9223372036854775807"
BAD: list[tuple[Callable[[Path], object], str, list[str]]] = [
    (read_azure, TOP + "2023-11-16 18:15:46,x,44\n", [f":2: ContextTokens: 'x' {NOT_A_COUNT}"]),
    (
        read_azure,
        TOP + "yesterday,1,1.5\n2023-11-16 18:15:46,-1,44\n",
        [
            ":2: TIMESTAMP: 'yesterday' is not allowed: must be a time such as 2023-11-16 18:15:46.6805900",
            f":2: GeneratedTokens: '1.5' {NOT_A_COUNT}",
            f":3: ContextTokens: '-1' {NOT_A_COUNT}",
        ],
    ),
    (read_azure, TOP + "2023-11-16 18:15:46,5\n", [":2: 2 fields where the first line names 3"]),
    (
        read_azure,
        "time,in,out\n1,2,3\n",
        [f":1: the first line must name the columns {AZURE_COLUMNS}; {AZURE_COLUMNS} is lacking"],
    ),
    (
        read_burstgpt,
        BURSTGPT + "nan,GPT-4,1,1,2,x\n",
        [f":5: Timestamp: 'nan' {NOT_A_NUMBER}"],
    ),
    (read_mooncake, "{]\n", [":1: not a JSON object"]),
    (read_mooncake, "\n" + "[" * 100_000, [":2: not a JSON object"]),
    (
        read_mooncake,
        '{"timestamp": 1, "input_length": "7", "hash_ids": []}',
        [
            f":1: input_length: '7' {NOT_A_SIZE}",
            ":1: output_length is required",
        ],
    ),
    (
        read_mooncake,
        '{"timestamp": 1, "input_length": 7, "output_length": 1, "hash_ids": ["a"]}',
        [NO_HASHES],
    ),
    (
        read_windows,
        SERVEGEN + "1800,1,1,Pareto,1,1\n",
        [":5: pattern: 'Pareto' is not allowed: must be Gamma or Weibull"],
    ),
    (read_mean_sizes, "t_seconds,mean_input_tokens,mean_output_tokens\n", [":1: there is no line with mean sizes"]),
]


@pytest.mark.parametrize(("read", "text", "said"), BAD, ids=[str(place) for place in range(len(BAD))])
def test_a_bad_line_is_told_with_file_line_and_field(
    write: Callable[[str], Path], read: Callable[[Path], object], text: str, said: list[str]
) -> None:
    """Everything at once, each in one line."""
    path = write(text)
    with pytest.raises(ConfigError) as refused:
        read(path)
    assert list(refused.value.findings) == [f"{path}{line}" for line in said]


DIGITS = "9" * 5000
SHOWN = f"'{'9' * 59}…'"


def mooncake(field: str, written: str) -> str:
    """A line with this written in a field."""
    line = {"timestamp": "1", "input_length": "7", "output_length": "1", "hash_ids": "[3]"} | {field: written}
    return "{" + ", ".join(f'"{name}": {value}' for name, value in line.items()) + "}\n"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("1e400", "'1e400'"),
        ("NaN", "'NaN'"),
        ("-Infinity", "'-Infinity'"),
        ("7.5", "'7.5'"),
        (str(10**30), f"'{10**30}'"),
        (DIGITS, SHOWN),
        ("-1", "-1"),
        ("true", "true"),
        ("null", "null"),
        ("[1]", "a list"),
        (f'{{"x": {DIGITS}}}', "an object"),
        (f'"{DIGITS}"', SHOWN),
        ('"a\\nb"', r"'a\nb'"),
    ],
)
def test_whatever_else_stands_where_mooncake_has_a_number_is_told_in_a_line(
    write: Callable[[str], Path], written: str, shown: str
) -> None:
    """Too large for a column, no number, or only almost one: file, line, field, and no more of it than a line holds."""
    for field, wanted in (("timestamp", NOT_A_TIME), ("input_length", NOT_A_SIZE), ("output_length", NOT_A_SIZE)):
        path = write(mooncake("input_length", "7") + mooncake(field, written))
        with pytest.raises(ConfigError) as refused:
            read_mooncake(path)
        assert list(refused.value.findings) == [f"{path}:2: {field}: {shown} {wanted}"]
    path = write(mooncake("hash_ids", f"[3, {written}]"))
    with pytest.raises(ConfigError) as refused:
        read_mooncake(path)
    assert list(refused.value.findings) == [f"{path}{NO_HASHES}"]


def test_the_largest_numbers_that_a_column_holds_are_read(write: Callable[[str], Path]) -> None:
    """Hashes of 63 bits, and a prompt of a thousand million tokens."""
    text = mooncake("hash_ids", f"[{2**63 - 1}]") + mooncake("input_length", str(10**9)).replace(
        "[3]", f"[{2**63 - 1}]"
    )
    recording = read_mooncake(write(text))
    assert recording.prefix.tolist() == [2**63 - 1] * 2
    assert recording.prompt_tokens.tolist() == [7, 10**9]


@pytest.mark.parametrize("written", ["1e400", str(10**30), DIGITS, "nan", "-1", "true", '"7"', ""])
def test_whatever_else_stands_where_a_table_has_a_number_is_told_in_a_line(
    write: Callable[[str], Path], written: str
) -> None:
    """In each column of each reader of such files."""
    shown = repr(written) if len(written) < 60 else SHOWN
    one, total, means = "Timestamp,Request tokens,Response tokens", "t_seconds,total_rate_rps", MEANS.partition("\n")[0]
    client = "t_seconds,rate_rps,pattern,param1"
    for read, line, column, wanted in (
        (read_azure, f"{TOP}2023-11-16 18:15:46,{written},1", "ContextTokens", NOT_A_COUNT),
        (read_azure, f"{TOP}2023-11-16 18:15:46,1,{written}", "GeneratedTokens", NOT_A_COUNT),
        (read_burstgpt, f"{one}\n{written},1,1", "Timestamp", NOT_A_NUMBER),
        (read_burstgpt, f"{one}\n1,{written},1", "Request tokens", NOT_A_COUNT),
        (read_burstgpt, f"{one}\n1,1,{written}", "Response tokens", NOT_A_COUNT),
        (read_windows, f"{total}\n{written},1", "t_seconds", NOT_A_NUMBER),
        (read_windows, f"{total}\n0,{written}", "total_rate_rps", NOT_A_NUMBER),
        (read_windows, f"{client}\n0,1,Gamma,{written}", "param1", NOT_A_NUMBER),
        (read_mean_sizes, f"{means}\n{written},1,1", "t_seconds", NOT_A_NUMBER),
        (read_mean_sizes, f"{means}\n0,{written},1", "mean_input_tokens", NOT_A_NUMBER),
        (read_mean_sizes, f"{means}\n0,1,{written}", "mean_output_tokens", NOT_A_NUMBER),
    ):
        path = write(line + "\n")
        with pytest.raises(ConfigError) as refused:
            read(path)
        assert f"{path}:2: {column}: {shown} {wanted}" in refused.value.findings


def test_a_time_that_goes_back_is_shown_no_longer_than_a_line(write: Callable[[str], Path]) -> None:
    """A number may be written with thousands of zeros in front."""
    path = write(f"Timestamp,Request tokens,Response tokens\n5,1,1\n{'0' * 5000}4,1,1\n")
    with pytest.raises(ConfigError) as refused:
        read_burstgpt(path)
    assert list(refused.value.findings) == [f"{path}:3: Timestamp: '{'0' * 59}…' {BACK}"]


BACK = "is not allowed: must be at or after the time before"
BEFORE = "2023-11-16 18:15:46,1,1\n"
TOTAL = "t_seconds,total_rate_rps\n0,1\n600,1\n"
MEANS = "t_seconds,mean_input_tokens,mean_output_tokens\n21600,5,5\n21600,6,6\n"
REQUEST = '{"timestamp": 1500, "input_length": 7, "output_length": 1, "hash_ids": []}\n'


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (read_azure, AZURE + BEFORE, f":5: TIMESTAMP: '2023-11-16 18:15:46' {BACK}"),
        (read_burstgpt, BURSTGPT + "44.5,GPT-4,1,0,1,x\n", f":5: Timestamp: '44.5' {BACK}"),
        (read_mooncake, REQUEST * 2 + REQUEST.replace("1500", "1499"), f":3: timestamp: 1499 {BACK}"),
        (
            read_windows,
            TOTAL + "600,1\n",
            ":4: t_seconds: '600' is not allowed: must be at least 600 s after the time before",
        ),
        (read_mean_sizes, MEANS + "0,6,6\n", f":4: t_seconds: '0' {BACK}"),
    ],
    ids=["azure", "burstgpt", "mooncake", "servegen", "servegen sizes"],
)
def test_a_file_whose_times_go_back_is_refused_where_they_do(
    write: Callable[[str], Path], read: Callable[[Path], object], text: str, said: str
) -> None:
    """Once a place, and never where a time only comes again; windows of ten minutes must not overlap either."""
    path = write(text + text.splitlines(keepends=True)[-1] if read is not read_windows else text)
    with pytest.raises(ConfigError) as refused:
        read(path)
    assert list(refused.value.findings) == [f"{path}{said}"]


def test_a_file_full_of_mistakes_is_not_read_to_its_end(write: Callable[[str], Path]) -> None:
    """Twenty findings and a word that there may be more."""
    with pytest.raises(ConfigError) as refused:
        read_azure(write(TOP + "?,1,1\n" * 1000))
    assert len(refused.value.findings) == 21
    assert refused.value.findings[-1].endswith("and perhaps more")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """By its path; so are folders and files that are no text."""
    with pytest.raises(ConfigError, match="no such file"):
        read_mooncake(tmp_path / "none")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_azure(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        read_azure(tmp_path / "binary")
