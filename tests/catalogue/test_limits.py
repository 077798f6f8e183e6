"""Limits of entries mean what a plain reading of them says."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from implicitbias.catalogue import LOSSES, Entry, Loss
from implicitbias.catalogue.limits import Allowed, Having, Range, also, mentioned, misfit

KEYS = ["loss", "depth", "width", "until_fit", "bias"]
values = st.one_of(st.integers(-3, 9), st.floats(-3, 9), st.booleans(), st.none(), st.sampled_from(["none", "all"]))
bounds = st.one_of(st.integers(-3, 9), st.sampled_from(KEYS))
TRAITS = st.dictionaries(st.sampled_from(["fits_targets", "log_domain"]), st.sampled_from([(True,), (False,), ()]))
allowed = st.one_of(
    st.lists(values, max_size=3).map(tuple),
    st.builds(Range, minimum=bounds, maximum=bounds, multiple_of=st.integers(0, 3), times=st.integers(1, 3)),
    st.builds(Range, minimum=bounds),
)
alternatives = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(KEYS[1:], allowed) | {"loss": st.builds(Having, TRAITS)}
)
limits = st.lists(alternatives, max_size=3).map(tuple)
chosen = st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS[1:], values) | {"loss": st.sampled_from(list(LOSSES))})


def number(value: Any) -> bool:
    return isinstance(value, int | float)


def fits(key: str, rule: Allowed, given: dict[str, Any]) -> bool:
    """Whether the setting of the key, if there is one, is allowed, by brute force."""
    if key not in given:
        return True
    value = given[key]
    if isinstance(rule, tuple):
        return any(value == each for each in rule)
    if isinstance(rule, Having):
        return all(getattr(LOSSES[value], trait) in wanted for trait, wanted in rule.traits.items())
    if not number(value):
        return True
    least, most = (given.get(b) if isinstance(b, str) else b for b in (rule.minimum, rule.maximum))
    if isinstance(rule.minimum, str) and number(least):
        least *= rule.times
    if isinstance(rule.maximum, str) and number(most):
        most *= rule.times
    if number(least) and value < least:
        return False
    if number(most) and value > most:
        return False
    return rule.multiple_of == 0 or value % rule.multiple_of == 0


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(limits, chosen)
def test_a_misfit_is_told_exactly_where_no_alternative_fits(
    only: tuple[dict[str, Allowed], ...], given: dict[str, Any]
) -> None:
    met = [all(fits(key, rule, given) for key, rule in alternative.items()) for alternative in only]
    told = Entry("", "", only=only).misfit(given)
    assert (told == "") == (not only or any(met))
    for part in told.split(", nor with ") if told else ():
        key, _, rest = part.partition(" = ")
        value, separator, _ = rest.partition("; allowed: ")
        assert separator
        assert value == repr(given[key])
        assert any(key in alternative and not fits(key, alternative[key], given) for alternative in only)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(limits, chosen)
def test_settings_that_are_not_mentioned_do_not_matter(
    only: tuple[dict[str, Allowed], ...], given: dict[str, Any]
) -> None:
    assert misfit(only, given) == misfit(only, {key: given[key] for key in mentioned(only) if key in given})


@settings(max_examples=300, deadline=None, derandomize=True)
@given(limits, alternatives, chosen)
def test_an_added_rule_holds_in_every_alternative(
    only: tuple[dict[str, Allowed], ...], rule: dict[str, Allowed], given: dict[str, Any]
) -> None:
    apart = tuple({**alternative} for alternative in only if not alternative.keys() & rule.keys())
    both = misfit(also(apart, rule), given)
    assert (both == "") == (misfit(apart, given) == "" and misfit((rule,), given) == "")


@pytest.mark.parametrize(
    ("rule", "given", "words"),
    [
        ((None, "all"), {"bias": "first"}, "bias = 'first'; allowed: null, all"),
        (Range(minimum=2), {"bias": 1}, "bias = 1; allowed: at least 2"),
        (Range(2, 8, 2), {"bias": 3}, "bias = 3; allowed: at least 2 and at most 8 and a multiple of 2"),
        (Range(multiple_of=32), {"bias": 40}, "bias = 40; allowed: a multiple of 32"),
        (Range("depth"), {"bias": 1, "depth": 3}, "bias = 1; allowed: at least depth, which is 3"),
        (Range("depth", 0), {"bias": 1}, "bias = 1; allowed: at most 0"),
    ],
)
def test_what_is_allowed_is_told_in_words(rule: Allowed, given: dict[str, Any], words: str) -> None:
    assert misfit(({"bias": rule},), given) == words


def test_an_entry_that_is_added_to_a_table_is_allowed_by_its_traits(monkeypatch: pytest.MonkeyPatch) -> None:
    only = ({"loss": Having({"fits_targets": (True,)})},)
    monkeypatch.setitem(LOSSES, "cubic", Loss("", ""))
    assert misfit(only, {"loss": "cubic"}) == "loss = 'cubic'; allowed: norm, square"
    monkeypatch.setitem(LOSSES, "cubic", Loss("", "", fits_targets=True))
    assert misfit(only, {"loss": "cubic"}) == ""
    assert misfit(only, {"loss": "hinge"}) == "loss = 'hinge'; allowed: norm, square, cubic"
