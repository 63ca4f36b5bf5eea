"""Rule tests for promtool: input series, what rules must come to, and one call that says what failed."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Labels = Mapping[str, str]


def series(name: str, labels: Labels) -> str:
    """A series as PromQL writes it."""
    return f"{name}{{{','.join(f'{key}={_quoted(value)}' for key, value in labels.items())}}}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(kw_only=True)
class RuleTest:
    """One promtool test: series of equal steps and expectations at one time, which lies off every window's edge."""

    seconds: int = 307
    step_seconds: int = 15
    inputs: dict[str, str] = field(default_factory=dict)
    expectations: list[dict[str, Any]] = field(default_factory=list)

    def has(self, name: str, labels: Labels, value: float | str) -> None:
        """An input series that keeps its value up to the time of the expectations, or one in promtool's own notation."""
        steps = math.ceil(self.seconds / self.step_seconds)
        self.inputs[series(name, labels)] = value if isinstance(value, str) else f"{value!r}+0x{steps}"

    def expects(self, promql: str, rows: Iterable[tuple[Labels, float]]) -> None:
        """What the expression answers, complete."""
        samples = [{"labels": series("", labels), "value": value} for labels, value in rows]
        self.expectations.append({"expr": promql, "eval_time": f"{self.seconds}s", "exp_samples": samples})

    def expects_about(self, promql: str, labels: Labels, value: float) -> None:
        """What the expression answers, to a relative or absolute 1e-6."""
        tolerance = 1e-6 * max(1.0, abs(value))
        self.expects(f"abs({promql} - ({value!r})) <= bool {tolerance!r}", [(labels, 1.0)])

    def document(self, rules: Iterable[Path]) -> dict[str, Any]:
        """The file that promtool reads."""
        return {
            "rule_files": [str(path) for path in rules],
            "evaluation_interval": f"{self.step_seconds}s",
            "tests": [
                {
                    "interval": f"{self.step_seconds}s",
                    "input_series": [{"series": name, "values": values} for name, values in self.inputs.items()],
                    "promql_expr_test": self.expectations,
                }
            ],
        }


def failures(promtool: Path, test: RuleTest, rules: Iterable[Path], folder: Path) -> str:
    """What promtool says against it; nothing if all holds."""
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump(test.document(rules)))
    return run(promtool, "test", "rules", path)


def run(promtool: Path, *arguments: str | Path) -> str:
    """What promtool says if it refuses, nothing if it is content."""
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr
