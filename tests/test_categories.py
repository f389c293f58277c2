"""Category names in every spelling that is met."""

import pytest

from oneshot_emotic.categories import CATEGORIES, canonical_category


def test_there_are_26():
    assert len(set(CATEGORIES)) == 26


@pytest.mark.parametrize("name", CATEGORIES)
def test_every_name_is_its_own(name):
    assert canonical_category(name) == name
    assert canonical_category(name.replace("/", "_")) == name
    assert canonical_category(f" {name.upper()} ") == name


@pytest.mark.parametrize(
    ("spelt", "meant"),
    [
        ("Disquitement", "Disquietment"),
        ("Disquiet", "Disquietment"),
        ("Doubt/Confuzion", "Doubt/Confusion"),
        ("Doubt_Confusion", "Doubt/Confusion"),
        ("Confuse/Doubt", "Doubt/Confusion"),
        ("Sensitive", "Sensitivity"),
        ("Surprising", "Surprise"),
    ],
)
def test_variants(spelt, meant):
    assert canonical_category(spelt) == meant


@pytest.mark.parametrize("name", ["", "Joy", "Angry", "Affection2", "Doubt"])
def test_others_are_none(name):
    assert canonical_category(name) is None
