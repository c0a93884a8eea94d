"""Resampling as a peer of the formulas: jackknife, bootstraps, and the averaging of chunks.

Every sum of an estimator can be kept on the finest table of the data, its *cells*: the combinations that occur of the
levels of all factors. A resample of whole levels is then that table with rows repeated under new labels, and the
generated module's `solve` makes estimates of it. So one pass over the data serves all replicates, for every statistic
and every estimator that the package generates (`cells`). Only the residual and the parametric bootstrap, which make
new responses, go over the rows again (`responses`).
"""

from __future__ import annotations

from momentalg.inference.resampling.alchemy import Alchemy, alchemy
from momentalg.inference.resampling.bootstrap import bootstrap
from momentalg.inference.resampling.equations import cell_sums
from momentalg.inference.resampling.jackknife import Jackknife, jackknife
from momentalg.inference.resampling.resamples import Resamples

__all__ = ["Alchemy", "Jackknife", "Resamples", "alchemy", "bootstrap", "cell_sums", "jackknife"]
