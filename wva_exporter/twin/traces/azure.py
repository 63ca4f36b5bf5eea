"""Azure's LLM inference traces of 2023 and 2024: ``TIMESTAMP,ContextTokens,GeneratedTokens``, one request a line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from wva_exporter.twin.traces.recorded import Recorded, recorded
from wva_exporter.twin.traces.refusals import COUNT, Refusals, count, rows

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")


def read_azure(path: Path) -> Recorded:
    """The requests of a file.

    Raises:
        ConfigError: the file cannot be read or is refused; every finding is one line.
    """
    seconds, prompts, outputs = list[float](), list[int](), list[int]()
    with Refusals(path) as refusals, path.open(encoding="utf-8") as lines:
        for line, (when, context, generated) in rows(refusals, lines, COLUMNS):
            at = refusals.time(line, COLUMNS[0], _seconds, when, "a time such as 2023-11-16 18:15:46.6805900")
            prompt = refusals.field(line, COLUMNS[1], count, context, COUNT)
            output = refusals.field(line, COLUMNS[2], count, generated, COUNT)
            if at is not None and prompt is not None and output is not None:
                seconds.append(at)
                prompts.append(prompt)
                outputs.append(output)
    return recorded(seconds, prompts, outputs)


def _seconds(text: str) -> float:
    """Seconds since 1970; times without a zone are UTC."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
