"""The symbols of random designs: letters, which are design variables of a unit, and their joint moments."""

from __future__ import annotations

from typing import NamedTuple

from momentalg.cumulants.terms import What
from momentalg.expr.nodes import Variable

Known = frozenset[Variable]
NONEMPTY = What("nonempty")
COUNT = "count"
"""The kind of the number of observations of a stratum of an incidence; `detail` is the stratum's columns."""

WITHIN = "within"
"""The kind of a letter that is a sum within its unit; `detail` is the design total, with the unit's level free."""


class Letter(NamedTuple):
    """A design variable of a unit; `observation` names the observation for a covariate of a named one."""

    unit: str | int
    observation: str
    what: What


Letters = frozenset[tuple[Letter, int]]


class Moment(NamedTuple):
    """The joint cumulant of products of letters of one unit given known variables; the expectation of a single one.

    `arguments` are sorted; each is a sorted tuple of ((observation, what), power).
    """

    arguments: tuple[tuple[tuple[tuple[str, What], int], ...], ...]
    given: tuple[Variable, ...] = ()
