"""What an engine counts about itself: the numbers behind the series that a vLLM exposes."""

from __future__ import annotations

from wva_exporter.twin import histogram
from wva_exporter.twin.histogram import Histogram
from wva_exporter.twin.parameters import EngineParameters


class Meter:
    """Counters and histograms since the engine started, all at zero then. Times in seconds, sizes in tokens."""

    __slots__ = (
        "aborted",
        "between_tokens",
        "completions_of_request",
        "decode",
        "end_to_end",
        "finished",
        "first_token",
        "generation_tokens",
        "inference",
        "iteration_tokens",
        "max_output_of_request",
        "max_tokens_of_request",
        "output_of_request",
        "per_output_token",
        "preemptions",
        "preemptions_of_request",
        "prefill",
        "prefill_of_request",
        "prompt_of_request",
        "prompt_tokens",
        "queue",
    )

    def __init__(self, parameters: EngineParameters) -> None:
        tokens = histogram.tokens_up_to(parameters.max_model_tokens)
        self.prompt_tokens = 0
        self.generation_tokens = 0
        self.preemptions = 0
        self.finished = 0
        self.aborted = 0
        self.first_token = Histogram(histogram.SECONDS_TO_FIRST_TOKEN)
        self.between_tokens = Histogram(histogram.SECONDS_BETWEEN_TOKENS)
        self.per_output_token = Histogram(histogram.SECONDS_BETWEEN_TOKENS)
        self.end_to_end = Histogram(histogram.SECONDS_OF_REQUEST)
        self.queue = Histogram(histogram.SECONDS_OF_REQUEST)
        self.inference = Histogram(histogram.SECONDS_OF_REQUEST)
        self.prefill = Histogram(histogram.SECONDS_OF_REQUEST)
        self.decode = Histogram(histogram.SECONDS_OF_REQUEST)
        self.prompt_of_request = Histogram(tokens)
        self.output_of_request = Histogram(tokens)
        self.max_output_of_request = Histogram(tokens)
        self.max_tokens_of_request = Histogram(tokens)
        self.prefill_of_request = Histogram(tokens)
        self.completions_of_request = Histogram(histogram.COMPLETIONS_OF_REQUEST)
        self.preemptions_of_request = Histogram(histogram.PREEMPTIONS_OF_REQUEST)
        self.iteration_tokens = Histogram(histogram.TOKENS_OF_ITERATION)

    def count_iteration(self, seconds: float, computed_tokens: int, decoded: int) -> None:
        """One iteration that computed so many tokens and continued ``decoded`` requests."""
        self.iteration_tokens.observe(computed_tokens)
        self.generation_tokens += decoded
        self.between_tokens.observe(seconds, decoded)

    def count_decoding(self, first_seconds: float, slope_seconds: float, iterations: int, decoded: int) -> None:
        """Iterations that only continue ``decoded`` requests; each takes ``slope_seconds`` longer than the one before."""
        self.iteration_tokens.observe(decoded, iterations)
        self.generation_tokens += decoded * iterations
        self.between_tokens.observe_ramp(first_seconds, slope_seconds, iterations, decoded)
