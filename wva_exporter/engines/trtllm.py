"""TensorRT-LLM's own server, ``trtllm-serve``: its page is ``/prometheus/metrics`` (``/metrics`` answers JSON).

Read in its source, ``tensorrt_llm/metrics/collector.py`` of 2026 (commit 050f80de), and in the request that brought the gauges
(NVIDIA/TensorRT-LLM#12545, March 2026). Versions before it have no gauges, no prefix in their names and ``undefined`` for a
model, and cannot be read. The server needs ``return_perf_metrics: true`` and ``enable_iter_perf_stats: true``.

* Labels are ``model_name`` and ``engine_type`` (not our tag). There are no rank labels: one server speaks for all its GPUs.
  With attention data parallelism the ranks overwrite each other's gauges; then run one server a rank.
* Gauges appear with the first iteration and are written when requests complete. Until then only the configuration shows that
  the server exists: such a replica is unknown, not idle, so let it answer one request at its start.
* Capacity is blocks times tokens a block; sizes have no histograms, so the totals divided by finished requests serve.
"""

from __future__ import annotations

from wva_exporter.conventions import Signal
from wva_exporter.engines.table import Balance, Engine, Gauge, Mean, Over, Product, Ranks, Rate, Share, Window

KV_USAGE = ("trtllm_kv_cache_utilization",)

TRTLLM = Engine(
    name="trtllm",
    presence=("trtllm_num_requests_running", "trtllm_model_config_info"),
    readings={
        Signal.KV_PEAK: Gauge(names=KV_USAGE, over=Over.PEAK, ranks=Ranks.MAX),
        Signal.KV: Gauge(names=KV_USAGE, over=Over.MEAN, ranks=Ranks.EACH),
        Signal.WAITING_PEAK: Gauge(names=("trtllm_num_requests_waiting",), over=Over.PEAK, ranks=Ranks.MAX),
        Signal.WAITING: Gauge(names=("trtllm_num_requests_waiting",), over=Over.NOW, ranks=Ranks.SUM),
        Signal.RUNNING: Gauge(names=("trtllm_num_requests_running",), over=Over.NOW, ranks=Ranks.SUM),
        Signal.ARRIVED: Balance(
            ended=("trtllm_request_success_total",),
            inside=("trtllm_num_requests_running", "trtllm_num_requests_waiting"),
        ),
        Signal.REQUEST_RATE: Rate(names=("trtllm_request_success_total",)),
        Signal.GENERATION_TOKEN_RATE: Rate(names=("trtllm_generation_tokens_total",)),
        Signal.KV_CAPACITY: Product(names=(("trtllm_kv_cache_max_blocks", "trtllm_kv_cache_tokens_per_block"),)),
        Signal.INPUT_TOKENS: Share(names=(("trtllm_prompt_tokens_total", "trtllm_request_success_total"),)),
        Signal.OUTPUT_TOKENS: Share(names=(("trtllm_generation_tokens_total", "trtllm_request_success_total"),)),
        Signal.TTFT: Mean(names=("trtllm_time_to_first_token_seconds",), window=Window.SHORT),
        Signal.ITL: Mean(names=("trtllm_time_per_output_token_seconds",), window=Window.SHORT),
        Signal.PREFIX_HIT_RATIO: Share(names=(("trtllm_prompt_cached_tokens_total", "trtllm_prompt_tokens_total"),)),
    },
)
