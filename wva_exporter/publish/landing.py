"""The page at ``/``: who is speaking, where the rest is, and what is decided now. No script; every text is escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape

from wva_exporter import __version__
from wva_exporter.conventions import PROGRAM
from wva_exporter.core.decision import Plan
from wva_exporter.publish.plan_json import Row, rows

STYLE = (
    "body{font:15px/1.4 system-ui,sans-serif;margin:2rem;max-width:80rem;overflow-x:auto}"
    "table{border-collapse:collapse;margin-top:1rem}"
    "th,td{padding:.25rem .8rem;text-align:left;border-bottom:1px solid #ccc}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    "tr.hold td{background:#fff3d6}"
)
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
"""What a content security policy needs to allow this style and no other."""

UNKNOWN = "-"


def landing_page(plan: Plan | None, telemetry_path: str) -> bytes:
    """The page as UTF-8 HTML; before the first Plan it says that there is none."""
    links = (telemetry_path, "/api/v1/plan", "/-/healthy", "/-/ready")
    body = "".join(
        [
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{PROGRAM}</title>',
            f"<style>{STYLE}</style></head><body><h1>{PROGRAM} {escape(__version__)}</h1>",
            "<p>How many replicas of which hardware serve an LLM fleet, published as Prometheus series.</p><ul>",
            *(f'<li><a href="{escape(link)}">{escape(link)}</a></li>' for link in links),
            "</ul>",
            *(_table(plan) if plan is not None else ["<p>No plan yet: the first cycle has not decided.</p>"]),
            "</body></html>",
        ]
    )
    return body.encode()


def _table(plan: Plan) -> Iterator[str]:
    when = datetime.fromtimestamp(plan.time, tz=UTC).isoformat(timespec="seconds")
    yield f"<p>{len(plan.fleet)} variants, decided at {escape(when)} by the data source's clock.</p>"
    yield '<table><tr><th>namespace</th><th>variant</th><th>model</th><th>accelerator</th><th class="n">desired</th>'
    yield '<th class="n">current</th><th>reason</th><th class="n">cost per hour</th></tr>'
    for row in rows(plan):
        yield _row(row)
    yield "</table>"


def _row(row: Row) -> str:
    texts = "".join(f"<td>{_shown(row[name])}</td>" for name in ("namespace", "name", "model", "accelerator"))
    numbers = "".join(f'<td class="n">{_shown(row[name])}</td>' for name in ("target", "current"))
    mark = ' class="hold"' if row["hold"] else ""
    return f'<tr{mark}>{texts}{numbers}<td>{_shown(row["reason"])}</td><td class="n">{_shown(row["cost"])}</td></tr>'


def _shown(value: object) -> str:
    if value is None:
        return UNKNOWN
    return escape(f"{value:g}" if isinstance(value, float) else str(value))
