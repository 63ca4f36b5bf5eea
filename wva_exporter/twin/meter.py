"""What an engine counts about itself: the numbers behind the series that a vLLM exposes."""

from __future__ import annotations

from wva_exporter.twin import histogram
from wva_exporter.twin.histogram import Histogram, Tally
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.sequence import Sequence


class Meter:
    """Counters since the engine started, all at zero then. Times in seconds, sizes in tokens.

    Tallies have a ``sum`` and a ``count``. ``computed_tokens`` went through the model, ``prefix_queries`` of the prompts were
    looked for in the cache of prefixes and ``prefix_hits`` found there; ``busy_seconds`` were spent in iterations.
    """

    __slots__ = (
        "aborted",
        "between_tokens",
        "busy_seconds",
        "computed_tokens",
        "end_to_end",
        "finished",
        "first_token",
        "generation_tokens",
        "output_of_request",
        "preemptions",
        "prefix_hits",
        "prefix_queries",
        "prompt_of_request",
        "prompt_tokens",
    )

    def __init__(self) -> None:
        self.prompt_tokens = 0
        self.generation_tokens = 0
        self.computed_tokens = 0
        self.preemptions = 0
        self.finished = 0
        self.aborted = 0
        self.prefix_queries = 0
        self.prefix_hits = 0
        self.busy_seconds = 0.0
        self.first_token = Tally()
        self.between_tokens = Tally()
        self.end_to_end = Tally()
        self.prompt_of_request = Tally()
        self.output_of_request = Tally()

    def count_iteration(self, seconds: float, computed_tokens: int, decoded: int) -> None:
        """One iteration that computed so many tokens and continued ``decoded`` requests."""
        self.busy_seconds += seconds
        self.computed_tokens += computed_tokens
        self.generation_tokens += decoded
        self.between_tokens.observe(seconds, decoded)

    def count_decoding(self, first_seconds: float, half: float, iterations: int, decoded: int) -> None:
        """Iterations that only continue ``decoded`` requests; each takes ``2 half`` seconds longer than the one before."""
        self.busy_seconds += iterations * (first_seconds + half * (iterations - 1))
        self.computed_tokens += decoded * iterations
        self.generation_tokens += decoded * iterations
        self.between_tokens.observe_ramp(first_seconds, 2 * half, iterations, decoded)

    def count_finished(self, sequence: Sequence, now: float, output_tokens: int) -> None:
        """A request that got its last token of this engine, its ``output_tokens``-th."""
        self.finished += 1
        self.end_to_end.observe(now - sequence.queued_at)
        self.prompt_of_request.observe(sequence.request.prompt_tokens)
        self.output_of_request.observe(output_tokens)


class DetailedMeter(Meter):
    """Every histogram of the page that a vLLM serves, beside the counters."""

    __slots__ = (
        "completions_of_request",
        "decode",
        "inference",
        "iteration_tokens",
        "max_output_of_request",
        "max_tokens_of_request",
        "per_output_token",
        "preemptions_of_request",
        "prefill",
        "prefill_of_request",
        "queue",
    )

    first_token: Histogram
    between_tokens: Histogram
    end_to_end: Histogram
    prompt_of_request: Histogram
    output_of_request: Histogram

    def __init__(self, parameters: EngineParameters) -> None:
        super().__init__()
        tokens = histogram.tokens_up_to(parameters.max_model_tokens)
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
        """As above, and the tokens of the iteration."""
        super().count_iteration(seconds, computed_tokens, decoded)
        self.iteration_tokens.observe(computed_tokens)

    def count_decoding(self, first_seconds: float, half: float, iterations: int, decoded: int) -> None:
        """As above, each iteration in its bucket."""
        super().count_decoding(first_seconds, half, iterations, decoded)
        self.iteration_tokens.observe(decoded, iterations)

    def count_finished(self, sequence: Sequence, now: float, output_tokens: int) -> None:
        """As above, and where its time went."""
        super().count_finished(sequence, now, output_tokens)
        first = sequence.first_token_at
        assert first is not None
        self.queue.observe(sequence.scheduled_at - sequence.queued_at)
        self.inference.observe(now - sequence.scheduled_at)
        self.prefill.observe(first - sequence.scheduled_at)
        self.decode.observe(now - first)
        self.per_output_token.observe((now - first) / max(output_tokens - 1, 1))
        self.prefill_of_request.observe(sequence.request.prompt_tokens - sequence.cached_tokens)
        self.max_output_of_request.observe(output_tokens)
        self.max_tokens_of_request.observe(output_tokens)
        self.completions_of_request.observe(1)
        self.preemptions_of_request.observe(sequence.preemptions)
