"""What each model and each role of a fleet lacks, or could do without, in tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, FloatArray
from wva_exporter.core.fleet import Role, Thresholds
from wva_exporter.core.tokens.footprint import QueueTokens
from wva_exporter.core.tokens.rows import Stand, TokenAnalysis, disaggregated
from wva_exporter.core.tokens.totals import Totals, required, spare


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Balance:
    """``lacking`` and ``free`` of each model, and of each role of each model: shape (models,) and (models, roles), tokens.

    ``split``: models whose roles are decided apart; ``owned``: roles that have variants, shape (models, roles). ``demand`` and
    ``demand_of_roles`` are what is asked for.
    """

    lacking: FloatArray
    free: FloatArray
    demand: FloatArray
    lacking_of_roles: FloatArray
    free_of_roles: FloatArray
    demand_of_roles: FloatArray
    split: BoolArray
    owned: BoolArray

    @property
    def stirring(self) -> BoolArray:
        """Models of which something is lacking or free: shape (models,)."""
        roles = (self.lacking_of_roles > 0) | (self.free_of_roles > 0)
        return (self.lacking > 0) | (self.free > 0) | (self.split & roles.any(axis=1))

    def of_variants(self, stand: Stand) -> tuple[FloatArray, FloatArray]:
        """What the model or the role of each variant lacks, and what is free there: shape (variants,)."""
        apart = self.split[stand.model]
        lacking = np.where(apart, self.lacking_of_roles[stand.model, stand.role], self.lacking[stand.model])
        free = np.where(apart, self.free_of_roles[stand.model, stand.role], self.free[stand.model])
        return lacking, free


def balance(
    found: TokenAnalysis, stand: Stand, queue: QueueTokens, thresholds: Thresholds, whole: BoolArray
) -> Balance:
    """Lay the thresholds over the analysis.

    ``whole``: models of which every engine is counted, shape (models,); of the others nothing is free, because the load that is
    not counted is carried somewhere.
    """
    shape = (len(stand.model_name), len(Role))
    models, roles = found.of_models(stand, queue), found.of_roles(stand, queue)
    lacking, free = _judged(models, thresholds, 1)
    lacking_of_roles, free_of_roles = _judged(roles, thresholds, len(Role))
    return Balance(
        lacking=lacking,
        free=np.where(whole, free, 0.0),
        demand=models.demand,
        lacking_of_roles=lacking_of_roles.reshape(shape),
        free_of_roles=np.where(whole[:, np.newaxis], free_of_roles.reshape(shape), 0.0),
        demand_of_roles=roles.demand.reshape(shape),
        split=disaggregated(stand),
        owned=(np.bincount(stand.group, minlength=shape[0] * shape[1]) > 0).reshape(shape),
    )


def _judged(totals: Totals, thresholds: Thresholds, roles: int) -> tuple[FloatArray, FloatArray]:
    """Missing above the upper threshold, and free below the lower one."""
    up, down = np.repeat(thresholds.scale_up, roles), np.repeat(thresholds.scale_down, roles)
    return required(totals.demand, totals.anticipated, up), spare(totals.demand, totals.supply, down)
