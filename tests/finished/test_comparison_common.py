"""Classes that two lists call otherwise."""

from __future__ import annotations

import pytest

from reportgen.finished.comparison_common import called_alike

# As lists of ImageNet's classes have them: with all their names, and with one of them each.
LONG = (
    "cardigan",
    "Cardigan, Cardigan Welsh corgi",
    "chime, bell, gong",
    "gong, tam-tam",
    "bathtub, bath, tub",
    "tub, vat",
)
SHORT = ("Cardigan", "tub", "gong", "chime", "bathtub", "cardigan")
SAME = {"Cardigan": 1, "tub": 5, "gong": 3, "chime": 2, "bathtub": 4, "cardigan": 0}


@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned"])
def test_a_first_name_is_of_its_class_before_one_among_several(turned: bool) -> None:
    order = SHORT[::-1] if turned else SHORT
    short, long = dict(enumerate(order)), dict(enumerate(LONG))
    assert called_alike(long, short) == {at: LONG[SAME[name]] for at, name in short.items()}
    assert called_alike(short, long) == {SAME[name]: name for name in SHORT}
    for names in (short, long):
        assert called_alike(names, names) == names
