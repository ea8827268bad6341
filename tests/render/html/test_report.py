"""Tests report.html: a self-contained file that loads nothing, escapes tenant data, and works without JavaScript."""

import re
from base64 import b64encode
from collections.abc import Container
from decimal import Decimal
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from auditor.domain.actions.action import Link
from auditor.domain.actions.title import TitleArguments
from auditor.domain.enums import Status, SubjectType
from auditor.domain.message import Message
from auditor.domain.money import Money
from auditor.domain.result.finding import Subject
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.findings.table import FindingTable
from auditor.result.aggregate import summarise
from tests.builders.result.rendered import rendered_text
from tests.builders.result.results import compared, result
from tests.builders.tenant.tenants import audited, tenant, user
from tests.golden.compare import check

VOID = {"meta", "br", "input", "rect", "circle", "path", "polyline"}
OPTIONAL_END = {
    "li": {"li", "ul", "ol"},
    "th": {"th", "td", "tr", "tbody"},
    "td": {"th", "td", "tr", "tbody"},
    "tr": {"tr", "tbody"},
}
"""Tag whose end tag is optional → tags whose start or end closes it implicitly."""
HOSTILE = "<script>alert(1)</script>{{ 7*7 }}{% raw %}\u202egnp.exe\x1b[31m\"' onload=x\x00\ud800"


class Page(HTMLParser):
    """Parser that collects tags, attributes and text, and fails if elements are not nested correctly."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.end_by(tag, nested={"ul", "ol", "tbody"})
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def end_by(self, tag: str, nested: Container[str] = ()) -> None:
        while tag not in nested and tag in OPTIONAL_END.get("".join(self.stack[-1:]), ()):
            self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        if self.stack[-1] != tag:
            self.end_by(tag)
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.tags if "id" in attributes]


def html(of: Result) -> str:
    return rendered_text(of, "html")


def of_tenant(tenant: TenantResult) -> Result:
    sample = result()
    return replace(sample, tenants=(tenant,), fleet=FleetResult(), summary=summarise((tenant,)))


@pytest.fixture(scope="module")
def sample() -> str:
    return html(compared())


def test_report_html_is_as_approved(sample: str) -> None:
    check("report.html", sample.encode())


def test_report_loads_nothing_and_csp_allows_only_its_inline_code(sample: str) -> None:
    page = Page(sample)
    policy = next(tag["content"] for name, tag in page.tags if name == "meta" and "http-equiv" in tag)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    allowed = dict(directive.split(" ", 1) for directive in policy.split("; "))
    assert {name for name, source in allowed.items() if source != "'none'"} == {"style-src", "script-src"}
    for kind in ("style", "script"):
        inline = re.findall(f"<{kind}>(.*?)</{kind}>", sample, re.DOTALL)
        assert len(inline) == 1
        assert f"'sha256-{b64encode(sha256(inline[0].encode()).digest()).decode()}'" in policy
    for name, attributes in page.tags:
        assert not set(attributes) & {"src", "style", "srcset", "background", "onclick"}, name
        assert name not in {"link", "img", "iframe", "object", "form", "base"}
        address = attributes.get("href") or "#"
        assert address.startswith(("#", "https://"))
    assert "url(" not in sample
    assert "@import" not in sample


def test_internal_links_have_targets_and_ids_are_unique(sample: str) -> None:
    page = Page(sample)
    ids = page.ids()
    assert len(ids) == len(set(ids))
    for _, attributes in page.tags:
        address = attributes.get("href") or ""
        if address.startswith("#"):
            assert address[1:] in ids
        assert set((attributes.get("aria-labelledby") or "").split()) <= set(ids)


def test_report_has_a_language_landmarks_and_accessible_tables(sample: str) -> None:
    page = Page(sample)
    assert dict(page.tags)["html"] == {"lang": "en"}
    names = [name for name, _ in page.tags]
    assert names.count("table") == names.count("caption") == names.count("thead")
    assert all("scope" in attributes for name, attributes in page.tags if name == "th")
    assert all(
        "aria-label" in attributes or "aria-hidden" in attributes for name, attributes in page.tags if name == "svg"
    )
    assert {"header", "main", "footer", "nav"} <= set(names)
    assert names.count("h1") == 1


def test_hostile_text_of_the_tenant_is_neutral() -> None:
    tenant = result().tenants[0]
    first = tenant.findings[0]
    subject = Subject(type=SubjectType.USER, id=HOSTILE, name=HOSTILE)
    evil = replace(
        tenant,
        name=HOSTILE,
        display_name=HOSTILE,
        findings=FindingTable.of(
            (
                replace(
                    first,
                    fingerprint=HOSTILE,
                    subject=subject,
                    detail=HOSTILE,
                    waiver=HOSTILE,
                    status=Status.WAIVED,
                    evidence={HOSTILE: HOSTILE, "userPrincipalName": HOSTILE, "paths": [HOSTILE], "usable": HOSTILE},
                ),
            )
        ),
        actions=(
            replace(
                tenant.actions[0],
                id=HOSTILE,
                title=HOSTILE,
                steps=(HOSTILE,),
                links=(Link(label=HOSTILE, address="javascript:alert(1)"), Link(label="x", address="https://[")),
                requests=({"body": HOSTILE},),
            ),
        ),
        sources=(replace(tenant.sources[0], reason=Message(HOSTILE)),),
        seats=(replace(tenant.seats[0], name=HOSTILE, sku_part_number=HOSTILE),),
        notices=(replace(tenant.notices[0], message=Message(HOSTILE), code=HOSTILE),),
        policies=(replace(tenant.policies[0], reason=Message(HOSTILE), missing=(HOSTILE,)),),
        failure=Message(HOSTILE),
    )
    body = html(of_tenant(evil))
    page = Page(body)
    assert [attributes for name, attributes in page.tags if name == "script"] == [
        {"id": "columns", "type": "application/octet-stream"},
        {"id": "marks", "type": "application/octet-stream"},
        {},
    ]
    assert not any(attribute.startswith("on") for _, attributes in page.tags for attribute in attributes)
    assert "javascript:" not in "".join(str(attributes.get("href")) for _, attributes in page.tags)
    assert "{{ 7*7 }}" in page.text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", body)
    assert "\\u202egnp.exe\\x1b[31m" in page.text


def test_long_names_are_cut_and_rows_above_the_limit_are_counted() -> None:
    tenant = result().tenants[0]
    finding = replace(tenant.findings[0], subject=Subject(type=SubjectType.USER, id="u", name="x" * 5000))
    for count, listed, note in ((200, 200, ""), (250, 80, "170 more in findings.csv")):
        findings = tuple(replace(finding, fingerprint=f"{number:032x}") for number in range(count))
        body = html(of_tenant(replace(tenant, findings=FindingTable.of(findings))))
        assert "x" * 301 not in body
        assert body.count("<tr id=") == listed
        assert note in body
        assert ("more in findings.csv" in body) is bool(note)


@pytest.mark.slow
def test_report_of_a_thousand_findings_is_small() -> None:
    tenant = result().tenants[0]
    many = tuple(
        replace(tenant.findings[20 + number % 40], fingerprint=f"{number:032x}", policy=f"policy-{number % 8}")
        for number in range(1000)
    )
    body = html(of_tenant(replace(tenant, findings=FindingTable.of(many))))
    assert body.count("<tr id=") == 80
    assert len(body.encode()) < 400_000


def test_failed_tenant_is_not_reported_as_compliant() -> None:
    tenant = result().tenants[1]
    text = Page(
        html(
            of_tenant(
                replace(
                    tenant, failure=Message("Graph did not answer"), complete=False, policies=(), seats=(), sources=()
                )
            )
        )
    ).text
    assert "The tenant could not be audited." in text
    assert "Graph did not answer" in text
    assert "Everything is inside" not in text
    assert "nothing open" not in text


def test_clean_run_is_reported_as_compliant_and_complete() -> None:
    text = Page(html(of_tenant(result().tenants[1]))).text
    assert "Everything complies with the policies." in text
    assert "Complete." in text
    assert "Not compared with an earlier run." in text


def test_products_without_prices_have_no_column_of_money() -> None:
    tenant = result().tenants[0]
    assert tenant.usage is not None
    products = tuple(replace(row, cost=None, idle_cost=None) for row in tenant.usage.products)
    assert "Idle per month" in html(of_tenant(replace(tenant, departments=None)))
    unpriced = replace(tenant, usage=replace(tenant.usage, products=products), departments=None)
    assert "Idle per month" not in html(of_tenant(unpriced))


def test_actions_with_the_same_guidance_share_one_step() -> None:
    tenant = result().tenants[0]
    arguments = TitleArguments(count=1, article="Free a licence")
    title = "Take it from one person – Free a licence"
    first = replace(tenant.actions[0], title=title, title_arguments=arguments, irreversible=())
    twin = replace(first, id="a-9", title="Take it from another – Free a licence", requests=({"path": "/users/9"},))
    body = html(of_tenant(replace(tenant, actions=(first, tenant.actions[1], twin))))
    assert body.count("Select the people listed") == 1
    page = Page(body)
    assert {f"a-contoso-{first.id}", "a-contoso-a-9"} <= set(page.ids())
    step = body.partition(f'<details class="step" id="a-contoso-{first.id}"')[2].partition("</details>")[0]
    assert "Free a licence <small>with 1 similar action" in step
    assert step.index("<strong>Take it from one person</strong>") < step.index("<strong>Take it from another</strong>")
    assert step.index("<strong>Take it from another</strong>") < step.index("Select the people listed")
    assert "<pre>/users/9</pre>" in step
    separate = html(of_tenant(replace(tenant, actions=(first, replace(twin, decided_by="Finance")))))
    assert separate.count('<details class="step"') == 2, "another person decides"


def test_repeated_part_of_the_guidance_is_replaced_with_a_link() -> None:
    tenant = result().tenants[0]
    long = tuple(f"{word} warning {'that is long ' * 20}" for word in ("One", "Another", "A third"))
    first = replace(tenant.actions[0], warnings=long[:2], steps=("Do this.",), prerequisites=("Short.",))
    second = replace(first, id="a-9", title="Another action", warnings=long, steps=("Do that.",))
    body = html(of_tenant(replace(tenant, actions=(first, second))))
    assert [body.count(each) for each in (*long, "<li>Short.", "<li>Do this.", "<li>Do that.")] == [1, 1, 1, 2, 1, 1]
    link = f'<li>The same as for: <a href="#a-contoso-{first.id}">'
    assert body.count(link) == 1
    assert body.index("Another action") < body.index(link) < body.index(long[2])
    reordered = replace(second, steps=tuple(reversed(long)), warnings=(), prerequisites=())
    body = html(of_tenant(replace(tenant, actions=(replace(first, steps=long), reordered))))
    assert "The same as for:" not in body, "steps are always listed in full"


def test_guidance_lists_each_document_once_with_a_numbered_id() -> None:
    tenant = result().tenants[0]
    page = Page(html(of_tenant(tenant)))
    documents = {link.label for action in tenant.actions for link in action.links}
    assert documents
    assert all(page.text.count(label) == 1 for label in documents)
    assert {f"d1-{number}" for number in range(1, len(documents) + 1)} <= set(page.ids())


@pytest.mark.slow
def test_irreversible_steps_and_the_decider_are_shown() -> None:
    tenant = result().tenants[0]
    first = tenant.actions[0]
    page = html(
        of_tenant(
            replace(tenant, actions=(replace(first, irreversible=(3,), decided_by="Finance", confidence="review"),))
        )
    )
    assert Page(page).text.count("cannot be undone") == 1
    assert "To be decided by: Finance" in Page(page).text


def test_action_with_costs_is_not_shown_as_a_saving() -> None:
    tenant = result().tenants[0]
    costly = replace(tenant.actions[1], money=Money(currency="EUR", per_month=Decimal("-26.20")))
    text = Page(html(of_tenant(replace(tenant, actions=(costly,))))).text
    assert "cost: €26.20 a month" in text
    assert "saves" not in text


def test_ids_are_unique_if_joined_names_of_tenant_and_policy_are_equal() -> None:
    policies = """policies:
- {id: e3-spare, severity: high, users: {accountEnabled: false}, assignments: {allow: []}}
- {id: spare, severity: high, users: {accountEnabled: false}, assignments: {deny: ['*']}}
"""
    person = user("ann", "SPE_E3", accountEnabled=False)
    sample = audited(policies, *(tenant(person, name=name, tenant_id=name) for name in ("contoso", "contoso-e3")))
    ids = re.findall(r'\bid="([^"]+)"', html(sample))
    assert len(ids) == len(set(ids))
