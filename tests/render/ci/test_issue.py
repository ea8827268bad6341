"""The text of issues: Markdown with balanced elements, however long the guidance is."""

from datetime import date
from typing import Any

import pytest
from markdown_it import MarkdownIt

from auditor.domain.actions.action import Action
from auditor.domain.enums import Severity
from auditor.render.ci.issue import issue_body
from auditor.render.text.labels import Labels
from auditor.result.work_items import WorkItem


def body(step: str, **facts: Any) -> str:
    """Return the text of an issue about an action with one step."""
    action = Action(id="a", guidance="a", findings=("f",), title="Act", steps=(step,), **facts)
    return issue_body(WorkItem(tenant="t", title="T", action=action, severity=Severity.LOW), "t/a", Labels("en"))


def rendered_step(step: str) -> str:
    """Return the HTML of the step."""
    html: str = MarkdownIt().render(body(step))
    return html[html.index("<ol>") : html.index("</ol>")].removeprefix("<ol>\n<li>").removesuffix("</li>\n")


@pytest.mark.parametrize(("markup", "tag"), [("**", "b"), ("`", "code")])
def test_truncated_bold_and_code_are_closed(markup: str, tag: str) -> None:
    step = f"Select {markup}{'x' * 2_000}{markup}."
    assert rendered_step(step) == f"Select <{tag}>{'x' * 992}</{tag}>…"


def test_policies_are_named_without_their_markup() -> None:
    titles = ("Nobody has **two** suites", "A <b>", "C", "D")
    item = WorkItem(
        tenant="t",
        title="T",
        action=Action(id="a", guidance="a", findings=("f",), title="Act"),
        severity=Severity.LOW,
        policies=titles,
    )
    text = MarkdownIt().render(issue_body(item, "t/a", Labels("en")))
    assert "<p>Policies: Nobody has **two** suites; A &lt;b&gt;; C; and 1 more</p>" in text
    assert "Polic" not in body("x")


@pytest.mark.parametrize("length", [994, 995, 996, 997, 998, 999])
def test_truncation_never_leaves_markers_in_the_text(length: int) -> None:
    assert "*" not in rendered_step(f"{'x' * length} **Save changes** and close")
    assert "<b></b>" not in body(f"{'x' * length} **Save changes** and close")


@pytest.mark.parametrize(("included", "word"), [(True, "by"), (False, "before")])
def test_issue_begins_with_the_severity_the_last_day_and_the_owner(word: str, *, included: bool) -> None:
    facts = body("Act", due=date(2026, 12, 4), due_included=included, owner="Stores").splitlines()[1]
    assert facts == f"low · 1 finding · Decide {word} 4 Dec 2026. · Stores"


def test_markup_does_not_count_towards_the_length() -> None:
    step = "**a**" * 1_000
    assert rendered_step(step) == "<b>a</b>" * 1_000


def test_only_white_space_of_the_text_surrounds_elements() -> None:
    assert rendered_step("Select **Users**, then **Active users**.") == (
        "Select <b>Users</b>, then <b>Active users</b>."
    )


def test_conditions_and_steps_have_headings_and_the_report_is_named() -> None:
    text = MarkdownIt().render(body("Act", prerequisites=("The person has left.",)))
    conditions = "<p><b>Before you begin</b></p>\n<ul>\n<li>The person has left.</li>\n</ul>"
    assert f"{conditions}\n<p><b>Steps</b></p>\n<ol>\n<li>Act</li>\n</ol>" in text
    assert "<p>The report of the audit lists the findings: who and what they are about.</p>" in text
    assert "Before you begin" not in body("Act")
