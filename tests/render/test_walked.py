"""Reports of findings that nobody holds: the same as of those that are held, and few walks over them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from html import unescape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.app.audit.pipeline import audit
from auditor.app.audit.remediation import remedied
from auditor.catalogue import builtin
from auditor.cli.terminal.result import terminal_text
from auditor.demo import policies, snapshots
from auditor.domain.described import Described
from auditor.domain.enums import Severity
from auditor.domain.result import Action, Result
from auditor.policy.loader import load
from auditor.render import render, tenant_json
from auditor.render.text.earlier_run import EarlierRun
from auditor.result.aggregate import changes, freed, money, priced_whole, summarise, waivers
from auditor.wording import languages
from benchmarks.report import large
from tests.builders.results import result
from tests.oracle.adapter import catalogue_of, files, snapshot
from tests.oracle.strategies import Scenario, scenarios
from tests.render.walked import Once, Walked, walked

NOW = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)
FORMATS = ("json", "html", "xlsx", "markdown")
PAST = (
    EarlierRun(as_of=datetime(2026, 11, 1, tzinfo=UTC), open={Severity.HIGH: 9}, money={"EUR": Decimal(7)}, spare=3),
    EarlierRun(as_of=datetime(2026, 11, 9, tzinfo=UTC), open={Severity.HIGH: 8}, money={"EUR": Decimal(9)}, spare=4),
)


@cache
def demo() -> Result:
    known = load(policies(NOW)).policies
    return remedied(audit(list(snapshots(NOW)), known, builtin(), NOW), known)


def held(scenario: Scenario) -> Result:
    known = load(files(scenario.documents)).policies
    states = [snapshot(each, scenario) for each in scenario.tenants]
    return remedied(audit(states, known, catalogue_of(scenario.catalogue), scenario.as_of), known)


def written(of: Result, name: str, locale: str = "en") -> bytes:
    return b"".join(render(of, name, locale=locale, history=PAST).chunks())


def told(of: Result) -> str:
    return terminal_text(of, paths=("out/report.html",), locale="en", history=PAST).decode()


def walks(of: Result) -> list[int]:
    return [tenant.findings.passes for tenant in of.tenants if isinstance(tenant.findings, Walked)]


@pytest.mark.parametrize("locale", ["en", "tr"])
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("of", [demo, result])
def test_a_report_of_findings_that_are_walked_is_that_of_findings_that_are_held(
    of: Callable[[], Result], name: str, locale: str
) -> None:
    made = walked(of())
    assert written(made, name, locale) == written(of(), name, locale)
    assert set(walks(made)) == {1 if name in {"json", "xlsx"} else 0}, "what is shown and counted needs no walk"


@pytest.mark.parametrize("of", [demo, result])
@pytest.mark.parametrize("few", [None, 3])
def test_the_terminal_says_the_same(of: Callable[[], Result], few: int | None) -> None:
    made = walked(of(), few)
    assert told(made) == told(of())
    assert set(walks(made)) == {0}


@pytest.mark.parametrize("of", [demo, result])
def test_a_tenant_s_file_is_the_same(of: Callable[[], Result]) -> None:
    for tenant in of().tenants:
        made = walked(of(), 1)
        artifacts = (tenant_json(each, tenant.name) for each in (made, of()))
        one, other = (b"".join(artifact.chunks()) for artifact in artifacts)
        assert one == other
        assert sum(walks(made)) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), st.sampled_from([None, 0, 1, 2]))
def test_whatever_the_tenants_and_policies(scenario: Scenario, few: int | None) -> None:
    whole = held(scenario)
    for name in ("json", "xlsx"):
        assert written(walked(whole, few or None), name) == written(whole, name)
    if not few:
        assert written(walked(whole), "html") == written(whole, "html")
        assert written(walked(whole), "markdown") == written(whole, "markdown")
        assert told(walked(whole)) == told(whole)
    else:
        page, other = (numbers(written(each, "html").decode()) for each in (walked(whole, few), whole))
        if len(whole.tenants) > 1:
            # Tenants are drawn with the same people, who cannot be told apart where they are only counted.
            page, other = (_PEOPLE.sub("", each) for each in (page, other))
        assert page == other


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), st.sampled_from([None, 1, 2]))
def test_sums_and_counts_need_no_walk(scenario: Scenario, few: int | None) -> None:
    whole = held(scenario)
    made = walked(whole, few)
    assert summarise(made.tenants, made.fleet) == whole.summary
    assert (money(made), priced_whole(made), waivers(made)) == (money(whole), priced_whole(whole), waivers(whole))
    assert (freed(made), changes(made.tenants)) == (freed(whole), changes(whole.tenants))
    for one, other in zip(made.tenants, whole.tenants, strict=True):
        assert (money(one), freed(one)) == (money(other), freed(other))
    assert set(walks(made)) == {0}


_ROWS = re.compile(
    r'(?:<p class="facts what">[^\n]*?</p>\s*)?<table class="rows(?: alike)?">.*?</table>\n(<p class="note".*?</p>)?',
    re.DOTALL,
)
_TABLE = re.compile(r'<section id="all".*?</section>', re.DOTALL)
_ISLAND = re.compile(r'<script id="columns".*?</script>\n<script id="marks".*?</script>', re.DOTALL)
_LINK = re.compile(r'<a href="#all-h">.*?</a>')
_MATTERS = re.compile(r'<section class="matters".*?</section>', re.DOTALL)
_OPEN = re.compile(r'(<details class="group" id="[^"]*") open>')
_ALONE = re.compile(r'<div class="first[^"]*">')
_PEOPLE = re.compile("It names [0-9]+ (person|people)")


def numbers(page: str) -> str:
    """Return the page without the findings that it shows, and without what a few findings stand for."""
    for cut in (_ROWS, _TABLE, _LINK, _ISLAND, _MATTERS, _ALONE):
        page = cut.sub("", page)
    return _OPEN.sub(r"\1>", page)


@pytest.mark.parametrize("of", [demo, result])
@pytest.mark.parametrize("few", [1, 2])
def test_a_page_that_shows_few_counts_all(of: Callable[[], Result], few: int) -> None:
    page, whole = (written(each, "html").decode() for each in (walked(of(), few), of()))
    assert numbers(page) == numbers(whole)
    assert len(_ISLAND.sub("", page)) < len(_ISLAND.sub("", whole))
    groups = re.findall(r'<details class="group".*?</details>', page, re.DOTALL)
    part = [group for group in groups if '<p class="note">and ' in group]
    assert part
    assert not any('<p class="facts what">' in group for group in part), "those shown do not stand for the others"
    for cut in (page, whole):
        assert len(_ROWS.findall(cut)) == cut.count('<details class="group"') > 5
        assert '<p class="line"><span class="sev critical"><strong>' in numbers(cut)


def test_few_findings_say_that_they_are_few() -> None:
    whole = large(3000)
    whole = replace(whole, run=replace(whole.run, previous=None))
    made = walked(whole, 2)
    there = made.tenants[0].findings
    assert isinstance(there, Described)
    shown = len(there.shown)
    page = written(made, "html").decode()
    assert f"This table has {shown} of 3,000 findings, the first of every policy" in page
    assert 'data-more="' not in page, "the page's table does not have them"
    assert "All findings" not in page
    assert '<a href="#all-h">Findings</a>' in page
    for group in re.findall(r'<details class="group".*?</details>', page, re.DOTALL):
        count = sum(int(found.replace(",", "")) for found in re.findall(r">([0-9,]+) (?:open|waived)<", group))
        more = re.findall(r'<p class="note">and ([0-9,]+) more</p>', group)
        assert group.count('<tr id="f-') + sum(int(each.replace(",", "")) for each in more) == count
    before = written(whole, "html").decode()
    assert 'data-more="' in before
    assert "All findings" in before
    assert "This table has" not in before


@pytest.mark.parametrize("locale", languages())
def test_every_language_says_how_many_are_shown(locale: str) -> None:
    made = walked(demo(), 1)
    page = unescape(written(made, "html", locale).decode())
    note = re.search(r'<section id="all".*?<p class="note">(.*?)</p>', page, re.DOTALL)
    assert note is not None
    shown = sum(len(tenant.findings.shown) for tenant in made.tenants if isinstance(tenant.findings, Described))
    fleet = len(made.fleet.findings)
    count = sum(len(tenant.findings) for tenant in made.tenants)
    assert re.findall("[0-9]+", note[1]) in ([str(shown + fleet), str(count + fleet)], [str(count + fleet), str(shown + fleet)])  # fmt: skip
    assert ("This table has" in note[1]) is (locale == "en")


def _with(action: Action, count: int) -> Result:
    there = result().tenants[0]
    requests = Once([{"method": "GET", "path": f"/users/{number}"} for number in range(count)])
    of = walked(replace(result(), tenants=(replace(there, actions=(action,)),)))
    tenant = of.tenants[0]
    return replace(of, tenants=(replace(tenant, actions=(replace(tenant.actions[0], requests=requests),)),))


@pytest.mark.parametrize(("count", "more"), [(0, ""), (200, ""), (201, "and 1 more"), (2345, "and 2,145 more")])
def test_of_very_many_requests_the_page_shows_the_first(count: int, more: str) -> None:
    page = written(_with(result().tenants[0].actions[0], count), "html").decode()
    listed = re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL)
    assert listed == [f"GET /users/{number}" for number in range(min(count, 200))]
    step = page.partition('<details class="step"')[2].partition("</details>")[0]
    assert re.findall(r"and [0-9,]+ more", step) == ([more] if more else [])


def test_what_an_action_lists_is_written_while_it_is_read() -> None:
    there = result().tenants[0]
    marks = Once([f"{number:032x}" for number in range(20_000)])
    requests = Once([{"path": f"/users/{number}"} for number in range(20_000)])
    action = replace(there.actions[0], findings=marks, requests=requests)
    made = replace(result(), tenants=(replace(there, actions=(action, *there.actions[1:])),))
    body = b""
    for piece in _pieces(made):
        body += piece
        assert marks.taken - len(re.findall(rb'\n +"[0-9a-f]{32}"', body)) <= 2000
        assert requests.taken - body.count(b'"/users/') <= 2000
    assert body.count(b'"/users/') == 20_000


def _pieces(of: Result) -> Iterator[bytes]:
    return iter(render(of, "json", locale="en").chunks())


def test_of_very_many_actions_a_page_tells_the_weightiest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.render.html.finding_index._ACTIONS", 3)
    monkeypatch.setattr("auditor.render.html.finding_index._FEWEST", 2)
    whole = replace(demo(), tenants=demo().tenants[:1])
    actions = whole.tenants[0].actions
    page = written(walked(whole, 2), "html").decode()
    expected = [each.id for each in actions if each.rank <= 3]
    told_of = [re.search(each.id, page) for each in actions]
    assert [each.id for each, found in zip(actions, told_of, strict=True) if found] == expected
    assert f'and {len(actions) - 3} more</p><details class="fold"><summary><span class="name">Documented at<' in page
    for target in re.findall('href="#([^"]+)"', page):
        assert f'id="{target}"' in page, "no link leads nowhere"
    assert written(walked(whole), "html") == written(whole, "html"), "where all findings are shown, so are all actions"
