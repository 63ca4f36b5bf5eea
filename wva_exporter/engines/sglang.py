"""SGLang (started with ``--enable-metrics``): current names first, then those of older versions.

Read in its source, ``python/sglang/srt/observability/metrics_collector.py`` of August 2026 (commit 016d8605) and
``python/sglang/srt/metrics/collector.py`` of early 2026 (0.5.x, commit 00ae9c15), and in its page on production metrics, whose
example is of 0.4.

* Gauges come from its schedulers, with ``model_name, engine_type, tp_rank, pp_rank, moe_ep_rank`` and, where data parallel,
  ``dp_rank``. With ``--enable-metrics-for-all-schedulers`` every tensor parallel rank says what the first one says; pipeline
  stages and the constants always do. ``engine_type`` is its part in disaggregation and has nothing to do with our tag.
* Under priority scheduling the gauges of requests exist once more for each ``priority``; the total leaves that label empty.
* Counters and histograms come from its tokenizer, which has no ranks, and count a request when it has finished.
* ``max_total_num_tokens`` is the capacity itself, in tokens. ``token_usage`` leaves out what is cached and can be evicted.
* Histograms of sizes were an option (``--collect-tokens-histogram``): without them the totals divided by requests serve.
"""

from __future__ import annotations

from wva_exporter.conventions import Signal
from wva_exporter.engines.table import Balance, Engine, Gauge, Mean, Over, Ranks, Rate, Share, Window

KV_USAGE = ("sglang:token_usage",)

SGLANG = Engine(
    name="sglang",
    data_ranks=("dp_rank",),
    shard_ranks=("tp_rank", "pp_rank", "moe_ep_rank"),
    part_labels=("priority",),
    presence=("sglang:num_running_reqs",),
    readings={
        Signal.KV_PEAK: Gauge(names=KV_USAGE, over=Over.PEAK, ranks=Ranks.MAX),
        Signal.KV: Gauge(names=KV_USAGE, over=Over.MEAN, ranks=Ranks.EACH),
        Signal.WAITING_PEAK: Gauge(names=("sglang:num_queue_reqs",), over=Over.PEAK, ranks=Ranks.MAX),
        Signal.WAITING: Gauge(names=("sglang:num_queue_reqs",), over=Over.NOW, ranks=Ranks.SUM),
        Signal.RUNNING: Gauge(names=("sglang:num_running_reqs",), over=Over.NOW, ranks=Ranks.SUM),
        Signal.ARRIVED: Balance(
            ended=("sglang:num_requests_total", "sglang:e2e_request_latency_seconds_count"),
            inside=("sglang:num_running_reqs", "sglang:num_queue_reqs"),
        ),
        Signal.REQUEST_RATE: Rate(names=("sglang:num_requests_total", "sglang:e2e_request_latency_seconds_count")),
        Signal.GENERATION_TOKEN_RATE: Rate(names=("sglang:generation_tokens_total",)),
        Signal.KV_CAPACITY: Gauge(names=("sglang:max_total_num_tokens",), over=Over.NOW, ranks=Ranks.EACH),
        Signal.INPUT_TOKENS: Share(
            names=(
                ("sglang:prompt_tokens_histogram_sum", "sglang:prompt_tokens_histogram_count"),
                ("sglang:prompt_tokens_total", "sglang:num_requests_total"),
                ("sglang:prompt_tokens_total", "sglang:e2e_request_latency_seconds_count"),
            )
        ),
        Signal.OUTPUT_TOKENS: Share(
            names=(
                ("sglang:generation_tokens_histogram_sum", "sglang:generation_tokens_histogram_count"),
                ("sglang:generation_tokens_total", "sglang:num_requests_total"),
                ("sglang:generation_tokens_total", "sglang:e2e_request_latency_seconds_count"),
            )
        ),
        Signal.TTFT: Mean(names=("sglang:time_to_first_token_seconds",), window=Window.SHORT),
        Signal.ITL: Mean(
            names=("sglang:inter_token_latency_seconds", "sglang:time_per_output_token_seconds"), window=Window.SHORT
        ),
        Signal.PREFIX_HIT_RATIO: Share(names=(("sglang:cached_tokens_total", "sglang:prompt_tokens_total"),)),
    },
)
