"""Log lines as logfmt or JSON on standard error, and the one line a changed decision is worth."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from structlog.typing import EventDict, Processor

from wva_exporter.core.decision import Plan
from wva_exporter.core.explanation import Unit

Log = structlog.stdlib.BoundLogger

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
FORMATS = ("logfmt", "json")


@contextmanager
def open_log(level: str, style: str) -> Iterator[Log]:
    """A logger at one of ``LEVELS`` in one of ``FORMATS``; what libraries log comes out in the same form.

    Afterwards the process logs as it did before: the standard error of now may be closed by then.
    """
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if style == "json"
        else structlog.processors.LogfmtRenderer(bool_as_flag=False)
    )
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.format_exc_info,
    ]
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.EventRenamer("msg"),
        _in_order,
        renderer,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    handlers, threshold = root.handlers[:], root.level
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    # Requests that are no HTTP would write a traceback each; whoever can reach the port could flood the log.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    try:
        yield structlog.stdlib.get_logger("wva_exporter")
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(threshold)


def _in_order(_log: object, _method: str, line: EventDict) -> EventDict:
    """Time, level and message first: what the eye looks for."""
    first = {name: line.pop(name) for name in ("ts", "level", "msg") if name in line}
    return {**first, **line}


def changes(before: Plan | None, after: Plan) -> Iterator[dict[str, object]]:
    """The fields of a line for every variant whose target is another than before; reasons alone come and go in the series."""
    known = {} if before is None else _decisions(before)
    for key, (target, reason) in _decisions(after).items():
        old_target, _ = known.get(key, (None, ""))
        if target != old_target:
            yield {
                "namespace": key[0],
                "variant": key[1],
                "desired": _whole(target),
                "before": _whole(old_target),
                "current": _whole(after.current.listed()[after.fleet.row[key]]),
                "reason": reason,
                **_reckoned(after, after.fleet.row[key]),
            }


def _reckoned(plan: Plan, row: int) -> dict[str, object]:
    """Demand and capacity of a replica, where the policy reckons with them."""
    why = plan.explanation
    if why is None or not (why.demand.known[row] and why.capacity.known[row]):
        return {}
    return {
        "demand": _short(why.demand.value[row]),
        "capacity": _short(why.capacity.value[row]),
        "unit": Unit(int(why.unit[row])).name.lower(),
    }


def _short(number: float) -> float:
    """Four digits are enough to see why."""
    return float(f"{number:.4g}")


def _decisions(plan: Plan) -> dict[tuple[str, str], tuple[float | None, str]]:
    pairs = zip(plan.target.listed(), (str(reason) for reason in plan.reasons), strict=True)
    return dict(zip(plan.fleet.key, pairs, strict=True))


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
