"""docs/metrics.md, the conventions and a real page are one and the same list; and the list keeps Prometheus' rules."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from publish.plans import CHEAP, plan_of
from publish.serving import serving

from wva_exporter.conventions import OF_EXPORTER, PER_LEARNED, PER_MODEL, PER_VARIANT, Kind, Metric, Signal
from wva_exporter.errors import QueryFailure, Reason
from wva_exporter.publish.selfmetrics import SelfMetrics

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
EVERY = (*PER_VARIANT, *PER_LEARNED, *PER_MODEL, *OF_EXPORTER)
LIBRARYS = ("process_", "python_")


def published_name(metric: Metric) -> str:
    """The name on the page: counters have their suffix."""
    return f"{metric.name}_total" if metric.kind is Kind.COUNTER else metric.name


def say_everything(metrics: SelfMetrics) -> None:
    """Use every instrument once."""
    metrics.build_info(version="1.2.3", revision="abc")
    metrics.config(
        policy="wva-v1", currency="USD", interval_seconds=15, kv_spare=0.1, queue_spare=3, cost_budget_per_hour=40
    )
    metrics.reload(ok=True, time=1e9)
    metrics.query(Signal.KV, 0.02, QueryFailure.TIMEOUT, warnings=1)
    metrics.source_up("prometheus", up=True)
    metrics.skew(-0.5)
    metrics.models(2)
    metrics.last_cycle(1.8e9)
    metrics.cycle_finished("success", 0.2)


async def scraped() -> str:
    """A page as a scraper gets it, with every series on it."""
    async with serving(plan_of()) as it:
        say_everything(it.metrics)
        async with it.client.get("/metrics", headers={"Accept-Encoding": "identity"}) as answer:
            return await answer.text()


def documented() -> dict[str, tuple[str, tuple[str, ...], str]]:
    """Type, labels and meaning of every series in the page's tables, by name."""
    rows = re.findall(r"^\| `(wva_\w+)` \| (\w+) \| (.+?) \| .+? \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    return {name: (kind, tuple(re.findall(r"`(\w+)`", labels)), meaning) for name, kind, labels, meaning in rows}


def test_the_page_documents_the_conventions_word_for_word() -> None:
    """Name, type, labels in their order, and the help line."""
    assert documented() == {published_name(m): (str(m.kind), m.labels, m.help) for m in EVERY}


async def test_a_scrape_shows_what_the_page_documents() -> None:
    """Every documented series is there with its type and labels, and none besides but the library's own."""
    seen: dict[str, tuple[str, tuple[str, ...], str]] = {}
    for family in text_string_to_metric_families(await scraped()):
        if family.name.startswith(LIBRARYS):
            continue
        labels = {name for sample in family.samples for name in sample.labels} - {"le"}
        name = f"{family.name}_total" if family.type == "counter" else family.name
        seen[name] = (family.type, tuple(sorted(labels)), family.documentation)
    wanted = {name: (kind, tuple(sorted(labels)), text) for name, (kind, labels, text) in documented().items()}
    assert seen == wanted


async def test_the_page_says_how_many_series_there_are() -> None:
    """Of a variant with everything known, of its steps at rest, of what was learned of it, and of its model."""
    counted: Counter[str] = Counter()
    for family in text_string_to_metric_families(await scraped()):
        for sample in family.samples:
            if sample.labels.get("variant_name") == CHEAP.name:
                kind = "variant"
                if family.name == "wva_decision_step_replicas":
                    kind = "steps"
                elif family.name.startswith("wva_model_parameter"):
                    kind = "learned"
                counted[kind] += 1
            elif "variant_name" not in sample.labels and sample.labels.get("model_name") == CHEAP.model:
                counted["model"] += 1
    said = re.search(
        r"at most (\d+) series, those of the steps of its decision \((\w+) at rest, twelve at most\), (\w+) more where "
        r"its service parameters are learned, and a model (\w+) more",
        " ".join(PAGE.read_text().split()),
    )
    assert said
    words = {"two": 2, "seven": 7, "ten": 10}
    assert (int(said[1]), *(words[word] for word in said.groups()[1:])) == tuple(
        counted[kind] for kind in ("variant", "steps", "learned", "model")
    )


def checked_by(promtool: Path, page: str) -> tuple[int, bytes]:
    """Promtool's verdict on a page, and what it has to say."""
    done = subprocess.run(
        [promtool, "check", "metrics"], input=page.encode(), capture_output=True, check=False, timeout=30
    )
    return done.returncode, done.stdout + done.stderr


async def test_promtool_finds_nothing_to_say_about_the_page(promtool_bin: Path) -> None:
    """Names, units, suffixes and help lines are those of Prometheus' conventions."""
    assert checked_by(promtool_bin, await scraped()) == (0, b"")


def test_every_reason_to_hold_is_explained() -> None:
    """The page's table of reasons is the closed list that the label can have."""
    table = PAGE.read_text().partition("| reason | the target is held because |")[2].partition("\n\n")[0]
    explained = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert explained == {"none", *(reason.value for reason in Reason if reason.holds)}


def test_the_page_ends_with_what_is_not_published() -> None:
    """And lists nothing there that is published after all."""
    missing = PAGE.read_text().partition("## Series of WVA that are not published, and why")[2]
    absent = set(re.findall(r"^\| `(wva_\w+)`", missing, re.MULTILINE))
    assert "wva_metrics_freshness_status" in absent
    assert not absent & {published_name(metric) for metric in EVERY}
