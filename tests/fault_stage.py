"""Every policy beside the others: an exporter each, of the same engines, through the same faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from exporter_process import Exporter, Watch
from fault_table import ROWS

SIZE = 6
POLICIES = ("headroom", "wva-v1", "wva-v2")

PACE = """
interval: 1s
scrape_interval: 1s
window_floor: 2s
hold: 1h
max_down_ratio_per_minute: 1
default_namespace: llm
"""
"""Nothing but the data's own gates may keep a target up: no brake, and ten seconds before ``headroom`` gives back."""

OUTLASTS_SECONDS = 13.0
"""Longer than any window of ``PACE``: what is kept up so long is kept by more than a memory of the load."""


@dataclass(kw_only=True)
class Stage:
    """One exporter a policy, by its name."""

    exporters: Mapping[str, Exporter]

    @classmethod
    def start(cls, folder: Path, config: str, *policies: str, pace: str = PACE) -> Self:
        """All of them, or those of some policies, with the same configuration."""
        return cls(
            exporters={
                name: Exporter.start(folder / name, f"{config}policy: {name}{pace}") for name in policies or POLICIES
            }
        )

    def kill(self) -> None:
        """End them."""
        for exporter in self.exporters.values():
            exporter.kill()

    def wait(self, condition: Callable[[Exporter], object], what: str) -> None:
        """Until it holds of every one."""
        for name, exporter in self.exporters.items():
            exporter.wait(lambda exporter=exporter: condition(exporter), f"{what} ({name})")

    def held(self, what: str) -> None:
        """Wait until every policy's target is an echo of an earlier one, for a reason."""
        self.wait(lambda exporter: exporter.reason() not in ("none", ""), what)

    def first_targets(self) -> dict[str, float]:
        """Wait for a target of each, and say which was the first that was seen."""
        found: dict[str, float] = {}
        for name, exporter in self.exporters.items():

            def published(name: str = name, exporter: Exporter = exporter) -> bool:
                target = exporter.value("wva_desired_replicas")
                if target is not None:
                    found[name] = target
                return target is not None

            exporter.wait(published, f"a first target ({name})")
        return found

    def settle(self) -> None:
        """Wait until the fleet is decided on good data again, by all alike: it is just large enough."""
        self.wait(
            lambda exporter: exporter.value("wva_desired_replicas") == SIZE and exporter.reason() == "none",
            f"{SIZE} replicas decided on good data",
        )

    def reasons(self) -> set[str]:
        """Why the targets are what they are now."""
        return {exporter.reason() for exporter in self.exporters.values()}

    @contextmanager
    def nothing_falls(self, row: str = "", *, but_of: str = "") -> Iterator[set[str]]:
        """What is published meanwhile is never less than it was before, and never absent, ``but_of`` one policy.

        The reasons that are put into the set must be those of the table's row.
        """
        reasons: set[str] = set()
        with ExitStack() as watching:
            watches = {name: watching.enter_context(Watch(exporter=e)) for name, e in self.exporters.items()}
            yield reasons
        for name, watch in watches.items():
            if name == but_of:
                continue
            assert watch.targets, name
            assert all(target is not None and target >= SIZE for target in watch.targets), (name, watch.targets)
        if row:
            assert reasons
            assert reasons <= set(ROWS[row].reasons)
