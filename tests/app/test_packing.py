"""Findings and actions that wait on the disk, those of one tenant at hand at a time: nothing is other for it."""

import io
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.app import laying
from auditor.app.audit.pipeline import audit
from auditor.app.audit.remediation import remedied
from auditor.app.flowing import flow
from auditor.app.history.earlier_runs import earlier_of_each
from auditor.app.laying import FINDINGS, Laid, laid
from auditor.app.packing import Packed, packed, rewritten, share, within
from auditor.app.redaction.pseudonyms import Key
from auditor.app.redaction.redact import redacted
from auditor.app.report.localization import localised
from auditor.app.report.outputs import outputs, write_reports
from auditor.app.report.subset import portion
from auditor.app.streaming import Aside
from auditor.catalogue import builtin
from auditor.deliver.routing import Envelope
from auditor.demo import policies as demo_policies
from auditor.demo import previous, snapshots
from auditor.domain.enums import Change, Severity, SubjectType
from auditor.domain.errors import DeliveryError
from auditor.domain.policy import PolicySet
from auditor.domain.result import Finding, Result, TenantResult
from auditor.domain.tenant import Recipient
from auditor.engine.evaluate import judged_batches
from auditor.engine.spilling import Scratch
from auditor.policy.loader import load
from auditor.render import render
from auditor.result import ranking
from auditor.result.aggregate import changes, money, priced_whole, summarise
from auditor.result.aggregate import shown as shown_of
from auditor.result.diff import compare
from auditor.snapshot.model import Snapshot
from tests.builders.tenants import NOW
from tests.engine.test_retelling import FullDisk
from tests.oracle.adapter import catalogue_of, files, snapshot
from tests.oracle.strategies import Scenario, scenarios
from tests.render.walked import counted

KEY = Key(secret=b"a key of 16 bytes or more", stable=True)


@pytest.fixture(autouse=True, scope="module")
def few_together() -> Iterator[None]:
    """Put away so few at once that a tenant has many parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(laying, "_TOGETHER", 3)
        yield


def demo() -> tuple[Result, Result]:
    """The demo's tenants, with findings at hand and with findings on the disk."""
    policies = load(demo_policies(NOW)).policies
    return both(list(snapshots(NOW)), policies)


def packed_result(result: Result, scratch: Scratch) -> Result:
    """The same run with what its tenants found on the disk."""
    return replace(result, tenants=tuple(packed(tenant, scratch) for tenant in result.tenants))


def both(states: list[Snapshot], policies: PolicySet, catalogue: Any = None, as_of: Any = NOW) -> tuple[Result, Result]:
    catalogue = catalogue or builtin()
    whole = remedied(audit(states, policies, catalogue, as_of), policies)
    aside = Aside(file=io.BytesIO(), whole=sys.maxsize)
    return whole, flow(states, policies, catalogue, as_of, judge=judged_batches, aside=aside, shown=10**9)


def check(whole: Result, apart: Result) -> None:
    """Hold one against the other; what was counted against somebody who counts one finding after the other."""
    assert (apart.run, apart.summary, apart.fleet) == (whole.run, whole.summary, whole.fleet)
    for held, told in zip(whole.tenants, apart.tenants, strict=True):
        assert replace(told, findings=(), actions=()) == replace(held, findings=(), actions=())
        assert (tuple(told.findings), tuple(told.actions)) == (held.findings, held.actions)
        if isinstance(told.findings, Packed):  # one that was not audited has none to put away
            expected = counted(held.findings, held.actions)
            assert told.findings.counted == replace(expected, concerns=told.findings.counted.concerns)
            assert dict(told.findings.counted.concerns) == dict(expected.concerns)
            assert told.findings.shown == held.findings
    for count in (money, priced_whole):
        assert count(apart) == count(whole)
    assert summarise(apart.tenants, apart.fleet) == summarise(whole.tenants, whole.fleet)
    assert changes(apart.tenants, apart.fleet) == changes(whole.tenants, whole.fleet)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios())
def test_whatever_the_tenants_and_policies(scenario: Scenario) -> None:
    policies = load(files(scenario.documents)).policies
    states = [snapshot(each, scenario, rows=2) for each in scenario.tenants]
    whole, apart = both(states, policies, catalogue_of(scenario.catalogue), scenario.as_of)
    check(whole, apart)
    check(redacted(whole, KEY), redacted(apart, KEY))


def test_what_changed_since_a_run_whose_findings_wait_too() -> None:
    whole, apart = demo()
    policies = load(demo_policies(NOW)).policies
    earlier = remedied(audit(previous(NOW), policies, builtin(), NOW), policies)
    waiting = packed_result(earlier, Scratch(io.BytesIO()))
    told = compare(apart, waiting, each=rewritten)
    check(compare(whole, earlier), told)
    assert changes(told.tenants).new
    assert all(isinstance(tenant.findings, Packed) for tenant in told.tenants)


def test_another_language_changes_the_actions_and_no_finding() -> None:
    whole, apart = demo()
    told = localised(apart, "tr")
    check(localised(whole, "tr"), told)
    for before, after in zip(apart.tenants, told.tenants, strict=True):
        assert after.findings is before.findings, "what did not change is not written again"
        assert after.actions[0].title != before.actions[0].title


@pytest.mark.parametrize("severities", [(), (Severity.HIGH,)])
def test_a_reader_gets_a_part(severities: tuple[Severity, ...]) -> None:
    whole, apart = demo()
    entry = Recipient(address="ann@contoso.example", severities=severities)
    envelope = Envelope(address="ann@contoso.example", locale="en", portions=(("contoso", entry), ("fabrikam", entry)))
    check(portion(whole, envelope), portion(apart, envelope))


def test_a_tenant_s_own_change_is_written_only_where_there_is_one() -> None:
    _, apart = demo()
    tenant = apart.tenants[0]
    assert rewritten(tenant, lambda held: held) is tenant
    held = replace(tenant, findings=tuple(tenant.findings), actions=tuple(tenant.actions))
    assert rewritten(held, lambda same: same) is held


def test_values_come_back_from_anywhere() -> None:
    findings = demo()[0].tenants[0].findings
    found = laid(findings, Scratch(io.BytesIO()), FINDINGS)
    assert (tuple(found), len(found), found[5], found[-1]) == (findings, len(findings), findings[5], findings[-1])
    assert found[3:50:7] == findings[3:50:7]
    assert tuple(laid((), Scratch(io.BytesIO()), FINDINGS)) == ()


def test_a_full_disk_and_a_cut_file_are_said() -> None:
    tenant = demo()[0].tenants[0]
    with pytest.raises(DeliveryError, match="No space left"):
        packed(tenant, Scratch(FullDisk()))
    file = io.BytesIO()
    found: Laid[Finding] = laid(tenant.findings, Scratch(file), FINDINGS)
    file.truncate(len(file.getvalue()) // 2)
    with pytest.raises(DeliveryError, match="lost its end"):
        list(found)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=9), st.integers(0, 2000))
def test_tenants_share_the_room(found: list[int], room: int) -> None:
    shares = [share(room, many, sum(found)) for many in found]
    if sum(found) <= room:
        assert all(part >= many for part, many in zip(shares, found, strict=True))
    else:
        assert sum(shares) <= room
        assert sorted(shares) == [part for _, part in sorted(zip(found, shares, strict=True))]


def test_few_are_shown_those_that_changed_first_and_things_all() -> None:
    policies = load(demo_policies(NOW)).policies
    earlier = remedied(audit(previous(NOW), policies, builtin(), NOW), policies)
    told = within(compare(demo()[1], earlier, each=rewritten), 60)
    tenant = told.tenants[0]
    assert isinstance(tenant.findings, Packed)
    shown, everything = tenant.findings.shown, tuple(tenant.findings)
    assert [each for each in everything if each in shown] == list(shown), "in their order"
    for policy in {finding.policy for finding in everything}:
        people = [f for f in everything if f.policy == policy and f.subject.type is SubjectType.USER]
        here = [finding for finding in people if finding in shown]
        assert bool(here) is bool(people)
        new = [finding for finding in people if finding.change is not Change.UNCHANGED]
        assert not new or here[0].change is not Change.UNCHANGED or set(map(_mark, new)) <= set(map(_mark, here))
    assert all(f in shown for f in everything if f.subject.type is not SubjectType.USER)
    assert len(shown) < len(everything)
    assert shown_of(within(told, 10**6).tenants[0].findings) == everything


def _mark(finding: Finding) -> str:
    return finding.fingerprint


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> Result:
    """Five tenants, of which a page tells two in full."""
    monkeypatch.setattr(ranking, "MAX_FULL_TENANTS", 2)
    monkeypatch.setattr("auditor.app.report.outputs.MAX_FULL_TENANTS", 2)
    given = demo()[0]
    one, other = given.tenants
    calm = [replace(other, name=f"calm-{number}", display_name=f"Calm {number}") for number in range(3)]
    tenants = tuple(sorted((one, other, *calm), key=lambda tenant: tenant.name))
    return replace(given, tenants=tenants, summary=summarise(tenants, given.fleet))


def _pages(result: Result, folder: Path) -> dict[str, str]:
    wanted = outputs([("html", None)], folder)
    write_reports(result, result, wanted, locale="en")
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.html")}


def test_of_many_tenants_a_page_tells_the_worst_and_each_has_its_own(many: Result, tmp_path: Path) -> None:
    written = _pages(many, tmp_path)
    assert set(written) == {"report.html", *(f"tenants/{tenant.name}.html" for tenant in many.tenants)}
    page = written["report.html"]
    assert re.findall(r'<article class="tenant" id="([^"]+)"', page) == ["t-calm-0", "t-contoso", "fleet"]
    assert "The worst 2 of 5 tenants" in page
    for tenant in many.tenants:
        assert tenant.display_name in page
    for name, text in written.items():
        targets = set(re.findall(r'\bid="([^"]+)"', text))
        assert set(re.findall(r'href="#([^"]+)"', text)) - {""} <= targets, name
    others = {f"tenants/{name}.html" for name in ("calm-1", "calm-2", "fabrikam")}
    assert set(re.findall(r'href="(tenants/[^"]+)"', page)) == others <= set(written)
    own = written["tenants/calm-2.html"]
    assert re.findall(r'<article class="tenant" id="([^"]+)"', own) == ["t-calm-2"]
    assert "The worst" not in own


def test_the_own_page_of_a_tenant_has_its_own_curves(many: Result, tmp_path: Path) -> None:
    then = replace(many.run, as_of=many.run.as_of - timedelta(days=7))
    (tmp_path / "old").mkdir()
    old = b"".join(render(replace(many, run=then), "json", locale="en").chunks())
    (tmp_path / "old" / "result.json").write_bytes(old)
    wanted = outputs([("html", None)], tmp_path / "new")
    found = earlier_of_each(tmp_path, many)
    write_reports(many, many, wanted, locale="en", histories=lambda told: found if told is many else {})
    for tenant in many.tenants:
        count = sum(summarise((tenant,)).open.values())
        page = (tmp_path / "new" / "tenants" / f"{tenant.name}.html").read_text("utf-8")
        assert f"{count} on 13 Nov 2026, {count} now" in page


def test_the_page_of_many_tenants_needs_nobody_to_hold_their_findings(many: Result, tmp_path: Path) -> None:
    waiting = packed_result(many, Scratch(io.BytesIO()))
    for folder, result in (("held", many), ("packed", waiting)):
        (tmp_path / folder).mkdir()
        _pages(result, tmp_path / folder)
    held, aside = ({p.name: p.read_bytes() for p in (tmp_path / way).rglob("*.html")} for way in ("held", "packed"))
    assert held == aside
    for name in ("markdown", "xlsx", "sarif", "junit"):
        one, other = (b"".join(render(of, name, locale="en").chunks()) for of in (many, waiting))
        assert one == other, name


def test_figures_count_tenants_that_the_page_does_not_tell(many: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    few = b"".join(render(many, "html", locale="en").chunks()).decode()
    monkeypatch.setattr(ranking, "MAX_FULL_TENANTS", 50)
    whole = b"".join(render(many, "html", locale="en").chunks()).decode()
    for part in (r'<section class="money".*?</section>', r"<nav class=.waivers.*?</table>"):
        told, expected = (re.search(part, page, re.DOTALL) for page in (few, whole))
        assert told
        assert expected
        plain = [re.sub(r"<a href[^>]*>|</a>", "", found[0]) for found in (told, expected)]
        assert plain[0] == plain[1]


def test_a_tenant_that_was_not_audited_is_told_first(many: Result) -> None:
    gone: TenantResult = replace(
        many.tenants[0], name="zzz", display_name="Gone", failure="no answer", findings=(), actions=()
    )
    result = replace(many, tenants=(*many.tenants, gone))
    assert [tenant.name for tenant in ranking.most_urgent_tenants(result).tenants] == ["contoso", "zzz"]
