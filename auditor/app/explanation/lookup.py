"""Describes checks, articles, keys, policies, definitions, products and findings of a saved result by their names."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from auditor import __home__
from auditor.app.audit.remediation import packaged_library
from auditor.app.catalogue import active
from auditor.app.explanation.key_markdown import defined_markdown, keys_markdown, yaml_block
from auditor.app.policy_files import load_policies
from auditor.app.report.localization import localized_result
from auditor.app.saved_results import findings_with_tenants, of_fingerprint, saved_result
from auditor.catalogue import Catalogue, Product, products_named, suggest
from auditor.checks.registry import all_checks, check_of, known_check
from auditor.domain.enums import Agreement, Cloud
from auditor.domain.errors import SnapshotError, UsageError
from auditor.domain.message import Message, alternatives, joined
from auditor.domain.policy.model import Policy
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Result, TenantResult
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.findings.display_names import detail_label, named_product
from auditor.guidance import ERRORS, Library, Variant, compose, error_article
from auditor.localization import Localization
from auditor.policy.schema.keys import keys_named, written_keys
from auditor.remedy.actions.guidance.article_markdown import article_markdown, check_markdown
from auditor.render.plan.markdown import escaped
from auditor.render.text.evidence.evidence import evidence_text
from auditor.render.text.evidence.facts import product_and_set_names
from auditor.render.text.labels import SEVERITIES, Labels

_DESCRIPTIVE = frozenset({"id", "title", "rationale", "owner", "tags", "references", "frameworks", "status"})
"""Keys of a policy that are shown above its rule."""
_FINGERPRINT = re.compile(r"[0-9a-f]{6,}")
"""A fingerprint, or its beginning."""
_MESSAGE_CODE = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)+")
"""The code of an error or a warning, or with a dot that of a notice in a result or plan."""
_TYPO = 0.9
"""Similarity of two names from which one is taken for a typing error in the other."""
_MESSAGES = f"https://github.com/{__home__}/blob/main/docs/messages.md"
"""The page about the codes of all messages, each with a section, and of notices; it is not part of the package."""


def explain(
    name: str,
    *,
    l10n: Localization,
    policies: Sequence[Path] = (),
    result: Path | None = None,
    latest: Path | None = None,
    variant: Variant,
) -> str:
    """Return a Markdown description of the check, article, finding, policy, definition, key or product with a name.

    If no file defines a policy, that of the saved `result` is described, or of the `latest` one.
    `variant` is that of an article. Raises UsageError with similar names if the name is unknown, and other
    AuditorErrors for invalid files.
    """
    library = packaged_library()
    titles = library.titles
    check = known_check(name)
    if check is not None:
        return check_markdown(check, l10n, lambda name: f"{l10n.gettext(titles[name])} ({_command(name)})")
    article = error_article(name) or name
    if article in library.articles:
        return article_markdown(compose(library, article, variant), l10n, _command)
    saved = None
    if result is not None:
        saved = _read_result(result, l10n)
        match = of_fingerprint(findings_with_tenants(saved), name) if is_fingerprint(name) else None
        if match is not None:
            tenant = next((tenant for tenant in saved.tenants if tenant.name == match[0]), None)
            return _finding_text(saved, tenant, match[1], library=library, l10n=l10n)
    policy_set = load_policies(policies).policies
    by_id = {policy.id: policy for policy in policy_set.policies}
    if name in by_id:
        return _policy_text(by_id[name], l10n, saved)
    definition = defined_markdown(name, policy_set.definitions, l10n)
    if definition is not None:
        return definition
    keys = keys_named(name)
    if keys:
        return keys_markdown(keys, l10n)
    catalogue = active()
    text = _products_text(name, catalogue, l10n) or _saved_policy_text(name, saved, latest, l10n)
    if text:
        return text
    names = [
        *(check.id for check in all_checks()),
        *library.articles,
        *ERRORS,
        *by_id,
        *_definition_names(policy_set.definitions),
    ]
    names += [part for key in written_keys() for part in (key.path[-1], key.dotted)]
    raise _unknown_name(name, names, catalogue, result)


def _read_result(path: Path, l10n: Localization) -> Result:
    return localized_result(saved_result(path, hint=Message("specify the result.json of an audit")), l10n.locale)


def _saved_policy_text(name: str, saved: Result | None, latest: Path | None, l10n: Localization) -> str:
    """Describe a policy that a saved result was evaluated with; empty if the result has no such policy."""
    if saved is None and latest is not None:
        with suppress(SnapshotError):  # the name may be wrong, whatever is in the output folder
            saved = _read_result(latest, l10n)
    if saved is None or all(header.id != name for header in saved.run.policies):
        return ""
    from auditor.app.audit.merge import policies_of  # noqa: PLC0415  only policies without a file need it

    policy = next(policy for policy in policies_of(saved).policies if policy.id == name)
    return _policy_text(policy, l10n, saved)


def is_fingerprint(name: str) -> bool:
    """Return whether a name may be the fingerprint of a finding, or its beginning."""
    return _FINGERPRINT.fullmatch(name) is not None


def _definition_names(definitions: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of populations, product sets, waivers and contracts."""
    yield from (*definitions["populations"], *definitions["products"])
    yield from (item["id"] for item in (*definitions["waivers"], *definitions.get("contracts", ())))


def _unknown_name(name: str, names: Sequence[str], catalogue: Catalogue, result: Path | None) -> UsageError:
    names_by_key = {key.casefold(): key for key in names}
    close = [names_by_key[key] for key in get_close_matches(name.casefold(), names_by_key, n=3)]
    similar = suggest(catalogue, name)
    if not close and similar.products:
        close = [product.part_number for product in similar.products[: 1 if similar.certain else 3]]
    hints = [Message("did you mean {close}?", close=alternatives(close))] if close else []
    if result is None and is_fingerprint(name):
        hints.append(Message("to explain a finding, its result is needed: add --result FILE"))
    typos = get_close_matches(name.casefold(), names_by_key, cutoff=_TYPO)
    # The code `extends-digest` is no typing error in the key `extends.digest`.
    if _MESSAGE_CODE.fullmatch(name) and not any(("." in key) == ("." in name) for key in typos):
        address = f"{_MESSAGES}#{'notices' if '.' in name else name}"
        hints.append(Message("if this is the code of an error, a warning or a notice, see {address}", address=address))
    return UsageError(
        "usage",
        Message("no check, article, key, policy, contract or product is called '{name}'", name=name),
        hint=joined(" ", hints) or Message("`auditor products TEXT` looks for products"),
    )


def _finding_text(
    saved: Result, tenant: TenantResult | None, finding: Finding, *, library: Library, l10n: Localization
) -> str:
    check, names = check_of(finding.check), {} if tenant is None else product_and_set_names(tenant, l10n)
    detail = finding.detail and detail_label(finding.check, finding.detail, names, Labels(l10n.locale))
    rows = [
        (l10n.gettext("Tenant"), None if tenant is None else tenant_titles(saved.tenants)[tenant.name]),
        (l10n.gettext("Policy"), f"{finding.policy} ({finding.source.file}:{finding.source.line})"),
        (l10n.gettext("Severity"), l10n.gettext(SEVERITIES[finding.severity])),
        (l10n.gettext("Product"), named_product(finding, names)),
        (l10n.gettext("Detail"), detail),
        (l10n.gettext("Waived by"), finding.waiver),
        (l10n.gettext("Fingerprint"), finding.fingerprint),
    ]
    lines = [f"# {escaped(finding.subject.name)}: {l10n.gettext(check.name)}", "", l10n.gettext(check.explanation), ""]
    lines += [f"- {label}: {escaped(value)}" for label, value in rows if value]
    lines += ["", f"## {l10n.gettext('Evidence')}", ""]
    facts = (f"- {key}: {escaped(_value_text(value))}" for key, value in sorted(finding.evidence.items()))
    evidence = escaped(evidence_text(finding, Labels(l10n.locale)))
    lines += [*((evidence, "") if evidence else ()), *facts, ""]
    actions = [a for a in (saved.fleet if tenant is None else tenant).actions if finding.fingerprint in a.findings]
    for action in actions:
        lines += [f"## {escaped(action.title)}", ""]
        lines += [f"- {warning}" for warning in action.warnings]
        lines += [""] if action.warnings else []
        lines += [f"{number}. {step}" for number, step in enumerate(action.steps, start=1)]
        lines += [""]
    if not actions and finding.guidance in library.articles:
        cloud = Cloud.WORLDWIDE if tenant is None else tenant.cloud
        agreement = Agreement.UNKNOWN if tenant is None else tenant.agreement
        composed = compose(
            library, finding.guidance, Variant(cloud=cloud, agreement=agreement, day=saved.run.as_of.date())
        )
        lines.append("#" + article_markdown(composed, l10n, _command).replace("\n## ", "\n### "))
    return "\n".join(lines).rstrip() + "\n"


def _command(name: str) -> str:
    """Return the command that explains a check or an article."""
    return f"`auditor explain {name}`"


def _value_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _policy_text(policy: Policy, l10n: Localization, saved: Result | None) -> str:
    title = escaped(l10n.policy(policy.title))
    lines = [f"# {escaped(policy.id)}: {title}" if title else f"# {escaped(policy.id)}", ""]
    lines += [escaped(l10n.policy(policy.rationale)), ""] if policy.rationale else []
    rows = [
        (l10n.gettext("Severity"), l10n.gettext(SEVERITIES[policy.severity])),
        (l10n.gettext("Status"), l10n.gettext("report-only") if policy.report_only else None),
        (l10n.gettext("Owner"), policy.owner),
        (l10n.gettext("Tags"), ", ".join(policy.tags)),
        (l10n.gettext("Frameworks"), ", ".join(policy.frameworks)),
        (l10n.gettext("Defined in"), f"{policy.span.file}:{policy.span.line}"),
        (
            l10n.gettext("Evaluated"),
            None if saved is None else _evaluated_counts(saved, policy.id, Labels(l10n.locale)),
        ),
    ]
    lines += [f"- {label}: {escaped(value)}" for label, value in rows if value]
    lines += [f"- {l10n.gettext('Reference')}: {escaped(page.title)}: <{page.url}>" for page in policy.references]
    rule = {key: value for key, value in policy.spec.items() if key not in _DESCRIPTIVE}
    return "\n".join([*lines, "", yaml_block(rule)]) + "\n"


def _evaluated_counts(saved: Result, policy: str, l10n: Labels) -> str:
    """Return the number of users or objects that the policy evaluated in each tenant of a run."""
    titles = tenant_titles(saved.tenants)
    parts = [(titles[tenant.name], tenant.policies) for tenant in saved.tenants]
    parts.append((l10n.gettext("Policies across tenants"), saved.fleet.policies))
    counts = [(name, outcome.judged) for name, outcomes in parts for outcome in outcomes if outcome.id == policy]
    return ", ".join(f"{name} {l10n.number(count)}" for name, count in counts)


def _products_text(name: str, catalogue: Catalogue, l10n: Localization) -> str:
    product = catalogue.product(name.lower())
    products = products_named(catalogue, name) if product is None else [product]
    return "\n".join(_product_text(catalogue, product, l10n) for product in products)


def _product_text(catalogue: Catalogue, product: Product, l10n: Localization) -> str:
    price = l10n.gettext("This product is free.") if catalogue.is_free(product) else ""
    lines = [
        f"# {escaped(product.name)}",
        "",
        f"- skuPartNumber: `{product.part_number}`",
        f"- skuId: `{product.sku_id}`",
    ]
    lines += [f"- {l10n.gettext('Also called')}: {escaped(', '.join(product.aliases))}"] if product.aliases else []
    lines += ["", price] if price else []
    lines += ["", f"## {l10n.gettext('Service plans')}", ""]
    lines += [f"- `{plan.name}`: {escaped(plan.friendly_name)}" for plan in product.plans]
    return "\n".join(lines) + "\n"
