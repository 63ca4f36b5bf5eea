"""What carries a published target to the fleet: HPAs and ScaledObjects as our manifests make them, and shorter ways."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from wva_exporter.twin.contender import Clock, Controller, Together
from wva_exporter.twin.hpa import Autoscaler, Behavior
from wva_exporter.twin.keda import Answer, Failure, Fallback, ScaledObject, Trigger
from wva_exporter.twin.opponents.autoscaled import Hpa, clock_of, desired_metric
from wva_exporter.twin.opponents.scaled import Keda, Query
from wva_exporter.twin.planned import Cycle, Direct
from wva_exporter.twin.scenario import Scenario, ScenarioVariant
from wva_exporter.twin.stage import Stage

_POLLING_SECONDS, _COOLDOWN_SECONDS = 15.0, 60.0


class Actuator(StrEnum):
    """What stands between a published target and the fleet."""

    HPA = "hpa"
    """An HPA on the series that a Prometheus scraped."""
    HPA_DEFAULT = "hpa-default"
    """The same with Kubernetes' default behaviour, which undoes what a policy gains."""
    KEDA = "keda"
    """A ScaledObject on that series."""
    KEDA_PAGE = "keda-page"
    """A ScaledObject that reads the exporter's own page: nothing waits for a scrape."""
    DIRECT = "direct"
    """Nothing: whoever publishes scales."""


ACTUATORS = MappingProxyType({str(actuator): actuator for actuator in Actuator})
"""Actuators by their word."""


def actuated(cycle: Cycle, actuator: Actuator, behavior: Behavior, scenario: Scenario, seed: int) -> Controller:
    """The exporter together with an actuator for each variant, of this ``behavior`` unless it is the default one."""
    match actuator:
        case Actuator.DIRECT:
            return Direct(cycle)
        case Actuator.KEDA | Actuator.KEDA_PAGE:
            query = _page if actuator is Actuator.KEDA_PAGE else _series
            scaled = [
                _keda(variant, query(variant.spec.name), behavior, scenario, seed) for variant in scenario.variants
            ]
            return Together([cycle, *scaled])
        case Actuator.HPA | Actuator.HPA_DEFAULT:
            chosen = None if actuator is Actuator.HPA_DEFAULT else behavior
            return Together([cycle, *(_hpa(variant, chosen, scenario, seed) for variant in scenario.variants)])


def _hpa(variant: ScenarioVariant, behavior: Behavior | None, scenario: Scenario, seed: int) -> Hpa:
    """On an external metric, so that it may have a minimum of 0 where the cluster lets it (HPAScaleToZero)."""
    name = variant.spec.name
    scaler = Autoscaler(minimum=variant.minimum, maximum=variant.maximum, behavior=behavior)
    return Hpa(name, scaler, [desired_metric(name)], clock_of(name, scenario, seed))


def _keda(variant: ScenarioVariant, query: Query, behavior: Behavior, scenario: Scenario, seed: int) -> Keda:
    """As the generated ScaledObject: an empty answer is an error, and the fallback never lowers."""
    name = variant.spec.name
    scaled = ScaledObject(
        minimum=variant.minimum,
        maximum=variant.maximum,
        polling_seconds=_POLLING_SECONDS,
        cooldown_seconds=_COOLDOWN_SECONDS,
        fallback_replicas=max(variant.minimum, 1),
        fallback=Fallback.CURRENT_IF_HIGHER,
    )
    polls = Clock(f"keda/{name}", seed=seed, period_seconds=_POLLING_SECONDS, start=-scenario.warm_seconds)
    trigger = Trigger(threshold=1.0, ignores_null=False)
    return Keda(name, scaled, [(trigger, query)], behavior, (polls, clock_of(name, scenario, seed)))


def _series(variant: str) -> Query:
    """The published target as the last scrape of the exporter found it."""

    def query(stage: Stage) -> Answer:
        wanted = stage.scrapes.desired.get(variant)
        if stage.scrapes.down:
            return Failure.ERROR
        return Failure.EMPTY if wanted is None else float(wanted)

    return query


def _page(variant: str) -> Query:
    """The published target as the exporter's page has it now."""

    def query(stage: Stage) -> Answer:
        wanted = stage.scrapes.page.get(variant)
        return Failure.EMPTY if wanted is None else float(wanted)

    return query
