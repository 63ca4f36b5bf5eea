"""NVIDIA's DCGM exporter, where it runs: the power that a pod's GPUs draw.

Read in its source, ``etc/default-counters.csv`` (commit 00d6d344) and its own example pages (4.x). A series is one GPU, with
``gpu, UUID, modelName, Hostname`` and, where the exporter knows Kubernetes, ``namespace, pod, container`` of the pod that has
it. A scrape that does not honour labels moves those to ``exported_*``, as it does with kube-state-metrics.
"""

from __future__ import annotations

POWER = "DCGM_FI_DEV_POWER_USAGE"
"""Watts, a GPU. Of a GPU cut into instances (``GPU_I_ID``) each instance has the power of the whole: those are not read."""
