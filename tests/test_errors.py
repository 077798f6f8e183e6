import pytest

from implicitbias import errors


@pytest.mark.parametrize("kind", [errors.ConfigError, errors.DataError, errors.ResultError, errors.NumericalError])
def test_one_except_clause_catches_what_the_user_can_put_right(kind):
    with pytest.raises(errors.ImplicitBiasError, match="reason"):
        raise kind("reason")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("digit", " (did you mean 'digits'?)"), ("mnits", " (did you mean 'mnist'?)"), ("xyz", ""), ("", ""), (7, "")],
)
def test_nearest(name, hint):
    assert errors.nearest(name, {"digits": 1, "mnist": 2}) == hint


def test_nearest_of_nothing():
    assert errors.nearest("digits", []) == ""
