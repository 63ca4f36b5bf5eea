"""What a pod's name tells of the workload that made it.

Kubernetes builds the names: a Deployment's pod is ``<deployment>-<template hash>-<five letters>``, a StatefulSet's is
``<set>-<ordinal>``. Both suffixes use alphabets of their own (``k8s.io/apimachinery/pkg/util/rand``: no vowels, no 0, 1, 3; the
hash is a decimal number spelled with ten of those letters), so an ordinary word is rarely taken for one. It stays a guess.
"""

from __future__ import annotations

import re

from wva_exporter.core.declaration import Workload

_HASH = "[456789bcdf]"
_LETTERS = "[bcdfghjklmnpqrstvwxz2456789]{5}"
_LONGEST_NAME = 63
"""Names that would be longer are cut before the five letters, often within the hash: the dash between them is lost."""

_DEPLOYMENT = re.compile(rf"(.+)-{_HASH}{{5,10}}-{_LETTERS}")
_CUT_DEPLOYMENT = re.compile(rf"(.+)-{_HASH}{{1,10}}-?{_LETTERS}")
_STATEFUL_SET = re.compile(r"(.+)-(?:0|[1-9]\d{0,4})")
_REPLICA_SET = re.compile(rf"(.+)-{_HASH}{{5,10}}")


def workload_of_pod(namespace: str, pod: str) -> Workload | None:
    """The workload whose pods are named like this one, None if its name tells nothing."""
    match = _DEPLOYMENT.fullmatch(pod)
    if match is None and len(pod) == _LONGEST_NAME:
        match = _CUT_DEPLOYMENT.fullmatch(pod)
    if match is not None:
        return Workload(kind="Deployment", namespace=namespace, name=match[1])
    match = _STATEFUL_SET.fullmatch(pod)
    return None if match is None else Workload(kind="StatefulSet", namespace=namespace, name=match[1])


def deployment_of_replica_set(namespace: str, replica_set: str) -> Workload | None:
    """The Deployment whose replica sets are named like this one, None for a replica set that somebody named himself."""
    match = _REPLICA_SET.fullmatch(replica_set)
    return None if match is None else Workload(kind="Deployment", namespace=namespace, name=match[1])


def is_group_worker(pod: str, groups: frozenset[str]) -> bool:
    """Whether the pod is a worker of one of these LeaderWorkerSets: ``<set>-<group>-<worker>``.

    Only the leader, ``<set>-<group>``, is a replica; the others serve as parts of it.
    """
    parts = pod.rsplit("-", 2)
    return len(parts) == 3 and parts[0] in groups and parts[1].isdecimal() and parts[2].isdecimal()  # noqa: PLR2004
