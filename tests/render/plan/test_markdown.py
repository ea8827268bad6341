"""Tests plan.md: text of a tenant is neither markup nor a link."""

from auditor.render.plan.markdown import escaped


def test_hostile_names_are_text_on_one_line() -> None:
    text = escaped("<b>x</b> [a](javascript:1) `rm` | *bold* \x1b[31m\nnext")
    assert "\n" not in text
    assert "\x1b" not in text
    assert text.startswith(r"\<b\>x\</b\> \[a\](javascript:1) \`rm\` \| \*bold\*")


def test_addresses_in_names_are_not_links() -> None:
    """GitHub makes links of bare addresses."""
    assert escaped("HTTPS://evil.example www.evil.example") == r"HTTPS\://evil.example www\.evil.example"


def test_names_begin_no_headings_lists_or_quotes() -> None:
    assert [escaped(text)[:2] for text in ("# x", "- x", "+ x", "===", "> x")] == [r"\#", r"\-", r"\+", r"\=", r"\>"]


def test_source_of_a_name_is_readable() -> None:
    for text in (
        "Procurement & Legal > Sales",
        "Joost Visser (joost@contoso.example)",
        "CONTOSO_SHELF_CAMERA",
        "Seats: 4 + 2",
        "€1,469.35",
    ):
        assert escaped(text) == text
