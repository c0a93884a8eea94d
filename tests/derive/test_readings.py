"""Fixed factors as samples: three readings, against enumeration of all labels, and what is the same in all."""

import random
from fractions import Fraction
from itertools import product

import pytest

import momentalg as ma
from momentalg.check.enumeration import enumerate_cumulant
from momentalg.cumulants.design_symbols import Moment
from momentalg.cumulants.evaluate import DesignTable, evaluate
from momentalg.cumulants.polynomial import Polynomial
from momentalg.data.design import DesignData, with_functions
from momentalg.expr.nodes import Variable

LEVELS = ["a", "b", "c"]
PROBABILITY = {"a": Fraction(1, 2), "b": Fraction(1, 3), "c": Fraction(1, 6)}
USERS = "aabb"
X = [Fraction(1), Fraction(-2), Fraction(3), Fraction(1, 2)]
AT = {("user", "i"): "a", ("user", "k"): "b"}


def rows_of(labels):
    return [{"user": u, "drug": d, "x": x} for u, d, x in zip(USERS, labels, X, strict=True)]


def by_enumeration(statistics, model, parameters):
    """The total laws over all assignments of labels, each with its probability; given the labels by enumeration."""
    mean = dict.fromkeys(range(len(statistics)), Fraction(0))
    inner, both = Fraction(0), Fraction(0)
    for labels in product(LEVELS, repeat=len(USERS)):
        weight = Fraction(1)
        for label in labels:
            weight *= PROBABILITY[label]
        rows, at = rows_of(labels), {"user": "a", "k": "b"}
        values = [enumerate_cumulant([s], rows, model.resolved, parameters, at) for s in statistics]
        for n, value in enumerate(values):
            mean[n] += weight * value
        if len(statistics) == 2:
            inner += weight * enumerate_cumulant(statistics, rows, model.resolved, parameters, at)
            both += weight * values[0] * values[1]
    return mean[0] if len(statistics) == 1 else inner + both - mean[0] * mean[1]


def value_of(polynomial, model, parameters, labels):
    def probability(symbol, power):
        if not isinstance(symbol, Moment):
            return None
        name = symbol.arguments[0][0][0][1].monomial[0][0].name
        return Polynomial.constant(PROBABILITY[name[-2]] ** power)

    rows = rows_of(labels)
    values = {Variable("column", "x"): [row["x"] for row in rows]}
    data = with_functions(DesignData({c: [row[c] for row in rows] for c in ("user", "drug")}, values), model.resolved)
    table = DesignTable(data.labels, data.values, len(rows))
    return evaluate(polynomial.substitute(probability), parameters, table, AT)


def parameters_of(model, rng):
    keys = [*model.parameters, *(f"k{n}(residual)" for n in (3, 4)), *(f"k{n}(1|user)" for n in (3, 4))]
    return {key: Fraction(rng.randrange(-4, 9), rng.choice([1, 2, 3])) for key in keys}


@pytest.mark.parametrize("terms", ["drug", "0 + drug", "drug*x"])
def test_sampled_labels_agree_with_enumeration_of_all_labels(terms):
    model = ma.Model(f"y ~ {terms} + (1 | user)", fixed={"drug": LEVELS})
    rng = random.Random(terms)
    parameters = parameters_of(model, rng)
    y, b = model.y, model.covariate("drug[b]")
    S, T, B = model.total(y, by="user"), model.total(y**2), model.total(b * y)
    for asked in ([S], [T], [B], [S, S], [S, S.at("k")], [B, B], [S, B], [T, S], [model.total(b), B]):
        found = model.cumulant(*asked, as_random="drug") if len(asked) > 1 else model.mean(*asked, as_random="drug")
        wanted = by_enumeration(asked, model, parameters)
        assert value_of(found.sampled.polynomial, model, parameters, rng.choices(LEVELS, k=4)) == wanted, asked


def test_a_random_factor_is_the_model_with_effects_in_its_place():
    model = ma.Model("y ~ drug*x + (1 | user)", fixed={"drug": LEVELS})
    S = model.total(model.y, by="user")
    found = model.var(S, as_random=["drug"])
    assert found.effects.model == ma.Model("y ~ 1 + x + (1 | user) + (1 + x | drug)")
    assert found.effects == ma.Model("y ~ 1 + x + (1 | user) + (1 + x | drug)").var(S, given=ma.design)
    assert found == model.var(S, given=ma.design)


def test_sampled_labels_add_to_every_observation_and_to_no_covariance():
    """Var(S_i) gains N_i times a number, as from a larger residual variance; Cov(S_i, S_k) gains nothing."""
    model = ma.Model("y ~ drug + (1 | user)", fixed={"drug": LEVELS})
    S = model.total(model.y, by="user")
    between = model.cov(S, S.at("k"), as_random="drug")
    assert not between.sampled.polynomial
    assert [str(row.parameters) for row in between.differs] == ["var(1|drug)"]
    within = model.var(S, as_random="drug")
    gained = within.sampled.polynomial - within.readings[0].polynomial
    rng = random.Random(3)
    parameters = parameters_of(model, rng)
    tau = {"a": Fraction(0), "b": parameters["drug[b]"], "c": parameters["drug[c]"]}
    mean = sum(PROBABILITY[k] * tau[k] for k in LEVELS)
    spread = sum(PROBABILITY[k] * (tau[k] - mean) ** 2 for k in LEVELS)
    assert value_of(gained, model, parameters, "abca") == 2 * spread


def test_the_same_answer_is_given_where_the_statistic_is_a_sum_over_observations():
    """E q_k = n p_k (mu + tau_k) with p_k = n_k/n is the fixed equation: tau_k = S_k/n_k - mu both ways."""
    model = ma.Model("y ~ 0 + drug + (1 | user)", fixed={"drug": LEVELS})
    for label in LEVELS:
        q = model.total(model.covariate(f"drug[{label}]") * model.y)
        found = model.mean(q, as_random="drug")
        assert found.same_answer
        assert str(found.result) == f"drug[{label}]*total(drug[{label}])"
    assert model.mean(model.total(model.y), as_random="drug").same_answer


def test_what_is_not_the_same():
    """Variances of totals by label, and statistics that are no sums over observations."""
    model = ma.Model("y ~ 0 + drug + (1 | user)", fixed={"drug": LEVELS})
    S, B = model.total(model.y, by="user"), model.total(model.covariate("drug[b]") * model.y)
    assert not model.var(B, as_random="drug").same_answer
    assert not model.mean(ma.over("user", S**2 / model.size("user")), as_random="drug").same_answer
    assert not model.mean(B**2, as_random="drug").same_answer


def test_readings_are_written_out():
    model = ma.Model("y ~ drug + (1 | user)", fixed={"drug": LEVELS})
    found = model.mean(model.total(model.covariate("drug[b]") * model.y), as_random=["drug"])
    assert found.verify()
    for words in (
        "Drug fixed",
        "Drug a random factor",
        "Labels of drug sampled from fixed levels",
        "this is the equation",
    ):
        assert words in found.text()
    assert "Sample analogs" in found.markdown()
    assert "not the same: Intercept" in repr(found)


@pytest.mark.parametrize(
    ("formula", "fixed", "names", "error", "match"),
    [
        ("y ~ x + (1 | user)", None, "drug", ma.ModelError, "no fixed factor of the model"),
        ("y ~ C(drug) + (1 | user)", None, "drug", ma.UnsupportedError, "levels that are known"),
        ("y ~ drug + (1 | drug:user)", {"drug": LEVELS}, "drug", ma.UnsupportedError, "part of a group term already"),
    ],
)
def test_what_cannot_be_read_as_random_is_refused_by_name(formula, fixed, names, error, match):
    model = ma.Model(formula, fixed=fixed)
    with pytest.raises(error, match=match):
        model.mean(model.total(model.y), as_random=names)


def test_statistics_by_the_labels_themselves_are_refused_when_labels_are_sampled():
    model = ma.Model("y ~ drug + (1 | user)", fixed={"drug": LEVELS})
    with pytest.raises(ma.UnsupportedError, match="polynomial in totals over them"):
        model.mean(ma.over("drug", model.total(model.y, by="drug") ** 2 / model.size("drug")), as_random="drug")
    with pytest.raises(ma.UnsupportedError, match="leave out given="):
        model.mean(model.total(model.y), as_random="drug", given=[model.size("user")])
