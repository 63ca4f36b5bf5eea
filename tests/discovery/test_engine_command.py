"""What a workload's containers say of the engine that they run."""

from __future__ import annotations

from pathlib import Path

import pytest
from manifest_builder import DEPLOYMENT, HPA, read

from wva_exporter.core.engine_arguments import EngineArguments

CONTAINERS = "      containers:\n"


def arguments(tmp_path: Path, container: str) -> EngineArguments | None:
    """Those of the variant whose deployment has this container first."""
    assert CONTAINERS in DEPLOYMENT
    (variant,) = read(tmp_path, HPA, DEPLOYMENT.replace(CONTAINERS, f"{CONTAINERS}        - {container}\n"))
    return variant.arguments


def test_the_command_line_of_a_vllm_container_is_read(tmp_path: Path) -> None:
    """Image or words name the engine; the environment chooses its generation."""
    told = arguments(
        tmp_path,
        "{name: e, image: vllm/vllm-openai, args: [--max-num-seqs=64], env: [{name: VLLM_USE_V1, value: '0'}]}",
    )
    assert told is not None
    assert (told.engine, told.sequences, told.batched_tokens) == ("vllm", 64, 2048)


def test_sglang_is_known_by_its_words(tmp_path: Path) -> None:
    """In its command."""
    told = arguments(tmp_path, "{name: e, image: i, command: [python3, -m, sglang.launch_server, --tp, '2']}")
    assert told is not None
    assert (told.engine, told.tensor_parallel) == ("sglang", 2)


@pytest.mark.parametrize("container", ["{name: proxy, image: envoy}", "{name: e, image: 5, args: {a: b}}", "text"])
def test_a_container_of_no_engine_says_nothing(tmp_path: Path, container: str) -> None:
    """Nor does one that is none."""
    assert arguments(tmp_path, container) is None
