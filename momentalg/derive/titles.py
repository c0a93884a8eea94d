"""Titles of chains: what a chain derives, in words."""

from __future__ import annotations

from momentalg.derive.step import rule_named
from momentalg.expr.nodes import Cumulant

SUM_OVER_LEVELS = "Sum over levels"
_ORDERS = {3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth"}


def moment_title(moment: Cumulant) -> str:
    """The name of a moment: "Mean", "Conditional variance", "Joint third cumulant"."""
    order, alike = len(moment.args), len(set(moment.args)) == 1
    if order <= 2:
        words = ["mean" if order == 1 else "variance" if alike else "covariance"]
    else:
        words = [*(["joint"] if not alike else []), _ORDERS.get(order, f"{order}th"), "cumulant"]
    return " ".join([*(["conditional"] if moment.given else []), *words]).capitalize()


def law_title(rule: str) -> str:
    """The name of a law, as a title: "Law of total variance"."""
    title = rule_named(rule).title
    return title[:1].upper() + title[1:]
