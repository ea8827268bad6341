"""Generates docs/checks, docs/guidance and docs/reference (part of `make pages`).

In pages with examples of `extends`, the version and the digest of the starter library are updated.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from auditor import __version__
from auditor.app.audit.remediation import packaged_library
from auditor.app.policy_files import library_files
from auditor.checks.registry import all_checks
from auditor.domain.enums import Cloud
from auditor.files.output import write_file
from auditor.guidance import Variant, compose
from auditor.policy.documents import digest_of
from auditor.policy.extends import STARTER
from auditor.policy.yaml.reader import parse
from auditor.remedy.actions.guidance.article_markdown import article_markdown, check_markdown
from auditor.remedy.english import ENGLISH
from tests.guidance.freshness import freshness, freshness_markdown, last_checked
from tests.package.reference_pages import reference_pages

_NOTE = "<!-- Made by `make pages`. Change the data, not this page. -->\n\n"

_EXTENDING = ("growing-policies.md", "recipes.md")
"""Pages with examples of `extends`."""
_PINNED = re.compile(r"(from: )starter@\S+(\s+digest: )sha256:\S+")


def pages() -> dict[str, str]:
    """Return path below docs/ → text of every generated page."""
    library = packaged_library()
    titles = library.titles
    today = last_checked(library)  # the pages do not depend on the date
    texts: dict[str, str] = {}

    def link(article: str) -> str:
        return f"[{ENGLISH.gettext(titles[article])}](../guidance/{article}.md)"

    for check in all_checks():
        texts[f"checks/{check.id}.md"] = _NOTE + check_markdown(check, ENGLISH, link)
    for name in library.articles:
        composition = compose(library, name, Variant(cloud=Cloud.WORLDWIDE, day=today))
        texts[f"guidance/{name}.md"] = _NOTE + article_markdown(
            composition, ENGLISH, lambda name: f"[{titles[name]}]({name}.md)"
        )
    texts["guidance/freshness.md"] = _NOTE + freshness_markdown(freshness(library, today))
    texts["checks/README.md"] = _NOTE + "\n".join(
        [
            "# Checks",
            "",
            "What a policy can find, in the order of the policy language.",
            "",
            *(f"- [`{check.id}`]({check.id}.md): {check.explanation}" for check in all_checks()),
            "",
        ]
    )
    texts["guidance/README.md"] = _NOTE + "\n".join(
        [
            "# Guidance",
            "",
            "The fixes that Microsoft documents. The articles contain the text for every agreement and situation, under a",
            "label for each; a report contains the text for its tenant. [Guidance articles](../guidance.md) explains how to",
            "write them, and [Freshness](freshness.md) lists when each was last compared with its sources.",
            "",
            *(f"- [{titles[name]}]({name}.md)" for name in sorted(titles, key=lambda name: titles[name].casefold())),
            "",
        ]
    )
    return texts | reference_pages(_NOTE)


def pinned(text: str) -> str:
    """Return a text in which the examples of `extends` name the current version and digest of the starter library."""
    digest = digest_of(parse(body, file=name) for name, body in library_files())
    return _PINNED.sub(rf"\g<1>{STARTER}{__version__}\g<2>{digest}", text)


def write(docs: Path) -> int:
    """Write the pages below a folder and delete obsolete ones; return the number of changed files."""
    texts, changed = pages(), 0
    texts |= {name: pinned((docs / name).read_text(encoding="utf-8")) for name in _EXTENDING if (docs / name).is_file()}
    for path, text in texts.items():
        file = docs / path
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            write_file(file, text.encode())
            changed += 1
    for folder in ("checks", "guidance", "reference"):
        for file in sorted((docs / folder).glob("*.md")):
            if f"{folder}/{file.name}" not in texts:
                file.unlink()
                changed += 1
    return changed


def main(arguments: Sequence[str]) -> int:
    """Write the pages below a folder (default: docs)."""
    write(Path(arguments[0] if arguments else "docs"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
