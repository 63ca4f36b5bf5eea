"""What learning published, read back: our own series as beliefs, by the rows of a fleet."""

from __future__ import annotations

import numpy as np

from wva_exporter.conventions import MODEL_PARAMETER, MODEL_PARAMETER_RESET, MODEL_PARAMETER_STDDEV
from wva_exporter.core.columns import Column
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.queueing.law import PARAMETERS
from wva_exporter.core.queueing.learning import Learned
from wva_exporter.sources.samples import Answer

_PLACE = {name: place for place, name in enumerate(PARAMETERS)}


def learned_of(fleet: Fleet, answer: Answer) -> Learned:
    """The answer to ``engines.own.learned_query`` as it was published.

    A scrape without ``honorLabels`` moves our namespace to ``exported_namespace``, so that one counts where there is one.
    Series of variants that are not in the fleet are left out; a variant with a part missing is unknown, as one never seen.
    """
    mean, stddev = np.zeros((len(fleet), 3)), np.zeros((len(fleet), 3))
    began = np.full(len(fleet), np.nan)
    for labels, value in zip(answer.labels, answer.value.tolist(), strict=True):
        row = fleet.row.get((labels.exported_namespace or labels.namespace, labels.variant_name))
        place = _PLACE.get(labels.parameter)
        if row is None:
            continue
        if labels.metric == MODEL_PARAMETER_RESET.name:
            began[row] = value
        elif labels.metric == MODEL_PARAMETER.name and place is not None:
            mean[row, place] = value
        elif labels.metric == MODEL_PARAMETER_STDDEV.name and place is not None:
            stddev[row, place] = value
    return Learned(belief=Belief.of(mean, stddev), began_at=Column.of(began))
