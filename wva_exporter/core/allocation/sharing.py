"""What an operator says of scarce GPUs: whether policies keep to them, how they are allotted, whether they change hands."""

from __future__ import annotations

from dataclasses import dataclass

from wva_exporter.core.allocation.quotas import Quotas


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Settings of WVA's policies; the defaults are WVA's own.

    ``limiter`` None: nobody said. Then ``wva-v2`` keeps to the GPUs that are counted, and its ``exact`` mode and ``wva-v1``
    look at none. ``rescale``: GPUs that are short go by priority, also those that another model holds (``wva-v2``).
    """

    limiter: bool | None = None
    rescale: bool = False
    quotas: tuple[Quotas, ...] = ()
