"""Files of sums: what is loaded is to the last bit what was saved, or it is refused with the file named."""

from __future__ import annotations

import io
import json
import os
import resource
import zipfile
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import momentalg as ma
from momentalg.data.files.marks import Mark
from momentalg.data.files.whole import whole
from momentalg.errors import DataError, ModelError, MomentalgError
from momentalg.inference import saved_sums, sums_file
from tests.inference.test_sums import DRUGS, MODELS, ONE_WAY, rows

FRAME = rows(200, 1)
TWO = ONE_WAY.sums(pd.DataFrame({"y": [1.0, 2, 4, 8], "user": [5, 5, 6, 6]}))
DATA_ERROR = r"^site1\.sums"


def dumped(sums: ma.Sums) -> bytes:
    """The bytes of a file of sums."""
    file = io.BytesIO()
    saved_sums.write(sums, file)
    return file.getvalue()


def restored(content: bytes, *options: object, **named: object) -> ma.Sums:
    """The sums of the bytes of a file."""
    return saved_sums.read(io.BytesIO(content), *options, **named)


def same(found: ma.Sums, expected: ma.Sums) -> None:
    """Check that sums are equal to the last bit, types included."""
    assert found.estimator == expected.estimator
    assert (found.nobs, found.dropped, found.files) == (expected.nobs, expected.dropped, expected.files)
    assert list(found.table) == list(expected.table)
    for name, value in expected.table.items():
        one, other = np.asarray(found.table[name]), np.asarray(value)
        assert (type(found.table[name]), one.dtype, one.shape) == (type(value), other.dtype, other.shape), name
        assert one.tobytes() == other.tobytes(), name


# -- what is loaded ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.formula)
@pytest.mark.parametrize("options", [{}, {"weighting": "none"}, {"statistics": "within"}], ids=repr)
def test_what_is_loaded_is_what_was_saved(model, options, tmp_path):
    sums = replace(model.sums(FRAME, **options), dropped=3, files=frozenset({Mark(9, "aa", "ä.csv")}))
    path = sums.save(tmp_path / "site1.sums")
    loaded = model.load_sums(path)
    same(loaded, sums)
    same(model.load_sums(str(path), **options), sums)
    assert model.fit(loaded, **options).params.equals(model.fit(sums, **options).params)
    assert dumped(loaded) == path.read_bytes() == dumped(sums)
    same(loaded + model.sums(FRAME, **options), sums + model.sums(FRAME, **options))


KINDS = {
    "whole numbers": st.integers(-(2**63), 2**63 - 1),
    "large numbers": st.integers(2**63, 2**64 - 1),
    "numbers": st.floats(-(2.0**53), 2.0**53, exclude_min=True, exclude_max=True),
    "texts": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9),
    "truth values": st.booleans(),
    "times": st.datetimes(pd.Timestamp.min.ceil("us").to_pydatetime(), pd.Timestamp.max.floor("us").to_pydatetime()),
}
CROSSED = ma.Model("y ~ 1 + (1 | user) + (1 | item)")


@given(
    st.sampled_from(sorted(KINDS)).flatmap(lambda kind: st.lists(KINDS[kind], min_size=1, max_size=6)),
    st.sampled_from(sorted(KINDS)).flatmap(lambda kind: st.lists(KINDS[kind], min_size=1, max_size=6)),
    st.integers(0, 99),
)
def test_labels_of_every_kind_are_kept(users, items, seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"y": rng.normal(size=12)})
    frame["user"] = pd.Series([users[k] for k in rng.integers(0, len(users), 12)])
    frame["item"] = pd.Series([items[k] for k in rng.integers(0, len(items), 12)])
    for model in (ONE_WAY, CROSSED):
        sums = model.sums(frame)
        same(restored(dumped(sums), "site1.sums", model), sums)


def test_labels_finer_than_microseconds_are_kept():
    times = pd.date_range("2020-01-01 00:00:00.000000001", periods=3).repeat(2)
    sums = ONE_WAY.sums(pd.DataFrame({"y": np.arange(6.0), "user": times}))
    assert sums.table["level"].dtype == "datetime64[ns]"
    same(restored(dumped(sums), "site1.sums", ONE_WAY), sums)


def test_a_model_without_levels_takes_them_from_the_file():
    seen, declared = (ma.Model("y ~ 1 + drug + (1 | user)", **f) for f in ({}, {"fixed": {"drug": DRUGS}}))
    by_class = ma.Model("y ~ 1 + (1 | user)", residual_by="drug")
    for model in (seen, by_class):
        sums = model.sums(FRAME)
        same(restored(dumped(sums), "site1.sums", model), sums)
    same(restored(dumped(seen.sums(FRAME)), "site1.sums", declared), seen.sums(FRAME))
    other = ma.Model("y ~ 1 + drug + (1 | user)", fixed={"drug": ["c", "b", "a"]})
    with pytest.raises(ModelError, match=r"site1.sums holds sums for .*\['a', 'b', 'c'\].*\['c', 'b', 'a'\]"):
        restored(dumped(seen.sums(FRAME)), "site1.sums", other)
    numbered = ma.Model("y ~ 1 + C(k) + (1 | user)")
    sums = numbered.sums(FRAME.assign(k=FRAME["user"] % 3 / 2))
    same(restored(dumped(sums), "site1.sums", numbered), sums)


def test_statistics_of_ones_own_are_given_again():
    model = ONE_WAY
    S, N, T = model.total(model.y, by="user"), model.size("user"), model.total(model.y**2)
    own = {"within": T - ma.over("user", S**2 / N), "all": T, "G": model.total(model.y) ** 2}
    sums = model.sums(FRAME, statistics=own)
    content = dumped(sums)
    same(restored(content, "site1.sums", model, own), sums)
    with pytest.raises(ModelError, match=r"statistics of one's own.*load_sums\('site1.sums', statistics=\.\.\.\)"):
        restored(content, "site1.sums", model)
    with pytest.raises(ModelError, match="asked for are those for"):
        restored(content, "site1.sums", model, {**own, "all": 2 * T})
    for names in (["within", "totals"], ("within", "totals")):
        named = model.sums(FRAME, statistics=names)
        same(restored(dumped(named), "site1.sums", model), named)


@pytest.mark.parametrize(
    "engine", [pytest.param(name, marks=pytest.mark.engine(name)) for name in ("polars", "duckdb")]
)
def test_sums_of_other_engines_are_kept(engine):
    model = MODELS[1]
    sums = model.sums(FRAME, engine=engine)
    loaded = restored(dumped(sums), "site1.sums", model)
    assert dumped(loaded) == dumped(sums)
    assert (loaded - model.sums(FRAME[:150])).nobs == 50


def test_the_file_is_what_its_page_says(tmp_path):
    """Read with zipfile and numpy alone, and compared with a group-by."""
    model = MODELS[1]
    path = replace(model.sums(FRAME), files=frozenset({Mark(12, "ab", "r.csv")})).save(tmp_path / "site1.sums")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        page = json.loads(archive.read("sums.json"))
        assert {i.filename.removesuffix(".npy") for i in archive.infolist()} == {"sums.json", *page["arrays"]}
    arrays = np.load(path, allow_pickle=False)
    (table,) = page["holds"]["tables"]
    assert table["of"] == ["user", "item"]
    shift = page["numbers"]["shift_x"], page["numbers"]["shift_y"]
    cells = FRAME.assign(xy=(FRAME["x"] - shift[0]) * (FRAME["y"] - shift[1])).groupby(["user", "item"])["xy"]
    expected = cells.agg(["size", "sum"])
    level = list(zip(*(arrays[table["level"]][f].tolist() for f in ("label_0", "label_1")), strict=True))
    name = next(name for name, powers in table["sums"].items() if powers == {"x": 1, "y": 1})
    assert arrays[table["size"]].tolist() == [expected.loc[cell, "size"] for cell in level]
    assert arrays[name].tolist() == pytest.approx([expected.loc[cell, "sum"] for cell in level], abs=1e-12)
    assert (page["version"], page["rows"], page["dropped"], page["model"]) == (1, 200, 0, repr(model))
    assert page["files"] == [{"name": "r.csv", "size": 12, "digest": "ab"}]
    fields = [line.split()[:2] for line in saved_sums.__doc__.splitlines() if line.startswith("    ")]
    assert set(page) <= {word.rstrip(",") for words in fields for word in words}


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "label", [Fraction(1, 3), (1, "a"), pd.Timestamp("2020-01-01", tz="UTC")], ids=["fraction", "tuple", "zone"]
)
def test_labels_that_have_no_place(label, tmp_path):
    frame = pd.DataFrame({"y": [1.0, 2, 3], "user": pd.Series([label] * 3, dtype=object)})
    with pytest.raises(DataError, match="labels of 'user' have no place in a file of sums: they are such as"):
        ONE_WAY.sums(frame).save(tmp_path / "site1.sums")
    with pytest.raises(DataError, match="labels of 'item' have no place"):
        CROSSED.sums(frame.rename(columns={"user": "item"}).assign(user=1)).save(tmp_path / "site1.sums")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"other": np.array([1.0])}, "'other' is in one of them alone"),
        ({"size": np.array([2, 2], np.uint32)}, "sums to save: size is uint32"),
        ({"sum_y": np.array([np.inf, 2.0])}, "sums to save: sum_y has values that are not finite"),
        ({"size": np.array([2, 3])}, "sums to save: size does not count its 4 rows"),
    ],
)
def test_what_could_not_be_loaded_is_not_saved(table, message):
    with pytest.raises(DataError, match=message):
        dumped(replace(TWO, table={**TWO.table, **table}))


def test_sums_of_other_models_are_refused():
    content = dumped(ONE_WAY.sums(FRAME))
    for model, options in [
        (ma.Model("y ~ 1 + x + (1 | user)"), {}),
        (ma.Model("y ~ 1 + (1 | user)", assume=ma.may_be_empty("user")), {}),
        (ONE_WAY, {"statistics": "minque0"}),
        (ONE_WAY, {"weighting": "iterated"}),
        (ONE_WAY, {"means": "plug-in"}),
    ]:
        with pytest.raises(ModelError, match=r"site1.sums holds sums for .*; asked for are those for"):
            restored(content, "site1.sums", model, **options)


def refused_or_same(content: bytes, sums: ma.Sums) -> bool:
    """Check that content is refused as damaged, or else is the sums; the latter is true."""
    try:
        found = restored(content, "site1.sums", sums.estimator.model)
    except DataError as error:
        return not str(error).startswith("site1.sums is no file of sums, or is cut off or damaged")
    same(found, sums)
    return True


def test_any_changed_byte_is_refused_or_changes_nothing():
    model = MODELS[1]
    sums = model.sums(rows(12, 2))
    content = dumped(sums)
    harmless = 0
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 << at % 8 if at % 3 else 0xFF
        harmless += refused_or_same(bytes(changed), sums)
    assert harmless < len(content) / 5  # only what an archive says of times and systems


def test_any_file_that_is_cut_off_is_refused():
    content = dumped(ONE_WAY.sums(FRAME))
    for length in range(len(content)):
        with pytest.raises(DataError, match=DATA_ERROR):
            restored(content[:length], "site1.sums", ONE_WAY)


@given(st.data())
def test_any_other_damage_is_refused_or_changes_nothing(data):
    """Blocks that are overwritten, left out, doubled or swapped."""
    sums = ONE_WAY.sums(FRAME)
    content = dumped(sums)
    first, last = sorted(data.draw(st.lists(st.integers(0, len(content)), min_size=2, max_size=2)))
    middle = content[first:last]
    damaged = data.draw(
        st.sampled_from(
            [
                content[:first] + bytes(len(middle)) + content[last:],
                content[:first] + content[last:],
                content[:first] + middle + middle + content[last:],
                content[last:] + middle + content[:first],
                content[:first] + data.draw(st.binary(max_size=40)) + content[last:],
            ]
        )
    )
    refused_or_same(damaged, sums)


def rewritten(sums, page=(), arrays=(), without=()):
    """A file with valid digests whose page and arrays are changed."""
    found, known = sums_file.read(io.BytesIO(dumped(sums)), "it")
    found = {k: v for k, v in {**found, **dict(page)}.items() if k not in without}
    file = io.BytesIO()
    sums_file.write(file, found, {k: v for k, v in {**known, **dict(arrays)}.items() if k not in without})
    return file.getvalue()


F, W = np.float64, np.int64


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ({"format": "other"}, "is an archive, but no file of sums"),
        ({"version": 2, "momentalg": "9.9"}, "version 2, written by momentalg 9.9; this is momentalg .* update"),
        ({"version": "1"}, "version 1, written by"),
        ({"extra": 1}, "it has a field that is not known, 'extra'"),
        ({"rows": 4.0}, "its 'rows' is 4.0"),
        ({"rows": True}, "its 'rows' is True"),
        ({"rows": 5}, "size does not count its 5 rows"),
        ({"rows": 0}, "it has 0 rows"),
        ({"dropped": -1}, "dropped -1"),
        ({"files": [1]}, "1 is no mark of a file"),
        ({"files": [{"name": "a", "size": 1}]}, "is no mark of a file"),
        ({"names": "within"}, "its statistics are henderson3, and their names 'within'"),
        ({"names": [1]}, r"their names \[1\]"),
        ({"labels": {"drug": 1}}, "the labels of 'drug' are 1"),
        ({"labels": {"drug": [None]}}, r"the labels of 'drug' are \[None\]"),
        ({"numbers": {}}, "has no 'shift_y' among its numbers"),
        ({"numbers": {"shift_y": 1.0, "b": 2.0}}, "has an unknown 'b' among its numbers"),
        ({"numbers": {"shift_y": 1}}, "shift_y is 1"),
        ({"holds": {"rows": {}}}, "was written by momentalg .*, whose sums for this model are not those of this"),
    ],
)
def test_a_page_that_is_not_understood_is_refused(page, message):
    with pytest.raises(DataError, match=DATA_ERROR + ".*" + message):
        restored(rewritten(TWO, page), "site1.sums", ONE_WAY)


@pytest.mark.parametrize("field", [*saved_sums.PAGE])
def test_a_page_that_lacks_a_field_is_refused(field):
    with pytest.raises(DataError, match=DATA_ERROR):
        restored(rewritten(TWO, without=[field]), "site1.sums", ONE_WAY)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"size": np.array([2, -2], W)}, "size does not count"),
        ({"size": np.array([4, 0], W)}, "size does not count"),
        ({"size": np.array([2, 2], np.int32)}, "size is int32 of shape"),
        ({"sum_y": np.array([1, 2], np.float32)}, "sum_y is float32 of shape"),
        ({"sum_y": np.array([1], F)}, r"sum_y is float64 of shape \(1,\); expected float64 of shape \(2,\)"),
        ({"sum_y": np.array([[1], [2]], F)}, r"of shape \(2, 1\)"),
        ({"sum_y": np.array([1, np.nan], F)}, "sum_y has values that are not finite"),
        ({"sum_y2": np.array([1, np.inf], F)}, "sum_y2 has values that are not finite"),
        ({"level": np.array([5, 5], W)}, "labels in level occur twice"),
        ({"level": np.array([5, 6], np.int32)}, "labels of user are of a type that is not known, int32"),
        ({"level": np.array([b"5", b"6"])}, "of a type that is not known, |S1"),
        ({"level": np.array([(5, 6), (5, 7)], [("a", W), ("b", W)])}, "of a type that is not known"),
        ({"other": np.array([5, 6], W)}, "has an unknown 'other' among its arrays"),
    ],
)
def test_arrays_that_are_not_understood_are_refused(arrays, message):
    with pytest.raises(DataError, match=DATA_ERROR + ".*" + message):
        restored(rewritten(TWO, arrays=arrays), "site1.sums", ONE_WAY)


def test_cells_that_occur_twice_are_refused():
    model = MODELS[1]
    sums = model.sums(rows(30, 3))
    level = sums.table["level_user_item"].copy()
    assert same_labels(level, np.unique(level))
    level[7] = level[2]
    with pytest.raises(DataError, match=DATA_ERROR + ": labels in level_user_item occur twice"):
        restored(rewritten(sums, arrays={"level_user_item": level}), "site1.sums", model)


def same_labels(one, other) -> bool:
    return sorted(one.tolist()) == sorted(other.tolist())


def test_an_array_that_is_missing_is_refused():
    with pytest.raises(DataError, match=DATA_ERROR + ".* has no 'sum_y' among its arrays"):
        restored(rewritten(TWO, without=["sum_y"]), "site1.sums", ONE_WAY)


class Harmful:
    """What a pickle can do."""

    def __reduce__(self):
        return os.mkdir, ("harmful",)


def test_nothing_is_ever_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, arrays = sums_file.read(io.BytesIO(dumped(TWO)), "it")
    page, _ = sums_file.read(io.BytesIO(dumped(TWO)), "it")
    with pytest.raises(ValueError, match=r"pickle|Object"):
        sums_file.write(io.BytesIO(), page, {**arrays, "level": np.array([Harmful(), 1], dtype=object)})
    monkeypatch.setattr(sums_file, "_write_array", pickled)
    file = io.BytesIO()
    sums_file.write(file, page, {**arrays, "level": np.array([Harmful(), 1], dtype=object)})
    with pytest.raises(DataError, match=DATA_ERROR + ".*Object arrays cannot be loaded"):
        restored(file.getvalue(), "site1.sums", ONE_WAY)
    assert list(tmp_path.iterdir()) == []


def pickled(archive, name, array):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=True)
    archive.writestr(f"{name}.npy", file.getvalue())
    return sums_file._new(file.getvalue()).hexdigest()


def test_an_archive_of_other_members_is_refused():
    content = dumped(TWO)
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("more.npy", b"")
    with pytest.raises(DataError, match=r"not those that it lists: more\.npy"):
        restored(file.getvalue(), "site1.sums", ONE_WAY)
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("level.npy", b"")
    with pytest.raises(DataError, match="one of them twice"):
        restored(file.getvalue(), "site1.sums", ONE_WAY)
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as one, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as other:
        for member in one.namelist():
            other.writestr(member, one.read(member))
        other.comment = one.comment
    with pytest.raises(DataError, match="compressed"):
        restored(packed.getvalue(), "site1.sums", ONE_WAY)
    for other in (b"", b"y,user\n1,a\n", b"PK\x05\x06" + bytes(18)):
        with pytest.raises(DataError, match=r"site1.sums is no file of sums, or is cut off or damaged .*take another"):
            restored(other, "site1.sums", ONE_WAY)


# -- writing -----------------------------------------------------------------------------------------------------------


def test_a_disk_that_is_full_leaves_what_was_there(tmp_path):
    path = TWO.save(tmp_path / "site1.sums")
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
        with pytest.raises(MomentalgError, match=r"cannot write .*site1\.sums: .*; what was there is unchanged"):
            TWO.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["site1.sums"]


def _interrupted(file):
    file.write(b"half")
    raise KeyboardInterrupt


def test_who_may_read_a_file_stays_so(tmp_path):
    path = TWO.save(tmp_path / "site1.sums")
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o600)
    TWO.save(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_where_nothing_can_be_written(tmp_path):
    with pytest.raises(MomentalgError, match=r"the folder .* does not exist"):
        TWO.save(tmp_path / "no" / "site1.sums")
    with pytest.raises(MomentalgError, match="it is a folder"):
        TWO.save(tmp_path)
    with pytest.raises(KeyboardInterrupt), whole(tmp_path / "a.sums") as file:
        _interrupted(file)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        ONE_WAY.load_sums(tmp_path / "none.sums")
