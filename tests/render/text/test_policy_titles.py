"""The line with the titles of the policies of an action."""

import pytest

from auditor.localization import localization
from auditor.render.text.policy_titles import policies_line


@pytest.mark.parametrize(
    ("titles", "line"),
    [
        ((), ""),
        (("A", "A"), "Policy: A"),
        (("B", "A", "B"), "Policies: B; A"),
        (("A", "B", "C"), "Policies: A; B; C"),
        (("A", "B", "C", "D", "E"), "Policies: A; B; C; and 2 more"),
    ],
)
def test_first_titles_are_listed_once_and_the_others_are_counted(titles: tuple[str, ...], line: str) -> None:
    assert policies_line(titles, localization("en")) == line


def test_label_is_in_the_language_of_the_reader() -> None:
    assert policies_line(("A",), localization("nl")) == "Beleidsregel: A"
