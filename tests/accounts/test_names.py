"""How a person's name is shown in a greeting and to strangers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.names import FORMER_NAMES, greeting_name, public_name
from app.core.person_names import TITLES, split_name
from app.web.templating import initials

NAMES = [
    ("Ravi Kumar", "Ravi", "Ravi K."),
    ("S. Raman", "Raman", "Raman S."),
    ("S Raman", "Raman", "Raman S."),
    ("Raman S", "Raman", "Raman S."),
    ("S.Raman", "Raman", "Raman S."),
    ("Raman, S.", "Raman", "Raman S."),
    ("S. Ravi Kumar", "Ravi", "Ravi K."),
    ("S.K. Ravi Kumar", "Ravi", "Ravi K."),
    ("S.K. Raman", "Raman", "Raman S."),
    ("A P J Abdul Kalam", "Abdul", "Abdul K."),
    ("Mr. Ravi Kumar", "Ravi", "Ravi K."),
    ("Mr Ravi Kumar", "Ravi", "Ravi K."),
    ("MR.RAVI KUMAR", "RAVI", "RAVI K."),
    ("Mrs. S. Lakshmi", "Lakshmi", "Lakshmi S."),
    ("Ms Meena", "Meena", "Meena"),
    ("Prof. Dr. K. Meena Rao", "Meena", "Meena R."),
    ("Shri Ravi Kumar", "Ravi", "Ravi K."),
    ("Smt. Devi", "Devi", "Devi"),
    ("Sri Lakshmi Narayan", "Lakshmi", "Lakshmi N."),
    ("Kum. Anita Rao", "Anita", "Anita R."),
    ("Anu Sri", "Anu", "Anu S."),
    ("Ravi", "Ravi", "Ravi"),
    ("Ravi Shankar Kumar", "Ravi", "Ravi S."),
    ("Anne-Marie D'Souza", "Anne-Marie", "Anne-Marie D."),
    ("D’Souza O'Neil", "D’Souza", "D’Souza O."),
    ("Ravi (Kumar)", "Ravi", "Ravi K."),
    ("ரவி குமார்", "ரவி", "ரவி கு."),
    ("கு. ரவி", "ரவி", "ரவி கு."),
    ("திரு. ரவி", "ரவி", "ரவி"),
    ("ஸ்ரீ ரவி குமார்", "ரவி", "ரவி கு."),
    ("रवि कुमार", "रवि", "रवि कु."),
    ("श्री रवि कुमार", "रवि", "रवि कु."),
    ("क्षि. रवि", "रवि", "रवि क्षि."),
    ("Éva Nagy", "Éva", "Éva N."),
    ("E\u0301. Nagy", "Nagy", "Nagy E\u0301."),
    ("S.", "S.", "S."),
    ("Mr. S.", "S.", "S."),
    ("Sri", "Sri", "Sri"),
]


@pytest.mark.parametrize(("full", "greeted", "public"), NAMES)
def test_a_name_is_greeted_and_shown_without_title_and_initials_first(full: str, greeted: str, public: str) -> None:
    assert (greeting_name(full), public_name(full)) == (greeted, public)


@pytest.mark.parametrize("name", FORMER_NAMES.values())
def test_the_name_of_a_deleted_account_stays_whole(name: str) -> None:
    assert greeting_name(name) == public_name(name) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ravi Kumar", "RK"),
        ("Ravi K.", "RK"),
        ("Mr. Ravi Kumar", "RK"),
        ("S. Raman", "SR"),
        ("Raman S.", "RS"),
        ("Dr. Meena", "M"),
        ("Dr.", "D"),
    ],
)
def test_initials_leave_out_titles_and_follow_the_name(name: str, expected: str) -> None:
    assert initials(name) == expected


NAME_CHARACTERS = st.characters(categories=["Lu", "Ll", "Lo", "Lm", "Mn", "Mc", "Pd"], include_characters=".'’, ()")
PARTS = st.one_of(
    st.text(NAME_CHARACTERS, min_size=1, max_size=8), st.sampled_from(["Mr.", "Dr", "S.", "S.K.", "Ravi", "sri"])
)


@given(st.lists(PARTS, min_size=1, max_size=5).map(" ".join).filter(lambda name: bool(name.strip())))
def test_shown_names_are_never_empty_nor_a_title_and_stay_when_shown_again(name: str) -> None:
    parts = split_name(name)
    for shown in (greeting_name(name), public_name(name)):
        assert shown.strip()
        if parts.full or parts.initials:
            assert shown.split()[0].rstrip(".").casefold() not in TITLES
    assert greeting_name(greeting_name(name)) == greeting_name(name)
    assert public_name(public_name(name)) == public_name(name)
    assert greeting_name(public_name(name)) == greeting_name(name)


@given(st.lists(PARTS, min_size=1, max_size=5).map(" ".join))
def test_a_public_name_never_holds_a_second_full_part(name: str) -> None:
    parts = split_name(name)
    assert len(split_name(public_name(name)).full) == min(len(parts.full), 1)
