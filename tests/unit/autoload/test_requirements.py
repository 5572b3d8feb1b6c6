import pytest

from exectrail.autoload.requirements import MissingError, UnsupportedError, check


def test_an_installed_version_within_the_bounds_is_told():
    found = check(["wrapt>=1,<1000", "Packaging"])

    assert set(found) == {"wrapt", "Packaging"}


@pytest.mark.parametrize("requirement", ["wrapt<1", "wrapt>=1000"])
def test_a_version_outside_the_bounds_is_unsupported(requirement: str):
    with pytest.raises(UnsupportedError, match=r"wrapt .* is not in wrapt[<>]"):
        check([requirement])


def test_what_is_not_installed_is_missing():
    with pytest.raises(MissingError, match="no-such-framework>=1"):
        check(["wrapt", "no-such-framework>=1"])
