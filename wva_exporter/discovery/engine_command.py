"""The engine that a pod template runs, and what its command line says."""

from __future__ import annotations

from wva_exporter.core.engine_arguments import EngineArguments, sglang_arguments, vllm_arguments
from wva_exporter.discovery.fields import Fields, Path

_SGLANG, _VLLM = "sglang", "vllm"


def engine_arguments(fields: Fields, template: Path) -> EngineArguments | None:
    """Of the first container whose image or command line names an engine; None if none does."""
    containers = fields.at((*template, "spec", "containers"))
    for container in containers if isinstance(containers, list) else ():
        if not isinstance(container, dict):
            continue
        words = [*_words(container.get("command")), *_words(container.get("args"))]
        named = " ".join((str(container.get("image") or ""), *words)).lower()
        if _SGLANG in named:
            return sglang_arguments(words)
        if _VLLM in named:
            return vllm_arguments(words, _environment(container.get("env")))
    return None


def _words(value: object) -> list[str]:
    return [str(each) for each in value if isinstance(each, str | int | float)] if isinstance(value, list) else []


def _environment(value: object) -> dict[str, str]:
    entries = value if isinstance(value, list) else ()
    return {
        str(entry["name"]): str(entry["value"])
        for entry in entries
        if isinstance(entry, dict) and {"name", "value"} <= entry.keys()
    }
