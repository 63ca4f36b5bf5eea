"""``/metrics`` of a replica, series for series as vLLM 0.32 exposes them.

What the twin does not model (multi-modal caches, prefix cache, LoRA) is there with the value that an engine without it shows.
"""

from __future__ import annotations

from wva_exporter.cli.demo.page import Page
from wva_exporter.twin.engine import Engine
from wva_exporter.twin.histogram import Histogram
from wva_exporter.twin.meter import DetailedMeter

_HANDLER = {"handler": "/v1/completions"}
_CACHE_CONFIG = {
    "_block_size_resolved": "True",
    "cache_dtype": "auto",
    "cache_hit_alignment_tokens": "None",
    "enable_mamba_shared_prefix_checkpoint": "False",
    "enable_prefix_caching": "True",
    "hash_block_size": "None",
    "is_attention_free": "False",
    "kv_cache_dtype_skip_layers": "[]",
    "kv_cache_layout": "None",
    "kv_cache_memory_bytes": "None",
    "kv_offloading_backend": "native",
    "kv_offloading_size": "None",
    "kv_sharing_fast_prefill": "False",
    "mamba_block_size": "None",
    "mamba_cache_dtype": "auto",
    "mamba_cache_mode": "none",
    "mamba_page_size_padded": "None",
    "mamba_ssm_cache_dtype": "float32",
    "num_cpu_blocks": "None",
    "prefix_cache_retention_interval": "0",
    "prefix_caching_hash_algo": "sha256",
    "prefix_match_unit": "None",
    "replayssm_buffer_len": "16",
    "skip_page_size_padded": "None",
    "sliding_window": "None",
    "swa_bounded_replay": "True",
    "use_kda_recoverssm": "False",
    "use_replayssm": "False",
    "user_specified_block_size": "False",
}
_SLOW_BOUNDS = (0.1, 0.5, 1.0)
_FINE_BOUNDS = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 7.5, 10.0, 30.0, 60.0,
)  # fmt: skip


def engine_page(engine: Engine, *, model: str, epoch: float) -> bytes:
    """The page of an engine; ``epoch`` is the time since the Unix epoch at zero of the fleet's clock, in seconds."""
    created = epoch + engine.started_at
    page = Page({})
    _process(page, engine, created)
    own = Page({"engine": "0", "model_name": model}, created)
    _levels(own, engine)
    _counters(own, engine)
    _histograms(own, engine)
    frontend = Page({"model_name": model}, created)
    rejections = [({"reason": reason}, 0.0) for reason in ("max_num_queued_reqs", "max_num_queued_tokens")]
    frontend.counter(
        "vllm:admission_rejections", "Admission attempts rejected by a queue limit, by reason.", rejections
    )
    web = Page({}, created)
    _cache_config(web, engine)
    _web(web, engine)
    return b"".join(part.text() for part in (page, own, frontend, web))


def _process(page: Page, engine: Engine, created: float) -> None:
    """What the Python client says of its process."""
    generations = [{"generation": str(generation)} for generation in range(3)]
    page.counter("python_gc_objects_collected", "Objects collected during gc", [(g, 0.0) for g in generations])
    page.counter(
        "python_gc_objects_uncollectable", "Uncollectable objects found during GC", [(g, 0.0) for g in generations]
    )
    page.counter(
        "python_gc_collections", "Number of times this generation was collected", [(g, 0.0) for g in generations]
    )
    version = {"implementation": "CPython", "major": "3", "minor": "12", "patchlevel": "11", "version": "3.12.11"}
    page.gauge("python_info", "Python platform information", [(version, 1.0)])
    page.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", 4.0e10)
    page.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", 6.0e9)
    page.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", created)
    page.counter(
        "process_cpu_seconds", "Total user and system CPU time spent in seconds.", engine.clock - engine.started_at
    )
    page.gauge("process_open_fds", "Number of open file descriptors.", 64.0)
    page.gauge("process_max_fds", "Maximum number of open file descriptors.", 1048576.0)


def _levels(page: Page, engine: Engine) -> None:
    """What is inside now."""
    page.gauge("vllm:num_requests_running", "Number of requests in model execution batches.", engine.running)
    page.gauge("vllm:num_requests_waiting", "Number of requests waiting to be processed.", engine.waiting)
    page.gauge(
        "vllm:num_requests_waiting_by_reason",
        "Number of waiting requests by reason.",
        [({"reason": "capacity"}, engine.waiting), ({"reason": "deferred"}, 0.0)],
    )
    states = (("awake", 1.0), ("weights_offloaded", 0.0), ("discard_all", 0.0))
    page.gauge("vllm:engine_sleep_state", "Engine sleep state.", [({"sleep_state": s}, v) for s, v in states])
    page.gauge("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", engine.kv_usage_ratio)


def _counters(page: Page, engine: Engine) -> None:
    """What was done since the start."""
    meter = engine.meter
    for unit in ("flops", "read_bytes", "write_bytes"):
        page.counter(f"vllm:estimated_{unit}_per_gpu", f"Estimated {unit} per GPU.", 0.0)
    page.counter("vllm:prefix_cache_queries", "Prefix cache queries, in tokens.", meter.prefix_queries)
    page.counter("vllm:prefix_cache_hits", "Prefix cache hits, in tokens.", meter.prefix_hits)
    for cache in ("external_prefix_cache", "mm_cache"):
        page.counter(f"vllm:{cache}_queries", f"Queries of {cache}.", 0.0)
        page.counter(f"vllm:{cache}_hits", f"Hits of {cache}.", 0.0)
    page.counter("vllm:num_preemptions", "Cumulative number of preemption from the engine.", meter.preemptions)
    page.counter("vllm:prompt_tokens", "Number of prefill tokens processed.", meter.prompt_tokens)
    sources = (("local_compute", meter.prompt_tokens), ("local_cache_hit", 0), ("external_kv_transfer", 0))
    page.counter(
        "vllm:prompt_tokens_by_source", "Number of prompt tokens by source.", [({"source": s}, v) for s, v in sources]
    )
    page.counter("vllm:prompt_tokens_cached", "Number of cached prompt tokens.", 0.0)
    tiers = ("device", "host", "p2p", "disk", "external_unspecified")
    page.counter(
        "vllm:prompt_tokens_cached_by_source", "Cached prompt tokens by tier.", [({"source": t}, 0.0) for t in tiers]
    )
    page.counter("vllm:generation_tokens", "Number of generation tokens processed.", meter.generation_tokens)
    ended = {"stop": 0, "length": meter.finished, "abort": meter.aborted, "error": 0, "repetition": 0}
    page.counter(
        "vllm:request_success",
        "Count of successfully processed requests.",
        [({"finished_reason": reason}, count) for reason, count in ended.items()],
    )


def _histograms(page: Page, engine: Engine) -> None:
    """How long it took and how large it was."""
    meter = engine.meter
    assert isinstance(meter, DetailedMeter)
    for name, text, histogram in (
        ("request_prompt_tokens", "Number of prefill tokens processed.", meter.prompt_of_request),
        ("request_generation_tokens", "Number of generation tokens processed.", meter.output_of_request),
        ("iteration_tokens_total", "Histogram of number of tokens per engine_step.", meter.iteration_tokens),
        ("request_max_num_generation_tokens", "Most generation tokens requested.", meter.max_output_of_request),
        ("request_params_n", "Histogram of the n request parameter.", meter.completions_of_request),
        ("request_params_max_tokens", "Histogram of the max_tokens request parameter.", meter.max_tokens_of_request),
        ("time_to_first_token_seconds", "Histogram of time to first token in seconds.", meter.first_token),
        ("inter_token_latency_seconds", "Histogram of inter-token latency in seconds.", meter.between_tokens),
        ("request_time_per_output_token_seconds", "Time per output token per request.", meter.per_output_token),
        ("e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", meter.end_to_end),
        ("request_queue_time_seconds", "Time spent in WAITING phase for request.", meter.queue),
        ("request_inference_time_seconds", "Time spent in RUNNING phase for request.", meter.inference),
        ("request_prefill_time_seconds", "Time spent in PREFILL phase for request.", meter.prefill),
        ("request_decode_time_seconds", "Time spent in DECODE phase for request.", meter.decode),
        ("request_num_preemptions", "Number of times a request was preempted.", meter.preemptions_of_request),
        ("request_prefill_kv_computed_tokens", "New KV tokens computed during prefill.", meter.prefill_of_request),
    ):
        page.histogram(f"vllm:{name}", text, histogram)


def _cache_config(page: Page, engine: Engine) -> None:
    """The cache's settings as labels: no model among them, every value a string, None where there is none."""
    parameters = engine.parameters
    blocks, block = parameters.kv_blocks, parameters.block_size_tokens
    known = {
        "block_size": block,
        "effective_attention_block_size": block,
        "engine": 0,
        "gpu_memory_utilization": 0.92,
        "kv_cache_max_concurrency": blocks * block / parameters.max_model_tokens,
        "kv_cache_size_tokens": blocks * block,
        "num_gpu_blocks": blocks,
        "num_gpu_blocks_override": blocks,
    }
    page.gauge(
        "vllm:cache_config_info",
        "Information of the LLMEngine CacheConfig",
        [({**_CACHE_CONFIG, **{name: str(value) for name, value in known.items()}}, 1.0)],
    )


def _web(page: Page, engine: Engine) -> None:
    """What its HTTP server says of completions."""
    meter = engine.meter
    assert isinstance(meter, DetailedMeter)
    count, seconds = meter.finished, meter.end_to_end
    post = {**_HANDLER, "method": "POST"}
    page.counter(
        "http_requests", "Total number of requests by method, status and handler.", [({**post, "status": "2xx"}, count)]
    )
    page.summary(
        "http_request_size_bytes", "Content length of requests.", count, 4.0 * meter.prompt_of_request.sum, _HANDLER
    )
    page.summary(
        "http_response_size_bytes", "Content length of responses.", count, 4.0 * meter.generation_tokens, _HANDLER
    )
    page.histogram("http_request_duration_highr_seconds", "Latency with many buckets.", _coarse(seconds, _FINE_BOUNDS))
    page.histogram("http_request_duration_seconds", "Latency with few buckets.", _coarse(seconds, _SLOW_BOUNDS), post)


def _coarse(histogram: Histogram, bounds: tuple[float, ...]) -> Histogram:
    """The same observations in other buckets, each at the upper bound it was counted under."""
    other = Histogram(bounds)
    for bound, count in zip((*histogram.bounds, histogram.bounds[-1] * 2), histogram.counts, strict=True):
        other.observe(bound, count)
    other.sum = histogram.sum
    return other
