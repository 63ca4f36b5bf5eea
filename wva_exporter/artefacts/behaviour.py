"""How fast an actuator follows, by the policy that decides.

A policy that stabilises itself is to be followed at once: a second window in the actuator would add its delay to the policy's.
The others decide from this minute's load alone, so the actuator must wait until a fall has lasted. Growth is never delayed,
and never capped below what a cycle can ask for. The brake on the way down is kept in both cases: half of the replicas a
minute is also the most that a target falls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

STABILISED = frozenset({"headroom"})
"""Policies that stabilise themselves."""

POLICY_WINDOW_SECONDS: Mapping[bool, int] = MappingProxyType({True: 0, False: 300})
"""The window before a fall, by whether the policy stabilises itself."""

TOLERANCE_GATE, ZERO_GATE = "HPAConfigurableTolerance", "HPAScaleToZero"


class Since(NamedTuple):
    """Versions of Kubernetes in which a feature came, behind its gate, and in which it is on without being asked for."""

    gated: tuple[int, int]
    on: tuple[int, int]


GATES: Mapping[str, Since] = MappingProxyType(
    {TOLERANCE_GATE: Since((1, 33), (1, 35)), ZERO_GATE: Since((1, 16), (1, 37))}
)
"""The feature gates that matter here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What is known of the cluster; a ``version`` of None is one that nobody named, of which only the old is expected."""

    version: tuple[int, int] | None = None
    gates: frozenset[str] = field(default_factory=frozenset)

    def has(self, gate: str) -> bool:
        """Whether a feature is on, by its gate or by the version."""
        if self.version is None:
            return gate in self.gates
        return self.version >= (GATES[gate].gated if gate in self.gates else GATES[gate].on)


def stabilises(policy: str) -> bool:
    """Whether a policy, in whatever mode, stabilises itself."""
    return policy.partition("/")[0] in STABILISED


def behaviour(policy: str, cluster: Cluster) -> dict[str, Any]:
    """The ``behavior`` of an HPA, which a ScaledObject takes as well.

    Without a tolerance of 0 an HPA drops every step within 10 %, which above ten replicas is a step of one.
    """
    tolerance = {"tolerance": "0"} if cluster.has(TOLERANCE_GATE) else {}
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            **tolerance,
            "policies": [{"type": "Pods", "value": 100, "periodSeconds": 15}],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": POLICY_WINDOW_SECONDS[stabilises(policy)],
            **tolerance,
            "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}],
        },
    }
