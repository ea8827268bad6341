"""Tables of small static pages."""

from markupsafe import Markup

from auditor.render.static_page import table

_TITLES = ("Product", "Assigned", "Cost", "Users", "Trend", "Note")
_ROWS = (
    ("Visio 2", "146 → 147", "−1\u202f309,15 kr", "11 kept, 0 new", Markup("<svg/>"), ""),
    ("Power BI", "–", "", "–", Markup("<svg/>"), "–"),
)


def test_columns_of_figures_are_marked_in_head_and_body() -> None:
    head, _, body = str(table(_TITLES, _ROWS)).partition("<tbody>")
    assert head.count('<th scope="col" class="n">') == 2
    for title, cells in (("Assigned", ("146 → 147", "–")), ("Cost", ("−1\u202f309,15 kr", ""))):
        assert f'<th scope="col" class="n">{title}</th>' in head
        for cell in cells:
            assert f'<td class="n" data-label="{title}">{cell}</td>' in body


def test_words_charts_and_columns_without_a_digit_are_not_marked() -> None:
    text = str(table(_TITLES, _ROWS))
    for title in ("Users", "Trend", "Note"):
        assert f'<th scope="col">{title}</th>' in text
        assert f'<td class="n" data-label="{title}">' not in text
    assert text.count('<th scope="row">') == 2
