"""What the demo reads back: the series an HPA follows, and the reasons of the exporter."""

from __future__ import annotations

from typing import Protocol

import aiohttp
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from wva_exporter.cli.demo import scenario
from wva_exporter.conventions import DESIRED_REPLICAS, Label

TIMEOUT = aiohttp.ClientTimeout(total=1.5)
UNREADABLE = (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError, ValueError)
"""What can go wrong on the way; an HPA holds then."""


class MetricReader(Protocol):
    """What an HPA reads through the external metrics API."""

    async def read(self, variant: str) -> list[float] | None:
        """The values of the series that match the variant; None where the metric cannot be read."""
        ...


class _Result(msgspec.Struct):
    value: tuple[float, str]


class _Data(msgspec.Struct):
    result: list[_Result]


class _Vector(msgspec.Struct):
    data: _Data


class PrometheusReader:
    """Reads through a Prometheus, as an adapter in front of it does."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def read(self, variant: str) -> list[float] | None:
        """One instant query."""
        selector = f'{{{Label.VARIANT}="{variant}",{Label.NAMESPACE}="{scenario.NAMESPACE}"}}'
        try:
            async with self._session.post(
                f"{self._url}/api/v1/query", data={"query": DESIRED_REPLICAS.name + selector}, timeout=TIMEOUT
            ) as response:
                response.raise_for_status()
                vector = msgspec.json.decode(await response.read(), type=_Vector)
        except UNREADABLE:
            return None
        return [float(row.value[1]) for row in vector.data.result] or None


class ExporterReader:
    """Reads the exporter's own page, where there is no Prometheus."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def read(self, variant: str) -> list[float] | None:
        """One look at the page."""
        try:
            async with self._session.get(f"{self._url}/metrics", timeout=TIMEOUT) as response:
                response.raise_for_status()
                page = await response.text()
        except UNREADABLE:
            return None
        wanted = {Label.VARIANT: variant, Label.NAMESPACE: scenario.NAMESPACE}
        return [
            sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.name == DESIRED_REPLICAS.name and wanted.items() <= sample.labels.items()
        ] or None


class _Decision(msgspec.Struct):
    name: str
    target: int | None
    reason: str


class _Plan(msgspec.Struct):
    variants: list[_Decision]


async def read_reasons(session: aiohttp.ClientSession, exporter: str) -> dict[str, str]:
    """Why each variant's target is what it is; empty before the first decision."""
    try:
        async with session.get(f"{exporter}/api/v1/plan", timeout=TIMEOUT) as response:
            response.raise_for_status()
            plan = msgspec.json.decode(await response.read(), type=_Plan)
    except UNREADABLE:
        return {}
    return {decision.name: decision.reason for decision in plan.variants}


async def answers(session: aiohttp.ClientSession, url: str) -> bool:
    """Whether a server answers with success."""
    try:
        async with session.get(url, timeout=TIMEOUT) as response:
            return response.ok
    except UNREADABLE:
        return False
