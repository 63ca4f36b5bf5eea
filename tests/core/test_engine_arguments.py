"""Command lines of engines are read as the engines read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.core.engine_arguments import EngineArguments, sglang_arguments, vllm_arguments
from wva_exporter.errors import InvalidValue


def test_a_flag_stands_with_its_value_or_before_it() -> None:
    """``--k=v``, ``--k v``, hyphens or underscores."""
    told = vllm_arguments(["--max-num-seqs", "64", "--max_num_batched_tokens=4096"])
    assert (told.sequences, told.batched_tokens) == (64, 4096)


def test_a_flag_alone_does_not_eat_the_next_one() -> None:
    """A switch before a flag is a switch."""
    told = vllm_arguments(["--enable-chunked-prefill", "--max-num-seqs=8"], {"VLLM_USE_V1": "0"})
    assert (told.sequences, told.batched_tokens) == (8, 2048)


@pytest.mark.parametrize("shell", [["sh", "-c"], ["/bin/bash", "-c"], ["-c"]])
def test_the_text_of_a_shell_is_the_command_line(shell: list[str]) -> None:
    """Words in quotes stay together and lose them."""
    told = vllm_arguments([*shell, "exec vllm serve 'my model' --kv-cache-dtype \"fp8\" --max-model-len 4096"])
    assert (told.kv_dtype, told.model_tokens) == ("fp8", 4096)


def test_what_is_no_number_leaves_the_default() -> None:
    """An engine that does not start because of it is not our business."""
    told = vllm_arguments(["--max-num-seqs=many", "--gpu-memory-utilization=nan", "--block-size=-4"])
    assert (told.sequences, told.memory_ratio, told.block_tokens) == (256, 0.9, 16)


def test_who_does_not_say_how_many_sequences_has_not_said_it() -> None:
    """The default of one release is not that of the next."""
    assert not vllm_arguments([]).sequences_given
    assert sglang_arguments(["--max-running-requests=9"]).sequences_given


def test_unchunked_prefill_takes_the_whole_prompt() -> None:
    """Then an iteration holds as many tokens as the model is long."""
    assert vllm_arguments(["--no-enable-chunked-prefill", "--max-model-len=32768"]).batched_tokens == 32768
    assert sglang_arguments(["--chunked-prefill-size=0", "--max-prefill-tokens=16384"]).batched_tokens == 16384


def test_a_kv_cache_of_fixed_size_is_known_before_it_runs() -> None:
    """Blocks of tokens, or tokens."""
    assert vllm_arguments(["--num-gpu-blocks-override=5000"]).kv_tokens == 80_000
    assert sglang_arguments(["--max-total-tokens=131072"]).kv_tokens == 131_072


def test_a_negative_count_is_refused() -> None:
    """No engine has it."""
    with pytest.raises(InvalidValue):
        EngineArguments(engine="vllm", sequences=-1)


@given(st.lists(st.text(max_size=30), max_size=8))
def test_no_command_line_breaks_the_reader(arguments: list[str]) -> None:
    """Whatever stands there, there are arguments."""
    assert vllm_arguments(arguments).batched_tokens >= 0
    assert sglang_arguments(arguments).batched_tokens >= 0
