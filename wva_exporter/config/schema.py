"""The whole file as one frozen value. Every key is optional; durations are seconds once they are in here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from wva_exporter.config.connection import Prometheus, Scrape
from wva_exporter.config.declare import declarations
from wva_exporter.config.entries import (
    POLICY_NAMES,
    Compat,
    LearningWay,
    Model,
    Policy,
    ScaleToZero,
    Thresholds,
    Variant,
    threshold_problems,
)
from wva_exporter.config.relations import DEFAULT_TIMES, miscased, mistimed, repeated
from wva_exporter.config.scalars import (
    Count,
    Duration,
    FilePath,
    Flag,
    Frozen,
    Money,
    Period,
    Share,
    ShareBelowOne,
    Text,
)
from wva_exporter.config.section import Given, Problem, Section, key, section_of, sections_of
from wva_exporter.core.declaration import Declarations
from wva_exporter.errors import ConfigError

__all__ = ["POLICY_NAMES", "Discovery", "Settings"]


class Discovery(Section):
    """Variants that are declared elsewhere."""

    manifests: tuple[FilePath, ...] = key(
        "Files or folders with HPAs, ScaledObjects or VariantAutoscalings to take variants from.", ()
    )


class OwnCatalogue(Section):
    """What is assumed of hardware and models before anything is measured, beside what is shipped."""

    file: FilePath | None = key(
        "A file with `accelerators`, `models` and `profiles`, such as `wva-exporter fit` writes; its entries win by name.",
        None,
    )


class Settings(Section):
    """Everything an operator can say."""

    prometheus: Prometheus | None = key("The Prometheus to ask.", None)
    scrape: Scrape | None = key("Scrape engines without a Prometheus, instead of `prometheus`.", None)
    interval_seconds: Period = key("Time between two decisions.", DEFAULT_TIMES["interval"], name="interval")
    scrape_interval_seconds: Period = key(
        "How often the engines are scraped; windows follow from it.",
        DEFAULT_TIMES["scrape_interval"],
        name="scrape_interval",
    )
    hold_seconds: Duration = key(
        "How long a target is kept without good data before it is withdrawn; at least 4 intervals.",
        DEFAULT_TIMES["hold"],
        name="hold",
    )
    window_floor_seconds: Duration = key(
        "Shortest window that levels and rates are read over; never less than 4 scrapes in effect.",
        DEFAULT_TIMES["window_floor"],
        name="window_floor",
    )
    max_input_age_given_seconds: Duration | None = key(
        "Age from which a sample is too old to decide on; max(60s, 4 scrapes) if not given.", None, name="max_input_age"
    )
    max_down_ratio_per_minute: Share = key(
        "Share of its replicas that a variant may lose in a minute.", 0.5, unit="ratio"
    )
    hpa_tolerance: ShareBelowOne = key("Tolerance of the HPAs that follow.", 0.1, unit="ratio")
    default_namespace: Text = key("Namespace of series and variants that name none.", "default")
    currency: Text = key("Currency of all costs.", "USD")
    cost_budget_per_hour: Money | None = key(
        "What the fleet may cost; above it the alert WVACostOverBudget fires.", None, unit="currency per hour"
    )
    gpus: Annotated[Mapping[Text, Count], *Frozen] = key("How many GPUs of each type there are.", dict, unit="GPUs")
    policy: Policy = key("How replicas are decided.", POLICY_NAMES[0])
    spare_replicas: Count = key(
        "Replicas of each model that may fail while its promise still holds (policy `headroom`; 1 is N+1).",
        0,
        unit="replicas",
    )
    compat: Compat = key("Whether WVA's known faults are kept (exact) or not.", "corrected")
    limiter: Flag | None = key(
        "Whether WVA's policies keep to the GPUs there are; if not given, only `wva-v2` does, in `compat: corrected`.",
        None,
    )
    rescale: Flag = key(
        "Whether GPUs that are short go by priority, also those that another model holds (policy `wva-v2`).",
        default=False,
    )
    throughput: Flag = key(
        "Whether WVA's throughput analyzer votes beside its token analyzer (policy `wva-v2`).", default=False
    )
    learning: LearningWay = key(
        "How service times are learned: from ten minutes of points at once (window), or by WVA's Kalman filter (kalman).",
        "window",
    )
    thresholds: Thresholds = key("When replicas are full.", Thresholds)
    scale_to_zero: ScaleToZero | None = key("Scale to zero of every model; never if not given.", None)
    models: tuple[Model, ...] = key("Models that are decided differently from the rest.", ())
    variants: tuple[Variant, ...] = key("Variants; those that nobody names are discovered.", ())
    discovery: Discovery = key("Where else variants are declared.", Discovery)
    catalogue: OwnCatalogue = key("Assumptions of your own about hardware and models.", OwnCatalogue)

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """Sources exclude each other, times fit each other, names are given once."""
        if "prometheus" in given and "scrape" in given:
            yield ("scrape",), "must not be given beside prometheus"
        yield from mistimed(given)
        thresholds = section_of(given, "thresholds")
        for place, model in sections_of(given, "models"):
            for path, text in threshold_problems(section_of(model, "thresholds"), thresholds):
                yield ("models", place, "thresholds", *path), text
        yield from repeated(given, "models", default_namespace=None)
        yield from repeated(given, "variants", default_namespace=given.get("default_namespace", "default"))
        yield from miscased(given)

    @property
    def query_window_seconds(self) -> float:
        """Window of levels and rates: four scrapes at least, so that a rate survives a lost one."""
        return max(self.window_floor_seconds, 4 * self.scrape_interval_seconds)

    @property
    def long_window_seconds(self) -> float:
        """Window of mean sizes, which need many requests: 300 s with the defaults."""
        return max(5 * self.window_floor_seconds, 4 * self.scrape_interval_seconds)

    @property
    def point_seconds(self) -> float:
        """How far apart the points are that learning takes: every cycle, but not more than four to a query window."""
        return max(self.interval_seconds, 0.25 * self.query_window_seconds)

    @property
    def max_input_age_seconds(self) -> float:
        """Age from which a sample is too old to decide on: given, else a minute or four scrapes."""
        given = self.max_input_age_given_seconds
        return max(60.0, 4 * self.scrape_interval_seconds) if given is None else given

    @property
    def deadline_seconds(self) -> float:
        """How long all queries of a cycle may take together: under half the interval, so that cycles hardly overlap.

        Of an interval of a few seconds that would be less than a Prometheus under load needs; such a one may use nearly all of
        it, up to five seconds, because a late decision is better than none.
        """
        return min(max(0.45 * self.interval_seconds, min(0.9 * self.interval_seconds, 5.0)), 10.0)

    def require_source(self) -> Prometheus | Scrape:
        """The data source that was given, a Prometheus always with its ``url``.

        Raises:
            ConfigError: none was given.
        """
        if self.scrape is not None:
            return self.scrape
        if self.prometheus is None or self.prometheus.url is None:
            raise ConfigError(
                ["no data source: give --prometheus.url=URL, or prometheus.url or scrape.targets in the file"]
            )
        return self.prometheus

    def declarations(self) -> Declarations:
        """What the file says about models and variants, in the words of ``core``."""
        return declarations(self)
