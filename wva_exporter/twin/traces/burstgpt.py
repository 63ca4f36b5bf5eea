"""BurstGPT: ``Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type``, times in seconds.

Later editions have session columns as well; requests that failed have no response tokens.
"""

from __future__ import annotations

from pathlib import Path

from wva_exporter.twin.traces.recorded import Recorded, recorded
from wva_exporter.twin.traces.refusals import COUNT, NUMBER, Refusals, count, number, rows

COLUMNS = ("Timestamp", "Request tokens", "Response tokens")


def read_burstgpt(path: Path) -> Recorded:
    """The requests of a file that were answered, of all its models.

    Raises:
        ConfigError: the file cannot be read or is refused; every finding is one line.
    """
    seconds, prompts, outputs = list[float](), list[int](), list[int]()
    with Refusals(path) as refusals, path.open(encoding="utf-8") as lines:
        for line, (when, request, response) in rows(refusals, lines, COLUMNS):
            at = refusals.time(line, COLUMNS[0], number, when, NUMBER)
            prompt = refusals.field(line, COLUMNS[1], count, request, COUNT)
            output = refusals.field(line, COLUMNS[2], count, response, COUNT)
            if at is not None and prompt is not None and output is not None:
                seconds.append(at)
                prompts.append(prompt)
                outputs.append(output)
    return recorded(seconds, prompts, outputs)
