"""Tests that every message slug has a section in docs/messages.md about its meaning and its fix."""

import ast
import re
from collections import Counter
from functools import cache

import pytest

from auditor.graph.errors import FaultKind
from tests.package.slugs import constants, private_takers, slugs_in_calls, takers
from tests.package.tree import ROOT, modules

COMPUTED_SLUGS = {
    # One slug for each kind of structural mistake; checked by tests/schemas/test_schemas.py.
    "auditor/policy/schema/check.py": 1,
    # `policy-unknown-` and the kind of the name; listed in the test below.
    "auditor/policy/unknown_names.py": 1,
    # An error of a worker of the cluster, with its slug.
    "auditor/spark/evaluation.py": 1,
    # The slug of the settings error that a credential raised.
    "auditor/graph/auth/credentials.py": 1,
}
"""File → number of calls whose slug is not a literal; each has a separate test."""

SECTION = re.compile(r"^### ([a-z0-9-]+)$", re.MULTILINE)
PAGE = ROOT / "docs" / "messages.md"


@cache
def used_slugs() -> tuple[dict[str, str], Counter[str]]:
    """Return literal slug → a location that uses it, and file → the number of slugs computed at run time."""
    trees = dict(modules())
    texts, public = constants(trees), takers(trees)
    literals: dict[str, str] = {}
    computed: Counter[str] = Counter()
    for name, tree in trees.items():
        for line, slug in slugs_in_calls(tree, {**public, **private_takers(tree)}, texts):
            if slug is None:
                computed[name] += 1
            else:
                literals.setdefault(slug, f"{name}:{line}")
    return literals, computed


def sections() -> list[str]:
    return SECTION.findall(PAGE.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_every_slug_in_the_code_has_a_section() -> None:
    literals, _ = used_slugs()
    assert len(literals) > 40, "the search found too little to be right"
    kinds = {kind.value: "auditor/graph/errors.py" for kind in FaultKind}
    kinds_of_names = ("policy-unknown-product", "policy-unknown-service", "policy-unknown-role")
    mentions = dict.fromkeys(kinds_of_names, "auditor/policy/unknown_names.py")
    required = {**literals, **kinds, **mentions}
    assert {slug: location for slug, location in required.items() if slug not in set(sections())} == {}


@pytest.mark.slow
def test_slugs_computed_at_run_time_are_only_in_listed_files() -> None:
    _, computed = used_slugs()
    assert dict(computed) == COMPUTED_SLUGS


def test_sections_of_messages_are_unique_and_not_empty() -> None:
    assert [slug for slug, count in Counter(sections()).items() if count > 1] == []
    bodies = SECTION.split(PAGE.read_text(encoding="utf-8"))[2::2]
    assert [body for body in bodies if len(body.split()) < 8] == []


@pytest.mark.slow
def test_page_describes_all_notices() -> None:
    codes = {"decision.contradicting", "decision.expired", "decision.unfit", "decision.unmatched"}
    codes |= {f"policy.unknown-{kind}" for kind in ("product", "role", "service")}
    for name, _ in modules():
        codes |= set(re.findall(r'\bcode="([a-z]+\.[a-z-]+)"', (ROOT / name).read_text(encoding="utf-8")))
    assert len(codes) > 12
    page = PAGE.read_text(encoding="utf-8").partition("\n## Notices\n")[2]
    assert re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE) == sorted(codes)


def test_search_finds_slugs_passed_by_position_keyword_and_constant() -> None:
    tree = ast.parse(
        "NAMED = 'by-name'\n"
        "class OwnError(AuditorError): pass\n"
        "def wrong(self, text, slug): raise OwnError(slug, text)\n"
        "raise OwnError('direct', 'x')\n"
        "wrong('x', slug='keyword')\n"
        "wrong('x', NAMED)\n"
        "wrong('x', f'{a}-b')\n"
    )
    trees = {"own.py": tree}
    slugs = {slug for _, slug in slugs_in_calls(tree, takers(trees), constants(trees))}
    assert slugs == {"direct", "keyword", "by-name", None}
