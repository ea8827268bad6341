"""Tests that the documentation site contains every page, and that mistakes fail its build."""

from pathlib import Path

import pytest

from tests.package.site import ZENSICAL, build, problems, settings, site_files

pytestmark = pytest.mark.slow
PAGES = {name: b"# A page\n" for name in site_files() if name.endswith(".md")}
MISTAKES = {
    "lost.md": b"# Outside the navigation\n",
    "mail.md": b"# Dead link\n\n[gone](gone.md)\n",
    "plan.md": b"# Dead anchor\n\n[gone](usage.md#gone)\n",
    "usage.md": b'# From elsewhere\n\n<script src="https://cdn.example/x.js"></script>\n',
}
MESSAGES = (
    "not in the navigation (docs/site.yaml): lost.md",
    "page does not exist",
    "anchor does not exist",
    'usage.html loads <script src="https://cdn.example/x.js">',
)


def test_navigation_contains_every_page_once() -> None:
    pages = site_files()
    nav = settings(pages)["nav"]
    assert problems(pages, nav) == []
    assert {"README.md", "overview.md", "checks/seats.not-covered.md", "guidance/former-employee.md"} <= set(pages)
    remaining = {page: body for page, body in pages.items() if page != "mail.md"}
    assert problems(remaining, nav) == ["in the navigation, but no page: mail.md"]
    assert problems(pages, [*nav, "mail.md"]) == ["twice in the navigation: mail.md"]


@pytest.mark.skipif(not ZENSICAL.is_file(), reason="the generator of the site is not installed (make site)")
def test_mistakes_in_pages_fail_the_build(tmp_path: Path) -> None:
    output = "\n".join(build(PAGES | MISTAKES, tmp_path))
    assert [message for message in MESSAGES if message not in output] == []
