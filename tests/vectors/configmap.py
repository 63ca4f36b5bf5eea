"""Areas of WVA's own settings: `cfg.*`."""

from __future__ import annotations

from typing import Any

from wva_exporter.discovery.wva_configmap import filled, problems, resolve

from .cases import Case


def validate(case: Case) -> dict[str, Any]:
    """One entry as it stands."""
    return {"ok": not problems(case["in"])}


def resolved(case: Case) -> dict[str, Any]:
    """One model's settings; where WVA filled in its defaults at parse time, the mode decides whether they count as given."""
    given, exact = case["in"], case["compat"] == "exact"
    entries = {key: filled(entry) if given.get("parse") and exact else entry for key, entry in given["entries"].items()}
    return resolve(entries, given["model"], given["ns"], exact=exact)


AREAS = {"cfg.validate": validate, "cfg.resolve": resolved}
