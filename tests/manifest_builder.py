"""The manifests of a small WVA fleet, and what is read from files of them."""

from pathlib import Path

import pytest

from wva_exporter.core.declaration import VariantDeclaration
from wva_exporter.discovery.manifests import read_manifests
from wva_exporter.errors import ConfigError

HPA = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: llama
  namespace: llm
  annotations:
    llm-d.ai/managed: "true"
    llm-d.ai/model-id: meta-llama/Llama-3.1-8B
    llm-d.ai/variant-cost: "40.0"
  labels:
    inference.optimization/acceleratorName: A100
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: llama-vllm
  minReplicas: 2
  maxReplicas: 10
"""

SCALED_OBJECT = """\
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: llama
  namespace: llm
  annotations:
    llm-d.ai/managed: "true"
    llm-d.ai/model-id: M
spec:
  scaleTargetRef:
    name: llama-vllm
  minReplicaCount: 0
  maxReplicaCount: 5
"""

VARIANT = """\
apiVersion: llmd.ai/v1alpha1
kind: VariantAutoscaling
metadata:
  name: old
  namespace: llm
  labels:
    inference.optimization/acceleratorName: H100
spec:
  scaleTargetRef:
    kind: Deployment
    name: llama-vllm
  modelID: M
  variantCost: "10.5"
"""

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: llama-vllm
  namespace: llm
spec:
  template:
    metadata:
      labels:
        llm-d.ai/role: prefill
    spec:
      nodeSelector:
        nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3
      containers:
        - name: vllm
          resources:
            limits:
              nvidia.com/gpu: "4"
        - name: sidecar
"""

GROUP = """\
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata:
  name: llama-vllm
  namespace: llm
spec:
  leaderWorkerTemplate:
    size: 3
    leaderTemplate:
      metadata:
        labels:
          llm-d.ai/role: decode
      spec:
        containers: [{name: vllm, resources: {requests: {nvidia.com/gpu: 1}}}]
    workerTemplate:
      spec:
        containers: [{name: vllm, resources: {requests: {amd.com/gpu: 8}}}]
        affinity:
          nodeAffinity:
            preferredDuringSchedulingIgnoredDuringExecution:
              - weight: 1
                preference:
                  matchExpressions:
                    - {key: zone, operator: In, values: [a]}
                    - {key: amd.com/gpu.product-name, operator: In, values: [AMD-MI300X-192G, other]}
"""


def read(folder: Path, *documents: str) -> tuple[VariantDeclaration, ...]:
    """What a file of these documents declares."""
    path = folder / "fleet.yaml"
    path.write_text("---\n".join(documents))
    return read_manifests([path])


def refused(folder: Path, *documents: str) -> list[str]:
    """The findings about a file of these documents, without its folder."""
    with pytest.raises(ConfigError) as caught:
        read(folder, *documents)
    return [finding.replace(f"{folder}/", "") for finding in caught.value.findings]
