"""Runs policy tests: compares expected with actual findings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from auditor.app.audit.pipeline import audit
from auditor.app.policy_files import (
    DEFAULT,
    SUFFIXES,
    TEST_SUFFIX,
    exists,
    is_test_file,
    list_folder,
    load_policies,
    read_yaml,
)
from auditor.app.policy_tests.expectations import compare, expectation_mistakes, report_unknown_policy
from auditor.app.policy_tests.fixtures import fixture_dates, fixture_snapshot
from auditor.app.policy_tests.references import reference_mistakes
from auditor.app.saved_results import findings_with_tenants
from auditor.catalogue import Catalogue
from auditor.domain.enums import Outcome
from auditor.domain.errors import Diagnostic, InputError, Level, Span, UsageError
from auditor.domain.message import Message
from auditor.domain.policy.model import Policy, PolicySet
from auditor.domain.result.model import FleetResult, TenantResult
from auditor.files import input as files
from auditor.policy.loader import Loaded
from auditor.policy.nodes import Diagnostics, Node, instant
from auditor.policy.schema.check import check
from auditor.policy.yaml.reader import parse

_TENANT = "tenant"
"""The default name of the only tenant of a test."""


class PolicyTestOutcome(Struct, frozen=True, kw_only=True):
    """The outcome of one test."""

    name: str
    span: Span
    missing: tuple[tuple[Message, Span], ...]
    """Expected findings that were not found, as text, each with the location of its expectation."""
    unexpected: tuple[Message, ...]
    """Findings that were not expected, as text."""
    matched: frozenset[str] = frozenset()
    """The policies that evaluated some user or object."""
    unmatched: tuple[tuple[Policy, Message], ...] = ()
    """The policies that evaluated nothing, each with its notice."""
    not_evaluated: tuple[Diagnostic, ...] = ()
    """A warning for each policy that was not evaluated, although `outcomes` of the test does not say so."""

    @property
    def passed(self) -> bool:
        """Whether findings and expectations match."""
        return not self.missing and not self.unexpected


def run_tests(locations: Sequence[Path], catalogue: Catalogue, *, as_of: datetime) -> Iterator[PolicyTestOutcome]:
    """Run the tests in files and folders, sorted by path; `as_of` is the default instant of a test.

    Raises InputError for errors in tests or policies, and UsageError if there is no test.
    """
    loaded: dict[Path, Loaded] = {}
    for root, path, is_explicit in _test_files(locations):
        document = parse(read_yaml(path, None if is_explicit else root), file=path.as_posix())
        if isinstance(document.value, Mapping) and "policies" in document.value and "tests" not in document.value:
            raise _no_test((path,))
        errors = check(document, "policy-test")
        if errors:
            raise InputError(errors)
        if root not in loaded:
            loaded[root] = load_policies([root])
        for test in Node(document, (), document.value).each_of("tests"):
            yield _run_test(test, path, loaded[root], catalogue, as_of)


def _test_files(locations: Sequence[Path]) -> list[tuple[Path, Path, bool]]:
    """Return (folder, path, explicit) for each test file.

    The folder contains the policies that the test may refer to; explicit means that the user specified the file itself.
    """
    by_path: dict[Path, tuple[Path, bool]] = {}
    for location in locations or (DEFAULT,):
        if not exists(location):
            raise UsageError(
                "tests-missing",
                Message("{location} does not exist", location=location),
                hint=Message("specify a *_test.yaml file, or a folder of them"),
            )
        if files.is_folder(location):
            by_path.update(
                {path: (location, False) for path in list_folder(location, is_test_file) if path not in by_path}
            )
        else:
            by_path.setdefault(location, (location.parent, True))
    if not by_path:
        raise _no_test(locations or (DEFAULT,))
    return [(by_path[path][0], path, by_path[path][1]) for path in sorted(by_path)]


def _no_test(locations: Sequence[Path]) -> UsageError:
    names = ", ".join(map(str, locations))
    return UsageError(
        "tests-none", Message("{names} has no test", names=names), hint=Message("a test file is called *_test.yaml")
    )


def _run_test(node: Node, path: Path, loaded: Loaded, catalogue: Catalogue, as_of: datetime) -> PolicyTestOutcome:
    test: Mapping[str, Any] = node.value
    as_of = (instant(str(test["asOf"])) if "asOf" in test else None) or as_of.astimezone(UTC)
    policies = _selected_policies(node, path, loaded)
    descriptions = (*node.each_of("tenants"), *((node["given"],) if node.has("given") else ()))
    tenants = test.get("tenants") or [{"name": _TENANT, **test.get("given", {})}]
    mistakes = [
        *reference_mistakes(descriptions, catalogue),
        *expectation_mistakes(node, loaded.policies, tenants, catalogue),
    ]
    if mistakes:
        raise InputError(mistakes)
    states = [fixture_snapshot(str(tenant["name"]), tenant, catalogue, as_of) for tenant in tenants]
    earlier = {str(tenant["name"]): fixture_dates(tenant, catalogue) for tenant in tenants}
    result = audit(states, policies, catalogue, as_of, earlier=earlier)
    missing, unexpected = compare(node, result)
    parts: list[TenantResult | FleetResult] = [*result.tenants, result.fleet]
    message_by_policy = {
        notice.subject: notice.message for part in parts for notice in part.notices if notice.code == "policy.no-match"
    }
    return PolicyTestOutcome(
        name=str(test["name"]),
        span=node["name"].span(),
        missing=missing,
        unexpected=unexpected,
        matched=frozenset(
            (
                *(outcome.id for part in parts for outcome in part.policies if outcome.judged),
                # A policy that was not fully evaluated may have findings that are certain.
                *(finding.policy for _, finding in findings_with_tenants(result)),
            )
        ),
        unmatched=tuple(
            (policy, message_by_policy[policy.id]) for policy in policies.policies if policy.id in message_by_policy
        ),
        not_evaluated=tuple(_not_evaluated(test, parts, node["name"].span())),
    )


def _not_evaluated(
    test: Mapping[str, Any], parts: Iterable[TenantResult | FleetResult], span: Span
) -> Iterator[Diagnostic]:
    """Yield a warning for each policy that was not evaluated: without findings, such a test passes for any policy."""
    reasons = {
        outcome.id: outcome.reason
        for part in parts
        for outcome in part.policies
        if outcome.status is Outcome.NOT_EVALUATED and outcome.id not in test.get("outcomes", {})
    }
    for policy, reason in sorted(reasons.items()):
        yield Diagnostic(
            slug="test-not-evaluated",
            message=Message("the policy '{policy}' was not evaluated: {reason}", policy=policy, reason=reason or ""),
            span=span,
            hint=Message(
                "add the missing data to the test, or expect this with `outcomes: {{policy}: not-evaluated}`",
                policy=policy,
            ),
            level=Level.WARNING,
        )


def never_matched(verdicts: Iterable[PolicyTestOutcome]) -> list[Diagnostic]:
    """Return a warning for every policy that matched nothing in all of the tests that use it."""
    matched: set[str] = set()
    unmatched: dict[str, tuple[Policy, Message]] = {}
    for verdict in verdicts:
        matched |= verdict.matched
        unmatched |= {policy.id: (policy, message) for policy, message in verdict.unmatched}
    return [
        Diagnostic(
            slug="policy-no-match",
            message=message,
            span=policy.span,
            hint=Message("add a user that the policy matches to a test, or correct the value"),
            level=Level.WARNING,
        )
        for name, (policy, message) in sorted(unmatched.items())
        if name not in matched
    ]


def _selected_policies(test: Node, path: Path, loaded: Loaded) -> PolicySet:
    """Return the policies that the test specifies, or else those of the policy file next to it.

    These include policies that the file changes under `extends`. If the test has no `tenants`, restrictions of policies
    and waivers to tenants are removed.
    """
    policies = loaded.policies
    names: Sequence[str]
    if test.has("policies"):
        names = test.texts("policies")
        unknown = Diagnostics()
        for node in test.each_of("policies"):
            report_unknown_policy(node, str(node.value), frozenset(p.id for p in policies.policies), unknown)
        if unknown.items:
            raise InputError(unknown.items)
    else:
        stem = path.stem.removesuffix(TEST_SUFFIX)
        policy_path = path.with_name(stem).as_posix()
        files = {policy.id: policy.span.file for policy in policies.policies} | dict(loaded.changed)
        names = [policy for policy, file in files.items() if _without_suffix(file) == policy_path]
        if not names:
            raise InputError([_no_policies(f"{stem}.yaml", test["name"].span())])
    unnamed_tenant = not test.has("tenants")
    selected = [policy for policy in policies.policies if policy.id in names]
    return replace(
        policies,
        policies=tuple(replace(policy, tenants=None) if unnamed_tenant else policy for policy in selected),
        waivers=tuple(replace(waiver, tenants=None) if unnamed_tenant else waiver for waiver in policies.waivers),
    )


def _without_suffix(file: str) -> str:
    """Return the path of a policy file without `.yaml` or `.yml`, regardless of case."""
    return next((file[: -len(suffix)] for suffix in SUFFIXES if file.lower().endswith(suffix)), file)


def _no_policies(sibling: str, span: Span) -> Diagnostic:
    """Return the error for a test without policies, which could never fail."""
    return Diagnostic(
        slug="test-no-policy",
        message=Message("the test has no policies: there are none in a '{sibling}' next to it", sibling=sibling),
        span=span,
        hint=Message("specify them with `policies:`, or name the test file after the file that contains them"),
    )
