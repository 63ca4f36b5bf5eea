"""Settings that WVA's own ConfigMap brings along, beneath those of our file."""

from __future__ import annotations

from dataclasses import replace

from wva_exporter.config.schema import Settings
from wva_exporter.core.allocation.sharing import Sharing
from wva_exporter.core.declaration import Declarations, ModelDeclaration
from wva_exporter.discovery.wva_configmap import WvaSettings

_THRESHOLDS = {
    "kv_threshold": "kv",
    "queue_threshold": "queue",
    "kv_spare": "kv_spare",
    "queue_spare": "queue_spare",
    "scale_up": "scale_up",
    "scale_down": "scale_down",
}
"""Keys of `thresholds` by the field of a declaration."""


def beneath(own: Declarations, settings: Settings, theirs: WvaSettings) -> Declarations:
    """Our declarations, and theirs where ours say nothing: models that our file does not name, and globals that it lacks."""
    named = {(model.namespace, model.name) for model in own.models}
    more = [m for m in theirs.models if (m.namespace, m.name) not in named and (None, m.name) not in named]
    fallback = own.fallback if theirs.fallback is None else _fallback(own.fallback, settings, theirs.fallback)
    sharing = _sharing(settings, theirs.sharing)
    throughput = theirs.throughput
    if "throughput" in settings.model_fields_set:
        throughput = (theirs.throughput or own.throughput) if settings.throughput else None
    return replace(own, models=(*own.models, *more), fallback=fallback, sharing=sharing, throughput=throughput)


def _sharing(settings: Settings, theirs: Sharing) -> Sharing:
    """Theirs, and each switch of ours that is given; a limiter that is switched off has no quotas either."""
    limiter = theirs.limiter if settings.limiter is None else settings.limiter
    rescale = settings.rescale if "rescale" in settings.model_fields_set else theirs.rescale
    return Sharing(limiter=limiter, rescale=rescale, quotas=() if limiter is False else theirs.quotas)


def _fallback(own: ModelDeclaration, settings: Settings, theirs: ModelDeclaration) -> ModelDeclaration:
    said = settings.thresholds.model_fields_set
    taken = {field: getattr(theirs, field) for field, key in _THRESHOLDS.items() if key not in said}
    if "policy" not in settings.model_fields_set:
        taken["policy"] = theirs.policy
    return replace(own, priority=theirs.priority, **taken)
