"""Texts that a tenant may contain and that a reader of some format might execute, follow, hide or fail on."""

from functools import cache

from msgspec.structs import replace

from auditor.domain.actions.action import Action, Link
from auditor.domain.enums import SubjectType
from auditor.domain.message import Message
from auditor.domain.result.finding import Finding, SourceLine, Subject
from auditor.domain.result.model import Result
from auditor.findings.table import FindingTable
from auditor.result.aggregate import summarise
from tests.builders.result.results import result

HOSTILE = {
    "html": "<b>x</b>&amp;\"'",
    "script": "</script><script>alert(1)</script>",
    "comment": "<!-- x --><![CDATA[ ]]>",
    "template": "{{ 7*7 }} {% raw %} ${7*7} #{7*7} <%= 7 %>",
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+1+1",
    "at": "@SUM(A1:A9)",
    "spaced": "\u3000=1+1",
    "wide": "\uff1d1+1",
    "terminal": "\x1b]0;pwned\x07\x1b[31mred\x9b2J",
    "bidi": "\u202egnp.exe\u2066x\u2069\u200f",
    "header": "x\r\nBcc: all@evil.example\r\n\r\nbody",
    "markdown": "[x](https://evil.example) ![y](https://evil.example/p.png) `c` **b** @octocat #1 | a\n# h\n- l\n1. n",
    "address": "www.evil.example https://evil.example mailto:a@b.example",
    "illegal": "a\x00b\x0bc\x1fd\ufffee\uffff",
    "surrogate": "half \ud800 pair \udfff",
    "long": "long " * 1000,
    "separators": "a\u2028b\u2029c\x85d",
    "quotes": '","\',"\r\n"x,=1',
    "escape": "_x0041_ _x000D_",
    "blank": " \t ",
}


@cache
def holding(text: str) -> Result:
    """Return the sample with the text in all fields that can contain it; its second tenant failed."""
    sample = result()
    first, second = sample.tenants
    tenant = replace(
        first,
        display_name=text,
        findings=FindingTable.of(
            tuple(_finding(finding, text, number) for number, finding in enumerate(first.findings))
        ),
        seats=tuple(replace(seats, name=text, sku_part_number=text) for seats in first.seats),
        usage=first.usage
        and replace(
            first.usage, products=tuple(replace(row, name=text, sku_part_number=text) for row in first.usage.products)
        ),
        departments=first.departments
        and replace(
            first.departments,
            departments=tuple(replace(row, name=text) for row in first.departments.departments),
            companies=tuple(replace(row, name=text) for row in first.departments.companies),
        ),
        sources=tuple(replace(source, reason=Message(text)) for source in first.sources),
        policies=tuple(replace(outcome, reason=Message(text)) for outcome in first.policies),
        actions=tuple(_action(action, text) for action in first.actions),
        notices=tuple(replace(notice, message=Message(text), subject=text) for notice in first.notices),
    )
    tenants = (tenant, replace(second, display_name=text, complete=False, failure=Message(text)))
    waiver = {"id": text, "policies": [text], "owner": text, "reason": text, "expires": text}
    policies = tuple(
        replace(
            policy,
            title=text,
            rationale=text,
            owner=text,
            tags=(text, f"{text}2"),
            source=SourceLine(file=text, line=1),
        )
        for policy in sample.run.policies
    )
    run = replace(sample.run, id=text, policies=policies, definitions={**sample.run.definitions, "waivers": [waiver]})
    return replace(sample, run=run, tenants=tenants, summary=summarise(tenants, sample.fleet))


def _finding(finding: Finding, text: str, number: int) -> Finding:
    user_facts = {"userPrincipalName": text} if finding.subject.type is SubjectType.USER else {}
    return replace(
        finding,
        subject=Subject(type=finding.subject.type, id=f"{text}{number}", name=text),
        product=finding.product and replace(finding.product, sku_part_number=text),
        source=SourceLine(file=text, line=1),
        detail=text,
        evidence={**finding.evidence, "department": text, "paths": [{"groupName": text, "state": text}], **user_facts},
        waiver=text if finding.waiver else None,
    )


def _action(action: Action, text: str) -> Action:
    return replace(
        action,
        title=text,
        role=text,
        owner=text,
        prerequisites=(text,),
        steps=(text, text),
        warnings=(text,),
        links=(
            Link(label=text, address="javascript:alert(1)"),
            Link(label=text, address="https://learn.microsoft.com/microsoft-365"),
        ),
    )
