"""What a check by simulation found: parameter, truth, mean, Monte-Carlo error and z; shown as text or tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from momentalg.expr.escape import escape_html, escape_markdown

if TYPE_CHECKING:
    import pandas as pd

THRESHOLD = 4.0
HEADINGS = ("parameter", "truth", "mean", "Monte-Carlo error", "z")


@dataclass(frozen=True)
class CheckRow:
    """One parameter: its true value, the mean of its estimates, the standard error of that mean, and z."""

    parameter: str
    truth: float
    mean: float
    error: float
    z: float

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """The row as text."""
        return (self.parameter, f"{self.truth:.6g}", f"{self.mean:.6g}", f"{self.error:.2g}", f"{self.z:+.2f}")


@dataclass(frozen=True)
class SimulationCheck:
    """The result of a check by simulation.

    `rows` are over the replicates that gave estimates; `notes` say what else happened: empty units, failures,
    replicates in which no unit has two observations. The check is passed if no estimate is more than `threshold`
    Monte-Carlo errors away from its true value.
    """

    rows: tuple[CheckRow, ...]
    model: str
    design: str
    effects: str
    replicates: int
    failed: int
    seed: int
    notes: tuple[str, ...] = ()
    threshold: float = THRESHOLD

    @property
    def passed(self) -> bool:
        """Whether every |z| is at most the threshold."""
        return all(abs(row.z) <= self.threshold for row in self.rows)

    @property
    def verdict(self) -> str:
        """The outcome as a sentence."""
        if self.passed:
            return f"passed: every |z| is at most {self.threshold:g}"
        bad = ", ".join(row.parameter for row in self.rows if not abs(row.z) <= self.threshold)
        return f"FAILED: |z| is above {self.threshold:g} for {bad}"

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What was simulated, as pairs of heading and text."""
        used = f"{self.replicates}, seed {self.seed}"
        return (
            ("model", self.model),
            ("design", self.design),
            ("effects", self.effects),
            ("replicates", used if not self.failed else f"{used}; {self.failed} failed"),
            *(("note", note) for note in self.notes),
        )

    def frame(self) -> pd.DataFrame:
        """The rows as a pandas DataFrame, indexed by parameter."""
        import pandas as pd

        data = [(r.parameter, r.truth, r.mean, r.error, r.z) for r in self.rows]
        return pd.DataFrame(data, columns=list(HEADINGS)).set_index("parameter")

    def summary(self) -> str:
        """The check as text."""
        lines = [HEADINGS, *(row.cells for row in self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
        first, *rest = ["  ".join(_aligned(line, widths)).rstrip() for line in lines]
        facts = [f"{name + ':':<12}{text}" for name, text in self.facts]
        return "\n".join(["Check by simulation", *facts, "", first, "-" * len(first), *rest, "", self.verdict])

    __str__ = summary

    def _repr_markdown_(self) -> str:
        head = f"| {' | '.join(HEADINGS)} |\n| --- | ---: | ---: | ---: | ---: |"
        body = "\n".join(f"| {' | '.join(escape_markdown(cell) for cell in row.cells)} |" for row in self.rows)
        facts = "\n".join(f"- {name}: {escape_markdown(text)}" for name, text in self.facts)
        return f"**Check by simulation**\n\n{facts}\n\n{head}\n{body}\n\n{escape_markdown(self.verdict)}\n"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape_html(heading)}</th>" for heading in HEADINGS)
        cells = ("".join(f"<td>{escape_html(cell)}</td>" for cell in row.cells) for row in self.rows)
        body = "".join(f"<tr>{row}</tr>" for row in cells)
        facts = "".join(f"<dt>{escape_html(name)}</dt><dd>{escape_html(text)}</dd>" for name, text in self.facts)
        return (
            f"<dl>{facts}</dl><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<p>{escape_html(self.verdict)}</p>"
        )


def _aligned(line: tuple[str, ...], widths: list[int]) -> list[str]:
    """The first cell to the left, numbers to the right."""
    return [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
