"""Policies: named ways to turn a snapshot into the replicas a fleet should have.

A policy only says what it wants. What may not happen (missing data, bounds, brakes, an operator's word) is decided after it,
for all policies alike, in ``core.plan``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from wva_exporter.core.allocation.sharing import Sharing
from wva_exporter.core.policies.headroom import Headroom
from wva_exporter.core.policies.proposal import Policy, Proposal
from wva_exporter.core.policies.wva_v1 import WvaV1
from wva_exporter.core.policies.wva_v2 import WvaV2
from wva_exporter.core.throughput.voting import Vote

EXACT = "/exact"

_ALL: tuple[Policy, ...] = (Headroom(), WvaV1(), WvaV1(exact=True), WvaV2(), WvaV2(exact=True))

POLICIES: Mapping[str, Policy] = MappingProxyType({policy.name: policy for policy in _ALL})
"""Policies by the name under which a model selects them; ``/exact`` ones repeat WVA's arithmetic, faults included."""


def policies(sharing: Sharing, throughput: Vote | None = None) -> Mapping[str, Policy]:
    """All policies, with what an operator said of scarce GPUs and of the throughput analyzer's vote."""
    limiter, rescale, quotas = sharing.limiter, sharing.rescale, sharing.quotas
    bound: tuple[Policy, ...] = (
        WvaV1(limited=limiter is True, quotas=quotas),
        WvaV1(exact=True, limited=limiter is True, quotas=quotas),
        WvaV2(limited=limiter is not False, rescale=rescale, quotas=quotas, throughput=throughput),
        WvaV2(exact=True, limited=limiter is True, rescale=rescale, quotas=quotas, throughput=throughput),
    )
    return MappingProxyType({**POLICIES, **{policy.name: policy for policy in bound}})


def policy_name(policy: str, compat: str | None) -> str:
    """The name of a policy in a mode: ``exact`` ones are policies of their own."""
    exact = f"{policy}{EXACT}"
    return exact if compat == "exact" and exact in POLICIES else policy


__all__ = ["EXACT", "POLICIES", "Policy", "Proposal", "policies", "policy_name"]
