"""Builds the documentation site from docs/site.yaml into build/site/html (`make site`).

Zensical is installed in a separate virtual environment (requirements/site.txt). If it is missing, nothing is built, and
a message on stderr says so. The build fails for a dead link or anchor, a page outside the navigation, and a page that
loads a script, style sheet, image or frame from another host.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from tests.package.tree import ROOT, files

ZENSICAL = Path(sys.prefix) / "site" / ("Scripts" if os.name == "nt" else "bin") / "zensical"
PAGES = {
    "README.md": "overview.md",
    "policies/README.md": "policies/starter-library.md",
    "SECURITY.md": "project/security-policy.md",
    "SUPPORT.md": "project/support.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "CODE_OF_CONDUCT.md": "project/code-of-conduct.md",
}
"""Path of a file outside docs/ → path of its page in the site."""
FENCED = re.compile(r"^( *)(```+).*?^\1\2", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")
LOADED = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?https?:[^>]*>|<link\b(?=[^>]*stylesheet)[^>]*https?:[^>]*>"
)


def site_files() -> dict[str, bytes]:
    """Return path in the site → content, for every page and every file that a page links to."""
    contents: dict[str, bytes] = {}
    for path in files():
        name = path.relative_to(ROOT).as_posix()
        page = PAGES.get(name) or (name.startswith("docs/") and name.removeprefix("docs/"))
        if page and path.suffix == ".md":
            text, linked = _moved(path.read_text(encoding="utf-8"), PurePosixPath(name), PurePosixPath(page))
            contents |= {page: text.encode(), **linked}
    return contents


def _moved(text: str, source: PurePosixPath, page: PurePosixPath) -> tuple[str, dict[str, bytes]]:
    """Return a page with links adapted to its path in the site, and the other files that it links to."""
    linked: dict[str, bytes] = {}

    def adapted(match: re.Match[str]) -> str:
        target = os.path.normpath(source.parent / match[1]).replace(os.sep, "/")
        if (ROOT / target / "README.md").is_file():
            target += "/README.md"
        site_path = PAGES.get(target) or target.removeprefix("docs/")
        if not site_path.endswith(".md") and (ROOT / target).is_file():
            linked[site_path] = (ROOT / target).read_bytes()
        return os.path.relpath(site_path, page.parent).replace(os.sep, "/")

    parts, end = [], 0
    for fence in FENCED.finditer(text):
        parts += [LINK.sub(adapted, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, LINK.sub(adapted, text[end:])]), linked


def settings(pages: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the settings of the site, with every `folder/*` of the navigation replaced by its pages."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "site.yaml").read_text(encoding="utf-8"))
    names = [page for page in pages if page.endswith(".md")]
    loaded["nav"] = _spread(loaded["nav"], sorted(names, key=lambda page: (not page.endswith("README.md"), page)))
    return loaded


def _spread(nav: Any, pages: list[str]) -> Any:
    if isinstance(nav, dict):
        return {title: _spread(inner, pages) for title, inner in nav.items()}
    if isinstance(nav, list):
        return [
            entry
            for item in nav
            for entry in (_spread(item, pages) if str(item).endswith("/*") else [_spread(item, pages)])
        ]
    return [page for page in pages if PurePosixPath(page).match(nav)] if nav.endswith("/*") else nav


def navigated(nav: Any) -> Iterator[str]:
    """Yield the pages of a navigation."""
    if isinstance(nav, str):
        yield nav
    else:
        for item in nav.values() if isinstance(nav, dict) else nav:
            yield from navigated(item)


def problems(pages: Mapping[str, bytes], nav: Any) -> list[str]:
    """Return the mistakes that Zensical does not report: pages outside the navigation, listed twice, or missing."""
    listed = list(navigated(nav))
    existing = {page for page in pages if page.endswith(".md")}
    return [
        *(f"not in the navigation (docs/site.yaml): {page}" for page in sorted(existing - set(listed))),
        *(f"in the navigation, but no page: {page}" for page in sorted(set(listed) - existing)),
        *(f"twice in the navigation: {page}" for page in sorted({page for page in listed if listed.count(page) > 1})),
    ]


def build(pages: Mapping[str, bytes], work: Path) -> list[str]:
    """Build the site in the subfolder `html` of a folder, and return its mistakes."""
    loaded = settings(pages)
    mistakes = problems(pages, loaded["nav"])
    shutil.rmtree(work, ignore_errors=True)
    for name, body in pages.items():
        target = work / "pages" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    folders = {"docs_dir": "pages", "site_dir": "html"}
    (work / "mkdocs.yml").write_text(yaml.safe_dump(loaded | folders, sort_keys=False), encoding="utf-8")
    completed = subprocess.run(
        [ZENSICAL, "build", "--strict", "--config-file", work / "mkdocs.yml"],
        cwd=work,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        encoding="utf-8",
    )
    if completed.returncode:
        mistakes.append(re.sub(r"\x1b\[[0-9;]*m", "", completed.stdout))
    for path in sorted((work / "html").rglob("*.html")):
        mistakes += [f"{path.name} loads {tag}" for tag in LOADED.findall(path.read_text(encoding="utf-8"))]
    return mistakes


def main() -> int:
    """Build the site; return 1 if there are mistakes."""
    if not ZENSICAL.is_file():
        sys.stderr.write(f"documentation site: NOT BUILT, there is no {ZENSICAL} (make site)\n")
        return 0
    mistakes = build(site_files(), ROOT / "build" / "site")
    sys.stderr.write("".join(f"{line}\n" for line in mistakes))
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
