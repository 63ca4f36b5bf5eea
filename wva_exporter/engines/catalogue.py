"""Every inference engine that is read, in the order in which queries list them."""

from __future__ import annotations

from wva_exporter.engines.sglang import SGLANG
from wva_exporter.engines.table import Engine
from wva_exporter.engines.trtllm import TRTLLM
from wva_exporter.engines.vllm import VLLM

ENGINES: tuple[Engine, ...] = (VLLM, SGLANG, TRTLLM)
