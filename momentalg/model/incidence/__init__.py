"""`ma.designs`: named laws of random designs, of crossed factors and of nested ones.

A crossed design has no i.i.d. units: rows share columns. How they come to do so is said by an incidence::

    model = ma.Model("y ~ 1 + (1 | user) + (1 | item)", incidence=ma.designs.draws("user", "item"))
    model.var(model.total(model.y, by="user")).result

Laws of counts and probabilities may be left open, and then stay symbols; with them a result has a value,
``derivation.evaluate(parameters=..., law=ma.designs.draws("user", "item", ma.Poisson(3), [0.5, 0.5]), units={"user":
40})``, and the design can be sampled for a simulation.
"""

from momentalg.model.incidence.base import Incidence
from momentalg.model.incidence.draws import Draws, draws
from momentalg.model.incidence.independent_cells import IndependentCells, independent_cells
from momentalg.model.incidence.multinomial_labels import MultinomialLabels, multinomial_labels
from momentalg.model.incidence.nested_sampling import NestedSampling, nested_sampling

__all__ = [
    "Draws",
    "Incidence",
    "IndependentCells",
    "MultinomialLabels",
    "NestedSampling",
    "draws",
    "independent_cells",
    "multinomial_labels",
    "nested_sampling",
]
