"""Contenders by name, and by a name with settings: ``hpa(kv=0.2,queue=2,down=300)``, ``headroom(actuator=direct)``."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType

from wva_exporter.core.fleet import Thresholds
from wva_exporter.core.policies import POLICIES
from wva_exporter.errors import InvalidValue
from wva_exporter.twin.actuators import ACTUATORS
from wva_exporter.twin.contender import Contender
from wva_exporter.twin.hpa import Behavior
from wva_exporter.twin.opponents.autoscaled import KvAndQueue
from wva_exporter.twin.opponents.behaviours import windows
from wva_exporter.twin.opponents.concurrent import Concurrency
from wva_exporter.twin.opponents.scaled import RouterTriggers
from wva_exporter.twin.opponents.static import Static
from wva_exporter.twin.planner import SIZING, Planner

_OPPONENTS: tuple[Contender, ...] = (
    Static(name="static-min", size="min"),
    Static(name="static-start", size="start"),
    Static(name="static-peak", size="peak"),
    Static(name="static-max", size="max"),
    KvAndQueue(name="hpa"),
    KvAndQueue(name="hpa-120s", behavior=windows(up_seconds=120.0)),
    Concurrency(name="hpa-concurrency"),
    RouterTriggers(name="keda"),
    Planner(name="wva-v1", policy="wva-v1/exact"),
    Planner(name="wva-v2", policy="wva-v2/exact"),
    Planner(name="wva-v2-tuned", policy="wva-v2/exact", scale_up=0.60, scale_down=0.45),
)
_NAMED = {contender.name: contender for contender in _OPPONENTS}

CONTENDERS: Mapping[str, Contender] = MappingProxyType(
    {**{name: Planner(name=name, policy=name) for name in POLICIES}, **_NAMED}
)
"""Everybody who has a name: opponents, whose ``wva-v1`` and ``wva-v2`` are the original's arithmetic, and our policies.

A policy's own name with a mode, such as ``wva-v2/exact``, selects it too.
"""

_SHARES = frozenset({"wva-v2"})
"""Policies that grow and shrink at a share of the fleet's capacity."""

_LONGEST_WINDOW_SECONDS = 3600.0
"""Kubernetes refuses longer stabilisation windows."""

_MOST_TIMES = 1000.0
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)(e[+-]?\d+)?")
_STATIC = re.compile(r"static-(\d{1,6})")
_CALL = re.compile(r"([a-z0-9/-]+)\((.*)\)")


def contender(name: str) -> Contender:
    """The contender of this name, with the settings that stand behind it in brackets.

    ``static-K`` has K replicas. ``hpa`` takes ``kv`` and ``queue`` (targets, 0: not read), ``hpa-concurrency`` ``share``,
    ``keda`` ``queue`` and ``running``, all three ``up`` and ``down`` (stabilisation windows in seconds). Policies take
    ``actuator`` (a word of ``Actuator``), ``wva-v2`` also ``scale_up`` and ``scale_down``, and ``headroom`` ``parameters``:
    instead of learning it knows the true parameters times this number.

    Raises:
        InvalidValue: there is no such name or setting, one is given twice, or has no such value.
    """
    if name in CONTENDERS:
        return CONTENDERS[name]
    if static := _STATIC.fullmatch(name):
        return Static(name=name, size=int(static[1]))
    call = _CALL.fullmatch(name.replace(" ", ""))
    maker = None if call is None else _MAKERS.get(call[1])
    if call is None or (maker is None and call[1] not in POLICIES):
        raise InvalidValue(f"no contender is called {name}; there are {', '.join(CONTENDERS)}, and static-K")
    settings = _Settings(name, call[2])
    made = _policy(name, call[1], settings) if maker is None else maker(name, settings)
    settings.close()
    return made


def alike(one: Contender, other: Contender) -> bool:
    """Whether two contenders differ in name at most: nobody could tell them apart in any run.

    An HPA with a window given is not alike to one without, whatever the window: it has a ``behavior``, whose default policies
    are not what Kubernetes does where there is none.
    """
    return type(one) is type(other) and _unnamed(one) == _unnamed(other)


def _unnamed(given: object) -> list[object]:
    """All that a contender is made of but its name."""
    assert is_dataclass(given)
    return [getattr(given, field.name) for field in fields(given) if field.name != "name"]


class _Settings:
    """``key=value`` pairs that are taken one after the other; whatever nobody took was not meant."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._left: dict[str, str] = {}
        for key, _, value in (part.partition("=") for part in text.split(",") if part):
            if key in self._left:
                raise InvalidValue(f"{name}: {key} is given twice")
            self._left[key] = value

    def number(self, key: str, most: float = 1_000_000.0) -> float | None:
        """A number that is not negative and at most ``most``; None if it is not given."""
        text = self._left.pop(key, None)
        if text is None:
            return None
        if not _NUMBER.fullmatch(text):
            raise InvalidValue(f"{self._name}: {key} must be a number that is not negative, got {text or 'nothing'}")
        value = float(text)
        if value > most:
            share = ", a share such as 0.5" if most == 1 else ""
            raise InvalidValue(f"{self._name}: {key} must be at most {most:.0f}{share}, got {text}")
        return value

    def positive(self, key: str, most: float = 1_000_000.0) -> float | None:
        """A number above 0 and at most ``most``; None if it is not given."""
        text = self._left.get(key)
        value = self.number(key, most)
        if value == 0:
            raise InvalidValue(f"{self._name}: {key} must be a number above 0, got {text}")
        return value

    def thresholds(self) -> tuple[float | None, float | None]:
        """Shares above which a fleet grows and below which it may shrink; None where they are the usual ones."""
        up, down = self.positive("scale_up", most=1.0), self.positive("scale_down", most=1.0)
        usual = Thresholds.default(1)
        usual_up, usual_down = float(usual.scale_up[0]), float(usual.scale_down[0])
        above, below = (usual_up if up is None else up), (usual_down if down is None else down)
        if above <= below:
            raise InvalidValue(f"{self._name}: scale_up, {above:g}, must be above scale_down, {below:g}")
        return (None if above == usual_up else above), (None if below == usual_down else below)

    def word(self, key: str, among: Collection[str]) -> str | None:
        """One of these words; None if it is not given."""
        text = self._left.pop(key, None)
        if text is not None and text not in among:
            raise InvalidValue(f"{self._name}: {key} must be one of {', '.join(among)}, got {text or 'nothing'}")
        return text

    def behavior(self) -> Behavior | None:
        """Stabilisation windows; None where none is given."""
        up, down = (self.number(key, _LONGEST_WINDOW_SECONDS) for key in ("up", "down"))
        if up is None and down is None:
            return None
        return windows(up_seconds=up or 0.0, down_seconds=300.0 if down is None else down)

    def close(self) -> None:
        """Nothing may be left."""
        if self._left:
            raise InvalidValue(f"{self._name}: there is no setting {', '.join(sorted(self._left))}")


def _hpa(name: str, settings: _Settings) -> Contender:
    kv, queue = settings.number("kv", most=1.0), settings.number("queue")
    kv, queue = (0.5 if kv is None else kv), (3.0 if queue is None else queue)
    if not kv and not queue:
        raise InvalidValue(f"{name}: an HPA needs a metric")
    return KvAndQueue(name=name, kv=kv or None, queue=queue or None, behavior=settings.behavior())


def _concurrency(name: str, settings: _Settings) -> Contender:
    return Concurrency(name=name, share=settings.positive("share", most=1.0) or 0.7, behavior=settings.behavior())


def _keda(name: str, settings: _Settings) -> Contender:
    queue, running = settings.positive("queue") or 1.0, settings.positive("running") or 16.0
    return RouterTriggers(name=name, queue=queue, running=running, behavior=settings.behavior())


def _policy(name: str, policy: str, settings: _Settings) -> Contender:
    actuator, kind = settings.word("actuator", ACTUATORS) or "hpa", policy.partition("/")[0]
    scale_up, scale_down = settings.thresholds() if kind in _SHARES else (None, None)
    return Planner(
        name=name,
        policy=policy,
        scale_up=scale_up,
        scale_down=scale_down,
        actuator=ACTUATORS[actuator],
        parameters=settings.positive("parameters", _MOST_TIMES) if kind in SIZING else None,
    )


_MAKERS: Mapping[str, Callable[[str, _Settings], Contender]] = MappingProxyType(
    {"hpa": _hpa, "hpa-concurrency": _concurrency, "keda": _keda}
)
