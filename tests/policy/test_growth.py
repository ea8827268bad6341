"""Policies whose names, lists and globs multiply: loading and judging them takes time in proportion to their text."""

from collections.abc import Callable
from cProfile import Profile
from datetime import UTC, datetime
from typing import Any

import pytest

from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.checks.data_needs import needs
from auditor.domain.enums import Outcome
from auditor.domain.errors import Diagnostic, InputError
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
    """Everything that is done with policies: what they need, what is doubtful, what they find, how it is mended."""
    needs(loaded.policies)
    list(lint_warnings(loaded))
    people = [user("ann", department="Store"), user("bob", department="Board")]
    result = audit([tenant(*people)], loaded.policies, builtin(), NOW)
    context_of(result.tenants[0], loaded.policies, result.run.as_of.date())
    return result.tenants[0].policies[0].status


def chained(count: int, each: str, last: str, *, section: str, backwards: bool = False) -> str:
    lines = [f"  p{number}: {each.format(next=f'p{number + 1}')}" for number in range(count - 1)]
    lines.append(f"  p{count - 1}: {last}")
    return "\n".join([f"{section}:", *(reversed(lines) if backwards else lines), ""])


POLICY = "policies: [{{id: a, severity: low, users: {users}, assignments: {block}}}]"


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    "each",
    [
        "{{any: [{next}, {next}]}}",
        "{{all: [{next}, {next}]}}",
        "{{not: {{any: [{next}, {{population: {next}}}]}}}}",
        "{{any: [{{all: [{next}, {{accountEnabled: true}}]}}, {{all: [{next}, {{userType: Guest}}]}}]}}",
        "{{population: {next}, not: {{population: {next}}}}}",
    ],
)
def test_populations_that_each_name_the_next_one_twice_are_read_once(each: str, backwards: bool) -> None:  # noqa: FBT001
    text = chained(60, each, "{department: Store}", section="populations", backwards=backwards)
    loaded = read(text + POLICY.format(users="p0", block="{require: [SPE_E3]}"))
    assert judged(loaded) in {Outcome.FAIL, Outcome.PASS}


@pytest.mark.parametrize("backwards", [False, True])
def test_product_sets_that_each_name_the_next_one_twice_are_read_once(backwards: bool) -> None:  # noqa: FBT001
    text = chained(60, "[{next}, {next}]", "[SPE_E3, trial]", section="products", backwards=backwards)
    block = "{of: p0, allow: p0, deny: p1, require: [p0, p2], exclusive: [[p0, p3]]}"
    loaded = read(text + POLICY.format(users="{holds: p0}", block=block))
    assert judged(loaded) is Outcome.PASS
    free = read(text + "  free: [p0, p0]\n" + POLICY.format(users="{holds: p0}", block="{of: paid, deny: p0}"))
    assert judged(free) is Outcome.PASS


@pytest.mark.slow
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    ("section", "each", "last", "users"),
    [
        ("populations", "{next}", "{department: Store}", "p0"),
        ("populations", "{{any: [{next}]}}", "{department: Store}", "p0"),
        ("populations", "{{all: [{{any: [{{not: {next}}}]}}]}}", "{department: Store}", "p0"),
        ("products", "{next}", "[SPE_E3]", "{holds: p0}"),
        ("products", "[{next}]", "[SPE_E3]", "{holds: p0}"),
    ],
)
def test_names_may_refer_to_each_other_down_to_a_depth_and_no_further(
    section: str, each: str, last: str, users: str, *, backwards: bool
) -> None:
    def text(count: int) -> str:
        chain = chained(count, each, last, section=section, backwards=backwards)
        return chain + POLICY.format(users=users, block="{require: [SPE_E3]}")

    counts = (MAX_LEVELS // step - offset for step in (4, 3, 2, 1) for offset in (2, 1, 0))
    deepest = max(count for count in counts if not _fails(text(count)))
    assert judged(read(text(deepest))) in {Outcome.FAIL, Outcome.PASS}
    found = mistakes(text(deepest + 1))
    assert {item.slug for item in found} == {"policy-too-deep"}
    assert str(MAX_LEVELS) in found[0].message
    assert all(item.span is not None and item.span.line > 1 for item in found)
    assert {item.slug for item in mistakes(text(5000))} == {"policy-too-deep"}


def _fails(text: str) -> bool:
    try:
        read(text)
    except InputError:
        return True
    return False


def _wide(count: int) -> dict[str, str]:
    """Return texts of a size, each of a shape that took more than its size."""
    names = [f"n{number}" for number in range(count)]
    listed = ", ".join(names)

    def policies(block: str) -> str:
        each = "{{id: {name}, severity: low, users: {{userType: Guest}}, assignments: " + block + "}}"
        return f"policies: [{', '.join(each.format(name=name) for name in names)}]"

    def waivers(of: str, most: int = count) -> str:
        each = "{{id: w-{name}, policies: [" + of + "], reason: r, owner: o, expires: 2027-01-01}}"
        return f"waivers: [{', '.join(each.format(name=name, listed=listed) for name in names[:most])}]"

    def parts(condition: str) -> str:
        return ", ".join(condition.format(name=name) for name in names)

    one = POLICY.format(users="{userType: Guest}", block="{deny: paid}")
    return {
        "conditions": POLICY.format(users=f"{{all: [{parts('{{city: {{not: {name}}}}}')}]}}", block="{deny: paid}"),
        "groups": POLICY.format(users=f"{{any: [{parts('{{memberOf: {name}}}')}]}}", block="{deny: paid}"),
        "contradictions": policies("{{require: [x-{name}], deny: [d-{name}]}}"),
        "sets": f"products: {{all: [{listed}]}}\n{policies('{{deny: all}}')}",
        "waivers": f"{policies('{{deny: [d-{name}]}}')}\n{waivers('{name}')}",
        "long waivers": f"{policies('{{deny: [d-{name}]}}')}\n{waivers('{listed}', 20)}",
        "prices": f"{one}\nprices: {{currency: EUR, perSeatPerMonth: {{{parts('{name}: 1')}}}}}",
    }


def _loaded_and_judged(text: str) -> int:
    def whole() -> None:
        loaded = read(text)
        for _, node in loaded.mentions:
            node.span(key=True)
        judged(loaded)

    whole()
    return calls(whole)


@pytest.mark.slow
@pytest.mark.parametrize("shape", sorted(_wide(1)))
def test_twice_the_text_takes_twice_the_calls(shape: str) -> None:
    once, twice = (_loaded_and_judged(_wide(count)[shape]) for count in (60, 120))
    assert twice < 2.2 * once


@pytest.mark.slow
def test_hints_for_misspelt_names_are_bounded() -> None:
    def misspelt(count: int) -> Any:
        populations = "".join(f"  alpha-{number}: {{userType: Guest}}\n" for number in range(count))
        users = ", ".join(f"alpah-{number}" for number in range(count))
        return mistakes(
            f"populations:\n{populations}" + POLICY.format(users=f"{{any: [{users}]}}", block="{deny: paid}")
        )

    found = misspelt(200)
    assert len(found) == 200
    assert sum("did you mean" in (item.hint or "") for item in found) == 50
    assert max(len(item.hint or "") for item in found) < 1000
    assert not any("did you mean" in (item.hint or "") for item in misspelt(1001))
