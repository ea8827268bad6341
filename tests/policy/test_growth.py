"""Loading and evaluating policies takes time proportional to their text, also if names refer to each other."""

from collections.abc import Callable
from cProfile import Profile
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.checks.data_needs import needs
from auditor.domain.enums import Outcome
from auditor.domain.errors import Diagnostic, InputError
from auditor.engine.outcome import FindingColumns, without_repeats
from auditor.policy.lint import lint_warnings
from auditor.policy.loader import Loaded, load
from auditor.policy.reference_depth import MAX_LEVELS
from auditor.remedy.actions.context import context_of
from tests.builders.tenant.tenants import tenant, user

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def read(text: str) -> Loaded:
    return load([("p.yaml", f"version: 1\n{text}".encode())])


def mistakes(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(InputError) as caught:
        read(text)
    return tuple(caught.value.diagnostics)


def calls(job: Callable[[], object]) -> int:
    profile = Profile()
    profile.runcall(job)
    return sum(int(entry.callcount) for entry in profile.getstats())


def judged(loaded: Loaded) -> Outcome:
    """Run everything that processes policies (needs, lint, audit, remediation), and return the outcome of the first."""
    needs(loaded.policies)
    list(lint_warnings(loaded))
    people = [user("ann", department="Store"), user("bob", department="Board")]
    result = audit([tenant(*people)], loaded.policies, builtin(), NOW)
    context_of(result.tenants[0], loaded.policies, result.run.as_of.date())
    return result.tenants[0].policies[0].status


def chained(count: int, definition: str, last: str, *, section: str, backwards: bool = False) -> str:
    lines = [f"  p{number}: {definition.format(next=f'p{number + 1}')}" for number in range(count - 1)]
    lines.append(f"  p{count - 1}: {last}")
    return "\n".join([f"{section}:", *(reversed(lines) if backwards else lines), ""])


POLICY = "policies: [{{id: a, severity: low, users: {users}, assignments: {block}}}]"


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    "definition",
    [
        "{{any: [{next}, {next}]}}",
        "{{all: [{next}, {next}]}}",
        "{{not: {{any: [{next}, {{population: {next}}}]}}}}",
        "{{any: [{{all: [{next}, {{accountEnabled: true}}]}}, {{all: [{next}, {{userType: Guest}}]}}]}}",
        "{{population: {next}, not: {{population: {next}}}}}",
    ],
)
def test_chain_of_populations_that_use_the_next_twice_is_not_exponential(definition: str, backwards: bool) -> None:  # noqa: FBT001
    text = chained(60, definition, "{department: Store}", section="populations", backwards=backwards)
    loaded = read(text + POLICY.format(users="p0", block="{require: [SPE_E3]}"))
    assert judged(loaded) in {Outcome.FAIL, Outcome.PASS}


@pytest.mark.parametrize("backwards", [False, True])
def test_chain_of_product_sets_that_use_the_next_twice_is_not_exponential(backwards: bool) -> None:  # noqa: FBT001
    text = chained(60, "[{next}, {next}]", "[SPE_E3, trial]", section="products", backwards=backwards)
    block = "{of: p0, allow: p0, deny: p1, require: [p0, p2], exclusive: [[p0, p3]]}"
    loaded = read(text + POLICY.format(users="{holds: p0}", block=block))
    assert judged(loaded) is Outcome.PASS
    free = read(text + "  free: [p0, p0]\n" + POLICY.format(users="{holds: p0}", block="{of: paid, deny: p0}"))
    assert judged(free) is Outcome.PASS


@pytest.mark.slow
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    ("section", "definition", "last", "users"),
    [
        ("populations", "{next}", "{department: Store}", "p0"),
        ("populations", "{{any: [{next}]}}", "{department: Store}", "p0"),
        ("populations", "{{all: [{{any: [{{not: {next}}}]}}]}}", "{department: Store}", "p0"),
        ("products", "{next}", "[SPE_E3]", "{holds: p0}"),
        ("products", "[{next}]", "[SPE_E3]", "{holds: p0}"),
    ],
)
def test_depth_of_references_is_limited(
    section: str, definition: str, last: str, users: str, *, backwards: bool
) -> None:
    def text(count: int) -> str:
        chain = chained(count, definition, last, section=section, backwards=backwards)
        return chain + POLICY.format(users=users, block="{require: [SPE_E3]}")

    counts = (MAX_LEVELS // step - offset for step in (4, 3, 2, 1) for offset in (2, 1, 0))
    deepest = max(count for count in counts if not _fails(text(count)))
    assert judged(read(text(deepest))) in {Outcome.FAIL, Outcome.PASS}
    errors = mistakes(text(deepest + 1))
    assert {item.slug for item in errors} == {"policy-too-deep"}
    assert str(MAX_LEVELS) in errors[0].message
    assert all(item.span is not None and item.span.line > 1 for item in errors)
    assert {item.slug for item in mistakes(text(5000))} == {"policy-too-deep"}


def _fails(text: str) -> bool:
    try:
        read(text)
    except InputError:
        return True
    return False


def _texts_by_shape(count: int) -> dict[str, str]:
    """Return policy texts by shape, with `count` parts each; every shape once took more than linear time."""
    names = [f"n{number}" for number in range(count)]
    listed = ", ".join(names)

    def policies(block: str) -> str:
        template = "{{id: {name}, severity: low, users: {{userType: Guest}}, assignments: " + block + "}}"
        return f"policies: [{', '.join(template.format(name=name) for name in names)}]"

    def waivers(policy_ids: str, most: int = count) -> str:
        template = "{{id: w-{name}, policies: [" + policy_ids + "], reason: r, owner: o, expires: 2027-01-01}}"
        return f"waivers: [{', '.join(template.format(name=name, listed=listed) for name in names[:most])}]"

    def parts(condition: str) -> str:
        return ", ".join(condition.format(name=name) for name in names)

    single = POLICY.format(users="{userType: Guest}", block="{deny: paid}")
    return {
        "conditions": POLICY.format(users=f"{{all: [{parts('{{city: {{not: {name}}}}}')}]}}", block="{deny: paid}"),
        "groups": POLICY.format(users=f"{{any: [{parts('{{memberOf: {name}}}')}]}}", block="{deny: paid}"),
        "contradictions": policies("{{require: [x-{name}], deny: [d-{name}]}}"),
        "sets": f"products: {{all: [{listed}]}}\n{policies('{{deny: all}}')}",
        "waivers": f"{policies('{{deny: [d-{name}]}}')}\n{waivers('{name}')}",
        "long waivers": f"{policies('{{deny: [d-{name}]}}')}\n{waivers('{listed}', 20)}",
        "prices": f"{single}\nprices: {{currency: EUR, perSeatPerMonth: {{{parts('{name}: 1')}}}}}",
    }


def _calls_to_load_and_judge(text: str) -> int:
    def load_and_judge() -> None:
        loaded = read(text)
        for _, node in loaded.mentions:
            node.span(key=True)
        judged(loaded)

    load_and_judge()
    return calls(load_and_judge)


@pytest.mark.slow
@pytest.mark.parametrize("shape", sorted(_texts_by_shape(1)))
def test_number_of_calls_is_linear_in_the_text(shape: str) -> None:
    once, twice = (_calls_to_load_and_judge(_texts_by_shape(count)[shape]) for count in (60, 120))
    assert twice < 2.2 * once


@pytest.mark.slow
def test_hints_for_misspelt_names_are_bounded() -> None:
    def misspelt(count: int) -> Any:
        populations = "".join(f"  alpha-{number}: {{userType: Guest}}\n" for number in range(count))
        users = ", ".join(f"alpah-{number}" for number in range(count))
        return mistakes(
            f"populations:\n{populations}" + POLICY.format(users=f"{{any: [{users}]}}", block="{deny: paid}")
        )

    errors = misspelt(200)
    assert len(errors) == 200
    assert sum("did you mean" in (item.hint or "") for item in errors) == 50
    assert max(len(item.hint or "") for item in errors) < 1000
    assert not any("did you mean" in (item.hint or "") for item in misspelt(1001))


def test_product_sets_of_waivers_are_resolved_once_not_for_each_required_element() -> None:
    def audit_calls(count: int) -> int:
        waivers = ", ".join(
            f"{{id: w{number}, policies: [a], products: [X{number}], reason: r, owner: o, expires: 2027-01-01}}"
            for number in range(count)
        )
        required = ", ".join(f"R{number}" for number in range(count))
        text = POLICY.format(users="{}", block=f"{{require: [{required}]}}")
        policies = read(f"{text}\nwaivers: [{waivers}]").policies
        return calls(lambda: audit([tenant(user("ann"))], policies, builtin(), NOW))

    audit_calls(1)  # fills the caches of the process
    assert audit_calls(10) < 3 * audit_calls(1)


def test_repeated_findings_are_compared_once_for_each_list() -> None:
    def compare(lists: int) -> None:
        rows, codes, details = np.arange(10), np.zeros(10, dtype=np.int64), ("SPE_E3+SPE_E5",)
        chunk = FindingColumns(policy=0, check="assignment.overlap", rows=rows, detail_codes=codes, details=details)
        (unique,) = without_repeats([chunk] * lists)
        assert unique.rows.tolist() == rows.tolist()

    assert calls(lambda: compare(40)) < 5 * calls(lambda: compare(10))
