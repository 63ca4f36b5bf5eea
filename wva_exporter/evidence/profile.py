"""A fit as an entry of the catalogue: the parameters, how sure they are, and for people how well they predict."""

from __future__ import annotations

import json

import numpy as np

from wva_exporter.evidence.fit import Fitted

LEAST_SPREAD = 0.1
"""The next engine of the same kind is never as surely known as the one that was measured."""

_MILLI = 1000.0


def profile_text(fitted: Fitted, *, model: str, accelerator: str, gpus: int, source: str) -> str:
    """YAML that the catalogue loads; ``report`` holds what it does not read: errors, and each workload's own fit."""
    whole = fitted.whole
    alpha, beta, gamma = (whole.belief.mean_seconds[0] * _MILLI).tolist()
    spread = ", ".join(f"{value:.3g}" for value in np.maximum(whole.belief.spread[0], LEAST_SPREAD).tolist())
    lines = [
        "profiles:",
        f"  - model: {json.dumps(model)}",
        f"    accelerator: {json.dumps(accelerator)}",
        f"    gpus: {gpus}",
        f"    alpha_ms: {alpha:.6g}",
        f"    beta_ms: {beta:.6g}",
        f"    gamma_ms: {gamma:.6g}",
        f"    spread: [{spread}]",
        f"    source: {json.dumps(source)}",
        "    report:",
        f"      points: {len(fitted.points)}",
        f"      first_token_steps: {whole.first_token_steps[0]:.4g}",
        *(f"      {name}: {{ttft: {ttft:.4f}, itl: {itl:.4f}}}" for name, (ttft, itl) in error_rows(fitted).items()),
        "      workloads:",
        *_workloads(fitted),
    ]
    return "\n".join(lines) + "\n"


def error_rows(fitted: Fitted) -> dict[str, tuple[float, float]]:
    """Mean absolute relative errors of TTFT and ITL, by the kind of fit."""
    rows = {
        "error_one_fit": fitted.errors(fitted.by_whole),
        "error_fit_per_workload": fitted.errors(fitted.by_shape),
    }
    if fitted.by_others is not None:
        rows["error_of_workloads_left_out"] = fitted.errors(fitted.by_others)
    return rows


def _workloads(fitted: Fitted) -> list[str]:
    found, lines = fitted.shapes, []
    for row, name in enumerate(fitted.points.names):
        alpha, beta, gamma = (found.belief.mean_seconds[row] * _MILLI).tolist()
        steps = found.first_token_steps[row]
        lines.append(
            f"        {json.dumps(name)}: {{alpha_ms: {alpha:.5g}, beta_ms: {beta:.5g}, gamma_ms: {gamma:.5g}, "
            f"first_token_steps: {steps:.4g}}}"
        )
    return lines
