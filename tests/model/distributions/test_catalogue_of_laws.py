"""Every law of the catalogue keeps the same contract: moments, cumulants and sampler agree with one another."""

from fractions import Fraction

import numpy as np
import pytest

from momentalg.catalogue import discover
from momentalg.errors import AssumptionError, ModelError, UnsupportedError
from momentalg.model.distributions.base import Law, SizeLaw
from momentalg.model.distributions.bounded import BoundedFloat

CATALOGUE = discover("momentalg.model.distributions", "DISTRIBUTION")
LAWS = [pytest.param(law, id=repr(law)) for entry in CATALOGUE.values() for law in entry.examples]
SIZES = [law for law in LAWS if isinstance(law.values[0], SizeLaw) and law.values[0].is_size]
SHAPED = [law for law in LAWS if law.values[0].variance != 0]
DRAWS = 20_000


def number(value):
    assert isinstance(value, (Fraction, BoundedFloat))
    return float(value)


def z_score(sample, expected, variance):
    """How many standard errors the mean of the sample is away from what is expected; rounding counts as none."""
    if np.allclose(sample, expected):
        return 0.0
    return (np.mean(sample) - expected) / np.sqrt(variance / len(sample))


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
def test_an_entry_describes_a_law_of_its_class(entry):
    assert entry.roles
    assert set(entry.roles) <= {"size", "effect", "covariate"}
    assert all(isinstance(law, entry.law) and isinstance(law, Law) and not law.free for law in entry.examples)
    assert entry.free is None or (isinstance(entry.free, entry.law) and entry.free.free)
    assert (entry.default is not None) == ("effect" in entry.roles)
    assert entry.title
    assert entry.source
    if "size" in entry.roles:
        assert any(law.is_size for law in entry.examples)


@pytest.mark.parametrize("law", LAWS)
def test_a_law_is_equal_to_what_its_representation_builds_and_hashes_alike(law):
    classes = {entry.law.__name__: entry.law for entry in CATALOGUE.values()}
    classes["Finite"] = CATALOGUE["finite"].law
    again = eval(repr(law), classes)  # our own text, in a test
    if repr(law).startswith("Finite") and type(law) is not classes["Finite"]:
        assert again.atoms == law.atoms
    else:
        assert again == law
        assert hash(again) == hash(law)


@pytest.mark.parametrize("law", LAWS)
def test_moments_agree_with_the_sampler(law):
    sample = law.sample(np.random.default_rng(20), DRAWS).astype(float)
    assert sample.shape == (DRAWS,)
    for p in (1, 2, 3):
        expected = number(law.moment(p))
        spread = number(law.moment(2 * p)) - expected**2
        assert abs(z_score(sample**p, expected, spread)) < 5


@pytest.mark.parametrize("law", SIZES)
def test_sizes_are_whole_and_in_the_support(law):
    sample = law.sample(np.random.default_rng(3), (100, 50))
    assert sample.shape == (100, 50)
    assert np.issubdtype(sample.dtype, np.integer)
    assert sample.min() >= law.support_min >= 0
    assert law.may_be_zero == (law.support_min == 0)
    assert law.pmf(int(law.support_min) - 1) == 0


@pytest.mark.parametrize("law", SIZES)
def test_moments_of_a_size_are_sums_over_its_probabilities(law):
    """E[N^p] lies between the sum of its first terms and that sum plus a bound on the rest by Cauchy-Schwarz."""
    terms = [(k, number(law.pmf(k))) for k in range(int(law.support_min), 120)]
    rest = max(0.0, 1 - sum(mass for _, mass in terms))
    for p in range(0 if law.may_be_zero else -8, 9):
        partial = sum(mass * float(Fraction(k) ** p if k else 0**p) for k, mass in terms)
        beyond = 0.0 if p <= 0 else (rest * number(law.moment(2 * p))) ** 0.5
        moment = number(law.moment(p))
        assert partial * (1 - 1e-9) <= moment <= (partial + beyond + rest) * (1 + 1e-9)


@pytest.mark.parametrize("law", SIZES)
def test_negative_moments_are_refused_where_a_unit_may_be_empty(law):
    for p in range(-8, 0):
        if law.may_be_zero:
            with pytest.raises(AssumptionError, match=r"P\(N = 0\) > 0"):
                law.moment(p)
        else:
            assert 0 < number(law.moment(p)) <= 1


@pytest.mark.parametrize("law", [s for s in SIZES if s.values[0].may_be_zero])
def test_the_truncated_law_is_the_law_given_that_it_is_not_zero(law):
    seen = law.truncated()
    assert not seen.may_be_zero
    mass = 1 - number(law.pmf(0))
    for p in (1, 2, 5):
        assert number(seen.moment(p)) == pytest.approx(number(law.moment(p)) / mass, rel=1e-12)
    for k in (1, 2, 7):
        assert number(seen.pmf(k)) == pytest.approx(number(law.pmf(k)) / mass, rel=1e-12)
    assert number(seen.moment(-1)) < 1
    assert seen.truncated() is seen


@pytest.mark.parametrize("law", SHAPED)
def test_cumulants_are_those_of_the_centred_moments(law):
    mean, second, third, fourth = (number(law.moment(p)) for p in (1, 2, 3, 4))
    variance = second - mean**2
    assert number(law.cumulant(1)) == pytest.approx(mean)
    assert number(law.cumulant(2)) == pytest.approx(variance)
    size = variance**1.5 + abs(third)
    assert number(law.cumulant(3)) == pytest.approx(third - 3 * mean * second + 2 * mean**3, abs=1e-9 * size)
    central = fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4
    assert number(law.cumulant(4)) == pytest.approx(central - 3 * variance**2, abs=1e-9 * fourth)


@pytest.mark.parametrize("law", SHAPED)
def test_an_effect_is_centred_and_scaled_and_has_the_cumulants_it_states(law):
    target = Fraction(9, 4)
    assert law.cumulant(1, target) == 0
    assert law.cumulant(2, target) == target
    k3, k4 = number(law.cumulant(3, target)), number(law.cumulant(4, target))
    k5, k6, k8 = (number(law.cumulant(k, target)) for k in (5, 6, 8))
    v = float(target)
    sample = law.effect_sampler(target)(np.random.default_rng(8), DRAWS)
    assert abs(z_score(sample, 0, v)) < 5
    assert abs(z_score(sample**2, v, k4 + 2 * v**2)) < 5
    sixth = k6 + 15 * k4 * v + 10 * k3**2 + 15 * v**3  # central moments from cumulants
    assert abs(z_score(sample**3, k3, sixth - k3**2)) < 5
    fourth = k4 + 3 * v**2
    eighth = k8 + 28 * k6 * v + 56 * k5 * k3 + 35 * k4**2 + 210 * k4 * v**2 + 280 * k3**2 * v + 105 * v**4
    assert abs(z_score(sample**4, fourth, eighth - fourth**2)) < 5


@pytest.mark.parametrize("law", LAWS)
def test_odd_questions_get_an_answer(law):
    assert law.moment(0) == 1
    assert law.describe()
    for order in ("1", 1.0, True, None):
        with pytest.raises(ModelError, match="whole number"):
            law.moment(order)
    with pytest.raises(ModelError, match="order of a cumulant"):
        law.cumulant(0)
    with pytest.raises(ModelError, match="must not be negative"):
        law.cumulant(2, -1)
    if law.variance == 0:
        with pytest.raises(ModelError, match="variance 0"):
            law.effect_sampler(1)


@pytest.mark.parametrize("law", [e.free for e in CATALOGUE.values() if e.free], ids=repr)
def test_a_free_law_is_symbolic_and_cannot_be_sampled(law):
    import sympy

    assert isinstance(law.moment(2), sympy.Expr)
    assert law.moment(2).free_symbols
    assert "(free)" in law.describe()
    for refused in (lambda: law.sample(np.random.default_rng(0), 2), lambda: law.cumulant(3, 2)):
        with pytest.raises(ModelError, match="free parameters"):
            refused()


def test_a_law_without_a_truncated_form_or_a_closed_form_says_so():
    free = CATALOGUE["zero-truncated negative binomial"].free
    with pytest.raises(UnsupportedError, match="no closed form"):
        free.moment(-1)
    with pytest.raises(AssumptionError, match="all units are empty"):
        CATALOGUE["finite"].law({0: 1}).truncated()
    with pytest.raises(UnsupportedError, match="no truncated form"):
        CATALOGUE["constant"].law(0).truncated()
