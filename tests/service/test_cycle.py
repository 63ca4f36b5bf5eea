"""What a cycle carries over to the next beside its decision."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from engine_worlds import NOW, pod, scraped

from wva_exporter.config.load import parse
from wva_exporter.core.columns import Column
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.learning import Learned
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.errors import QueryFailure
from wva_exporter.service.cycle import Cycle
from wva_exporter.service.knowledge import Known
from wva_exporter.sources.samples import Answer, Observation


@dataclass(kw_only=True)
class Told:
    """A source that says what a test puts into it, and a mind that counts how often it is asked."""

    observation: Observation
    name: str = "told"
    asked: int = field(default=0, init=False)

    async def observe(self) -> Observation:
        """What was put in."""
        return self.observation

    async def close(self) -> None:
        """Nothing to give back."""

    async def known(self, snapshot: Snapshot) -> Known:
        """Anything may be true."""
        self.asked += 1
        rows = len(snapshot.fleet)
        return Known(
            learned=Learned.nothing(rows), recommended_limit=Column.unknown(rows), belief=Belief.anything(rows)
        )


async def test_what_was_learned_is_still_shown_while_the_source_is_silent() -> None:
    """Nobody is asked then, and the series of what was learned do not blink; a new exporter has nothing to show."""
    told = Told(observation=scraped({"a": pod("llama-0", "vllm-0.32/busy")}))
    cycle = Cycle(parse("", "test"))
    first = await cycle.run(told, told.known)
    answers = {signal: Answer(failure=QueryFailure.TIMEOUT) for signal in told.observation.answers}
    told.observation = replace(told.observation, time=NOW + 15.0, answers=answers)
    silent = await cycle.run(told, told.known)
    assert not silent.observation.reachable
    assert silent.plan.learned is first.plan.learned is not None
    assert told.asked == 1
    assert (await Cycle(parse("", "test")).run(told, told.known)).plan.learned is None
