"""Sums in files: ``sums.save("site1.sums")``, ``model.load_sums("site1.sums")``. This page documents the format.

A file of sums is a zip archive (`momentalg.inference.sums_file`) with an array for each sum that is kept by level, and
the page ``sums.json``:

    format      "momentalg sums"
    version     1; a file of another version is refused
    momentalg   the version of momentalg that wrote it, for messages
    model       the model, as Python declares it: the formula and the declared facts
    statistics  the statistics that the sums are for; names, or expressions in full
    names       the same where they are names, one or a list; null for expressions, which are given again when loading
    means, weighting   how the equations are made; null for the means that the statistics ask for
    labels      fixed factors and classes of residuals: their labels in order, the reference first
    holds       what each sum is of: `momentalg.inference.sums_contents`
    rows        the rows that are in the sums
    dropped     the rows that had missing values and are not
    files       the files that are in them: name, size in bytes, digest (`momentalg.data.files.marks`)
    numbers     the sums that are one number each, shifts included
    arrays      the digest of each array

Arrays are those of the generated module's sums. ``size...`` is int64, the rows of each level, at least 1. ``sum_...``
are float64, about the shifts. ``level...`` has the labels, each once: int64 (uint64 beyond it), float64, bool, text of
a fixed width in UCS-4, datetime64 in microseconds (nanoseconds where labels are finer); combinations of labels are
records of these. Other labels, such as tuples, fractions and times with a zone, have no place in a file, and are
refused when saving.

What is loaded equals what was saved to the last bit. Everything else is refused, with the file named: another version,
another model, sums that mean something else to the momentalg that reads, members that are missing or not known, arrays
of another type or length, sizes that do not add up to the rows, labels that occur twice, any change of a byte.

A file of sums has no rows. It has the labels of levels, though, and the names of files, and a level with a single row
shows that row's values: sites that share sums share these. Where factors are crossed, sums are kept by cells, most of
which may have a single row: then the file tells nearly what the rows tell. Give levels names that tell nothing, such as
numbers of one's own, before sums are made of data on persons.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any

from momentalg.data.files.marks import Mark
from momentalg.data.files.whole import whole
from momentalg.errors import DataError, ModelError
from momentalg.inference import sums_file
from momentalg.inference.saved_tables import require_labels, require_table
from momentalg.inference.sums import Estimator, Sums, estimator_of
from momentalg.inference.sums_contents import contents
from momentalg.inference.sums_contents import numbers as names_of_numbers

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.model import Model

    Array = np.ndarray[Any, Any]

SUFFIX = ".sums"
FORMAT = "momentalg sums"
VERSION = 1

PAGE: Mapping[str, tuple[type, ...]] = {
    "format": (str,),
    "version": (int,),
    "momentalg": (str,),
    "model": (str,),
    "statistics": (str,),
    "names": (str, list, type(None)),
    "means": (str, type(None)),
    "weighting": (str,),
    "labels": (dict,),
    "holds": (dict,),
    "rows": (int,),
    "dropped": (int,),
    "files": (list,),
    "numbers": (dict,),
}
"""The fields of the page, beside the arrays, and what each may be in JSON."""


def save(sums: Sums, path: str | os.PathLike[str]) -> Path:
    """Write sums to a file, in one step.

    Raises `DataError` for labels that have no place in it, and for a file that is there and holds something else.
    """
    require_no_other(path)
    page, arrays = _laid_out(sums)
    with whole(path) as file:
        sums_file.write(file, page, arrays)
    return Path(path)


def require_no_other(path: str | os.PathLike[str]) -> None:
    """Raise `DataError` for a file that is there and is none of sums, such as the data: it would be lost."""
    found = Path(path)
    if found.suffix != SUFFIX and found.is_file() and found.stat().st_size and not sums_file.is_one(found):
        raise DataError(
            f"{path} is there, and holds no sums; it is left as it is: name another file, {found.stem}{SUFFIX}"
        )


def write(sums: Sums, file: IO[bytes]) -> None:
    """Write sums to an open binary file, as `save` does to a path."""
    sums_file.write(file, *_laid_out(sums))


def load(
    model: Model,
    path: str | os.PathLike[str],
    statistics: Any = None,
    means: str | None = None,
    weighting: str | None = None,
) -> Sums:
    """Read a file of sums: see `read`."""
    with Path(path).open("rb") as file:
        return read(file, str(path), model, statistics, means, weighting)


def read(
    file: IO[bytes],
    name: str,
    model: Model,
    statistics: Any = None,
    means: str | None = None,
    weighting: str | None = None,
) -> Sums:
    """The sums in an open binary file of a model, which errors call `name`.

    Statistics, means and weighting are the file's where none are given; statistics of one's own have to be given. A
    model whose fixed factors have no levels yet takes them from the file.

    Raises:
        DataError: a file that is damaged, or is not understood.
        ModelError: sums of another model, or for other statistics.

    """
    page, arrays = sums_file.read(file, name)
    _require_page(page, name)
    estimator = _estimator(page, name, model, statistics, means, weighting)
    held = contents(estimator.generated.ir)
    if page["holds"] != held:
        raise DataError(
            f"{name} was written by momentalg {page['momentalg']}, whose sums for this model are not those of this "
            f"momentalg, {_version()}: make them again from the data"
        )
    table = _table(page, arrays, held, name)
    return Sums(estimator, MappingProxyType(table), page["rows"], page["dropped"], _files(page["files"], name))


# The page that is written.


def _laid_out(sums: Sums) -> tuple[dict[str, Any], dict[str, Array]]:
    estimator = sums.estimator
    held = contents(estimator.generated.ir)
    numbers, names = list(names_of_numbers(held)), _names_of_arrays(held)
    if strange := sorted(set(sums.table) ^ {*numbers, *names}):
        raise DataError(f"these sums are not those of {estimator.described}: {strange[0]!r} is in one of them alone")
    page = {
        "format": FORMAT,
        "version": VERSION,
        "momentalg": _version(),
        "model": estimator.text,
        "statistics": estimator.statistics,
        "names": _names(estimator),
        "means": estimator.means,
        "weighting": estimator.weighting,
        "labels": {name: list(known or ()) for name, known in estimator.model.resolved.coded.items()},
        "holds": held,
        "rows": int(sums.nobs),
        "dropped": int(sums.dropped),
        "files": [{"name": m.name, "size": m.size, "digest": m.digest} for m in sorted(sums.files)],
        "numbers": {name: float(sums.table[name]) for name in numbers},
    }
    arrays = {name: sums.table[name] for name in names}
    for part in held["tables"]:
        require_labels(arrays[part["level"]], part["of"])
        require_table(part, arrays, page["rows"], "sums to save")
    return page, arrays


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("momentalg")
    except PackageNotFoundError:
        return "0+unknown"


def _names(estimator: Estimator) -> Any:
    """The statistics where they are names, as `Model.sums` takes them; None where they are expressions."""
    given = estimator.given
    if given is None or isinstance(given, str):
        return estimator.statistics
    is_named = isinstance(given, (list, tuple)) and all(isinstance(name, str) for name in given)
    return list(given) if is_named else None


# The page that is read.


def _require_page(page: dict[str, Any], name: str) -> None:
    if page.get("format") != FORMAT:
        raise DataError(f"{name} is an archive, but no file of sums")
    if page.get("version") != VERSION:
        raise DataError(
            f"{name} is a file of sums of version {page.get('version')}, written by momentalg {page.get('momentalg')}; "
            f"this is momentalg {_version()}, which reads version {VERSION}: update the older of the two"
        )
    if strange := sorted(set(page) ^ set(PAGE)):
        what = "it lacks" if strange[0] in PAGE else "it has a field that is not known,"
        raise DataError(f"{name} is no file of sums of version {VERSION}: {what} {strange[0]!r}")
    for field, kinds in PAGE.items():
        if type(page[field]) not in kinds:
            raise DataError(f"{name} is no file of sums: its {field!r} is {page[field]!r}")
    text, names = page["statistics"], page["names"]
    if names is not None and text not in (names, repr(names), repr(tuple(names))):
        raise DataError(f"{name} is no file of sums: its statistics are {text}, and their names {names!r}")
    for column, labels in page["labels"].items():
        if type(labels) is not list or not all(type(label) in (str, int, float) for label in labels):
            raise DataError(f"{name} is no file of sums: the labels of {column!r} are {labels!r}")
    if page["rows"] < 1 or page["dropped"] < 0:
        raise DataError(f"{name} is no file of sums: it has {page['rows']} rows, and dropped {page['dropped']}")


def _estimator(
    page: dict[str, Any], name: str, model: Model, statistics: Any, means: str | None, weighting: str | None
) -> Estimator:
    """The model and statistics that are asked for, if the file's are the same."""
    known = {n: found for n, found in page["labels"].items() if model.resolved.coded.get(n) is None}
    if known:
        model = model.with_fixed(known)
    text, names = page["statistics"], page["names"]
    if statistics is means is weighting is None:
        if names is None and page["model"] == repr(model):
            raise ModelError(
                f"{name} holds sums for statistics of one's own, which a file cannot make: give them again, "
                f"model.load_sums({name!r}, statistics=...); they are {text}"
            )
        asked = Estimator(repr(model), text, page["means"], page["weighting"], model, names)
    else:
        asked = estimator_of(model, statistics, means, weighting)
    found = Estimator(page["model"], text, page["means"], page["weighting"], model, names)
    if asked != found:
        raise ModelError(f"{name} holds sums for {found.described}; asked for are those for {asked.described}")
    return asked


def _files(listed: list[Any], name: str) -> frozenset[Mark]:
    kinds = {"name": str, "size": int, "digest": str}
    for mark in listed:
        if not isinstance(mark, dict) or {n: type(v) for n, v in mark.items()} != kinds:
            raise DataError(f"{name} is no file of sums: {mark!r} is no mark of a file")
    return frozenset(Mark(**mark) for mark in listed)


def _table(page: dict[str, Any], arrays: dict[str, Array], held: dict[str, Any], name: str) -> dict[str, Any]:
    """The table of sums, in the order in which a module gives it."""
    numbers = page["numbers"]
    expected = _names_of_arrays(held)
    for what, found, wanted in (("arrays", arrays, expected), ("numbers", numbers, list(names_of_numbers(held)))):
        if strange := sorted(set(found) ^ set(wanted)):
            has = "has no" if strange[0] in wanted else "has an unknown"
            raise DataError(f"{name} {has} {strange[0]!r} among its {what}")
    for number, value in numbers.items():
        if type(value) is not float or (number.startswith("squares_") and value < 0):
            raise DataError(f"{name}: {number} is {value!r}")
    for part in held["tables"]:
        require_table(part, arrays, page["rows"], name)
    return {n: arrays[n] for n in expected} | {n: numbers[n] for n in names_of_numbers(held)}


def _names_of_arrays(held: dict[str, Any]) -> list[str]:
    return [n for t in held["tables"] for n in (t["size"], *t["sums"], *t["values"], t["level"])]
