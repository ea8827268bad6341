"""Texts that a tenant may hold and that some reader of some format would run, follow, hide or stumble over."""

from dataclasses import replace

from auditor.domain.result import Finding, Result, Subject
from auditor.domain.words import SubjectType
from auditor.render.totals import summarise
from tests.render.sample import result

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


def holding(text: str) -> Result:
    """The sample with the text wherever a tenant, or a saved result, can put one."""
    whole = result()
    there = whole.tenants[0]
    findings: tuple[Finding, ...] = tuple(
        replace(
            finding,
            subject=Subject(type=finding.subject.type, id=f"{text}{number}", name=text),
            detail=text,
            evidence={**finding.evidence, "department": text, "paths": [{"groupName": text, "state": text}]}
            | ({"userPrincipalName": text} if finding.subject.type is SubjectType.USER else {}),
            waiver=text if finding.waiver else None,
        )
        for number, finding in enumerate(there.findings)
    )
    tenant = replace(
        there,
        display_name=text,
        findings=findings,
        seats=tuple(replace(seats, name=text) for seats in there.seats),
        sources=tuple(replace(source, reason=text) for source in there.sources),
        policies=tuple(replace(outcome, reason=text) for outcome in there.policies),
        actions=tuple(replace(action, title=text, owner=text) for action in there.actions),
        notices=tuple(replace(notice, message=text, subject=text) for notice in there.notices),
    )
    kept = {"id": text, "policies": [text], "owner": text, "reason": text, "expires": text}
    run = replace(whole.run, definitions={**whole.run.definitions, "waivers": [kept]})
    return replace(whole, run=run, tenants=(tenant, *whole.tenants[1:]), summary=summarise((tenant,), whole.fleet))
