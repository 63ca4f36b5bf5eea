"""vLLM: current names first, then those of early V1 (0.8 to 0.10) and of V0.

Checked against scrapes of vLLM 0.32. The usable KV capacity is one block less than ``num_gpu_blocks``: the engine reserves
a null block, so that 79 of 80 blocks can fill (seen in the recorded run, where usage reaches 78/79). Only the first worker of
a tensor or pipeline parallel group exposes metrics, so that no label numbers shards.
"""

from __future__ import annotations

from wva_exporter.conventions import Signal
from wva_exporter.engines.table import Balance, Engine, Gauge, LabelProduct, Mean, Over, Ranks, Rate, Share, Window

KV_USAGE = ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")

VLLM = Engine(
    name="vllm",
    data_ranks=("engine",),
    presence=("vllm:num_requests_running",),
    readings={
        Signal.KV_PEAK: Gauge(names=KV_USAGE, over=Over.PEAK, ranks=Ranks.MAX),
        Signal.KV: Gauge(names=KV_USAGE, over=Over.MEAN, ranks=Ranks.EACH),
        Signal.WAITING_PEAK: Gauge(names=("vllm:num_requests_waiting",), over=Over.PEAK, ranks=Ranks.MAX),
        Signal.WAITING: Gauge(names=("vllm:num_requests_waiting",), over=Over.NOW, ranks=Ranks.SUM),
        Signal.RUNNING: Gauge(names=("vllm:num_requests_running",), over=Over.NOW, ranks=Ranks.SUM),
        Signal.ARRIVED: Balance(
            ended=("vllm:request_success_total",),
            inside=("vllm:num_requests_running", "vllm:num_requests_waiting"),
        ),
        Signal.REQUEST_RATE: Rate(names=("vllm:request_success_total",)),
        Signal.GENERATION_TOKEN_RATE: Rate(names=("vllm:generation_tokens_total",)),
        Signal.KV_CAPACITY: LabelProduct(
            names=("vllm:cache_config_info",), labels=("num_gpu_blocks", "block_size"), reserved=1
        ),
        Signal.INPUT_TOKENS: Mean(names=("vllm:request_prompt_tokens",)),
        Signal.OUTPUT_TOKENS: Mean(names=("vllm:request_generation_tokens",)),
        Signal.TTFT: Mean(names=("vllm:time_to_first_token_seconds",), window=Window.SHORT),
        Signal.ITL: Mean(
            names=("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"), window=Window.SHORT
        ),
        Signal.PREFIX_HIT_RATIO: Share(
            names=(
                ("vllm:prefix_cache_hits_total", "vllm:prefix_cache_queries_total"),
                ("vllm:gpu_prefix_cache_hits_total", "vllm:gpu_prefix_cache_queries_total"),
            )
        ),
    },
)
