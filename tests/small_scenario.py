"""A scenario of three minutes, and ``simulate`` as a shell runs it."""

from __future__ import annotations

import shlex
import subprocess
import sys

SMALL = """\
title: Small
summary: Three times the load after a minute.
model: m
promise: {ttft: 2s, itl: 50ms}
duration: 3m
variants:
  - name: a
    accelerator: H100
    cost: 2.5
    min: 1
    max: 4
    startup: 30s
    engine: {alpha_ms: 6.7, beta_ms: 0.0208, gamma_ms: 0.000049, kv_tokens: 9600, max_model_tokens: 4096}
workload:
  legs: [{rps: 1, for: 1m}, {rps: 3, for: 2m}]
  prompt: {lognormal: {mean: 800, sigma: 0.5, most: 2000}}
  output: {lognormal: {mean: 500, sigma: 0.5, most: 2000}}
  patience: 30s
"""


def simulated(shell: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a shell, which redirects its output."""
    words = shlex.join([sys.executable, "-m", "wva_exporter", "simulate", *arguments])
    command = ["bash", "-c", f"set -o pipefail; {words} {shell}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
