"""The columns of the page's table of findings, dictionary-encoded: each text is stored once."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from operator import is_
from types import MappingProxyType
from typing import Any, Final

from auditor.domain.enums import Change, Severity
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Result
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.domain.translation import N_
from auditor.findings.display_names import named_product
from auditor.policy.yaml.writer import flow
from auditor.render.text.evidence.evidence import assignment_part, other_part, subject_parts
from auditor.render.text.labels import CHANGES, SEVERITIES, Labels
from auditor.render.text.sanitize import MAX_LENGTH, shortened, visible
from auditor.render.view.finding_index import FindingIndex, Interner
from auditor.render.view.rows import Context, anchor, policy_anchor, problem, subject_address, subject_label
from auditor.result.ranking import most_urgent_tenants
from auditor.result.waiver_fields import waiver_products, waiver_user

EVIDENCE: Final = ("evidence0", "evidence1", "evidence2", "evidence3")
"""The four parts of the evidence; the page joins the non-empty ones with dots."""
PEOPLE: Final = ("", "userPrincipalName", "userPrincipalName", "id")
"""The property by which a waiver selects a subject; its value is the address, the name and the address, in turn."""
_WAIVED: Final = 1
"""The code of waived findings in a `FindingIndex`."""
_CHANGES: Final = (None, Change.NEW, Change.REOPENED)


class StringTable:
    """Assigns codes to texts in order of first appearance; 0 is the empty text."""

    def __init__(self) -> None:
        self.texts: list[str] = [""]
        """The texts by code, shortened and without control characters."""
        self._codes = Interner(1)
        self._codes |= {None: 0, "": 0}

    def codes(self, texts: Iterable[str | None]) -> list[int]:
        """Return the code of each text; 0 for None."""
        count = len(self._codes)
        codes = self._codes.codes(texts)
        added: list[str] = list(islice(self._codes, count, None))
        # Most texts need no change, and checking all of them at once is fastest.
        if visible(joined := "".join(added)) is joined and max(map(len, added), default=0) <= MAX_LENGTH:
            self.texts += added
        else:
            self.texts += [visible(shortened(text), keep="\n").replace("\n", " ") for text in added]
        return codes


class TableColumns:
    """The columns of the table by name, filled tenant by tenant; the names are those that report.js reads."""

    def __init__(self, l10n: Labels) -> None:
        self.l10n = l10n
        self.codes: dict[str, list[Sequence[int]]] = {
            name: []
            for name in (
                *("place", "severity", "status", "change", "waiver"),
                *("who", "what", "product", "sku", "department", *EVIDENCE, "money", "action"),
            )
        }
        """Each column as a list with one part per tenant."""
        self.fingerprints: list[str] = []
        self.strings = {
            name: StringTable()
            for name in ("what", "product", "sku", "department", "waiver", *EVIDENCE, "name", "address")
        }
        self.names: list[int] = []
        """Code of the name of each subject."""
        self.addresses: list[int] = []
        """Code of the address of each subject."""
        self.people: list[int] = []
        """How a waiver selects each subject: an index in `PEOPLE`, 0 if it cannot."""
        self.amounts: list[tuple[str, float]] = [("", 0.0)]
        """Text and value of each amount."""
        self._amount_codes: dict[tuple[str, Decimal], int] = {}
        self._tenants: list[tuple[str, str, str]] = []
        """Anchor and title of each tenant, and the URL of its page; empty if it has a section on this page."""
        self._policies: dict[str, tuple[int, str]] = {}
        self._owners: list[str] = []
        self._places: list[tuple[int, int, str]] = []
        self._actions: list[tuple[str, str]] = [("", "")]

    def add(self, title: str, index: FindingIndex, link: str = "") -> None:
        """Add the findings of one tenant, or of the fleet; `link` is the URL of the tenant's own page."""
        tenant, policies, subjects = len(self._tenants), len(self._places), len(self.names)
        name = index.context.prefix
        self._tenants.append((anchor(name), visible(title), link))
        self._places += [self._policy_row(tenant, policy, index.context) for policy in index.policies]
        self.fingerprints += index.fingerprints
        actions = range(len(self._actions), len(self._actions) + len(index.actions))
        self._actions += [(anchor("a", name or "fleet", action.id), visible(action.title)) for action in index.actions]
        amounts = [0 if amount is None else self._amount(*amount) for amount in index.amounts]
        columns = self.codes
        columns["place"].append([policies + code for code in index.policy_codes] if policies else index.policy_codes)
        columns["severity"].append(index.severity_codes)
        columns["status"].append(index.status_codes)
        columns["change"].append(index.change_codes)
        columns["waiver"].append(self._waivers(index))
        columns["who"].append([subjects + code for code in index.subject_codes] if subjects else index.subject_codes)
        columns["money"].append(array("I", map(amounts.__getitem__, index.amount_codes)))
        columns["action"].append(_action_codes(index, actions))
        self._add_subjects(index)
        context = index.context
        self._add_shared("what", [problem(finding, context) for finding in index.statements], index.statement_codes)
        products = [named_product(finding, context.names) for finding in index.statements]
        self._add_shared("product", products, index.statement_codes)
        skus = [flow(products) if (products := waiver_products(finding)) else None for finding in index.statements]
        self._add_shared("sku", skus, index.statement_codes)
        self._add_evidence(index)

    def header(self) -> dict[str, Any]:
        """Return everything except the columns, as JSON values."""
        return {
            "labels": {key: self.l10n.gettext(text) for key, text in LABELS.items()},
            "severities": [(key.value, self.l10n.gettext(SEVERITIES[key])) for key in Severity],
            "changes": [("", "")]
            + [(key.value, self.l10n.gettext(CHANGES[key])) for key in _CHANGES if key is not None],
            "tenants": self._tenants,
            "policies": [(visible(policy), title) for policy, (_, title) in self._policies.items()],
            "places": self._places,
            "actions": self._actions,
            "owners": self._owners,
            "people": PEOPLE,
        }

    def _policy_row(self, tenant: int, policy: str, context: Context) -> tuple[int, int, str]:
        header = context.header(policy)
        code, _ = self._policies.setdefault(policy, (len(self._policies), visible(header.title or policy)))
        if code == len(self._owners):
            self._owners.append(visible(header.owner))
        return tenant, code, policy_anchor(context.prefix, policy)

    def _amount(self, currency: str, value: Decimal) -> int:
        code = self._amount_codes.setdefault((currency, value), len(self.amounts))
        if code == len(self.amounts):
            self.amounts.append((visible(self.l10n.money(value, currency)), float(value)))
        return code

    def _waivers(self, index: FindingIndex) -> Sequence[int]:
        if _WAIVED not in index.status_codes:
            return bytes(len(index.status_codes))
        waivers = zip(index.findings, index.status_codes, strict=True)
        return self.strings["waiver"].codes([finding.waiver if code == _WAIVED else None for finding, code in waivers])

    def _add_subjects(self, index: FindingIndex) -> None:
        names = list(map(subject_label, index.subjects))
        self.names += self.strings["name"].codes(names)
        addresses = list(map(subject_address, index.subjects, names))
        self.addresses += self.strings["address"].codes(addresses)
        self.people += map(_person, index.subjects, names, addresses)

    def _add_evidence(self, index: FindingIndex) -> None:
        evidence = [finding.evidence for finding in index.findings]
        # All findings about a subject may share the same evidence object.
        codes, distinct = index.subject_codes, [finding.evidence for finding in index.subjects]
        if not all(map(is_, evidence, map(distinct.__getitem__, codes))):
            codes = Interner().codes(map(id, evidence))
            distinct = list(dict(zip(codes, evidence, strict=True)).values())
        departments = [None if not (department := facts.get("department")) else str(department) for facts in distinct]
        self._add_shared("department", departments, codes)
        parts = [subject_parts(facts, self.l10n) for facts in distinct]
        for part, name in enumerate(EVIDENCE[:2]):
            self._add_shared(name, [texts[part] for texts in parts], codes)
        # Many users have the same paths, which their evidence then shares as one object.
        paths = {id(listed): listed for facts in distinct if (listed := facts.get("paths"))}
        texts = {key: assignment_part(listed, self.l10n) for key, listed in paths.items()}
        self._add_shared(EVIDENCE[2], [texts.get(id(facts.get("paths")), "") for facts in distinct], codes)
        others = [other_part(finding, self.l10n) for finding in index.findings]
        self.codes[EVIDENCE[-1]].append(self.strings[EVIDENCE[-1]].codes(others))

    def _add_shared(self, column: str, texts: Sequence[str | None], codes: Sequence[int]) -> None:
        """Add a column of texts that findings share; `codes` are the index of each finding in `texts`."""
        shared = self.strings[column].codes(texts)
        self.codes[column].append(array("I", map(shared.__getitem__, codes)))


LABELS: Final = {
    "shown": N_("Shown: {shown} of {all}"),
    "any": N_("any"),
    "open": N_("open"),
    "waived": N_("waived"),
    "report-only": N_("report-only"),
    "none": N_("none"),
    "policy": N_("Policy"),
    "status": N_("Status"),
    "severity": N_("Severity"),
    "finding": N_("Finding"),
    "evidence": N_("Evidence"),
    "month": N_("Per month"),
    "department": N_("Department"),
    "tenant": N_("Tenant"),
    "change": N_("Change"),
    "waiver": N_("Waiver"),
    "act": N_("What to do"),
    "every": N_("Show all in the table"),
}


def table_columns(
    result: Result, l10n: Labels, indexes: Sequence[FindingIndex], links: Mapping[str, str] = MappingProxyType({})
) -> TableColumns:
    """Return the listed findings of each listed tenant, and of the fleet, in the order of the page.

    `indexes` are those of `finding_indexes`. `links` are the URLs of the pages of tenants
    that have no section on this page, by name.
    """
    columns = TableColumns(l10n)
    *tenants, fleet = indexes
    titles = tenant_titles(result.tenants)
    for tenant, index in zip(most_urgent_tenants(result), tenants, strict=True):
        columns.add(titles[tenant.name], index, links.get(tenant.name, ""))
    if result.fleet.findings:
        columns.add(l10n.gettext("Policies across tenants"), fleet)
    return columns


def _person(finding: Finding, name: str, address: str) -> int:
    """Return how a waiver selects the subject, as an index in `PEOPLE`."""
    user = waiver_user(finding)
    if user is None:
        return 0
    values = ((1, address), (2, name)) if user[0] == "userPrincipalName" else ((3, address),)
    return next((code for code, value in values if value == user[1]), 0)


def _action_codes(index: FindingIndex, actions: Sequence[int]) -> list[int]:
    """Return the code of the action that resolves each finding; if there are several, the first one is used."""
    codes = [0] * len(index.fingerprints)
    for rows, action in zip(reversed(index.action_rows), reversed(actions), strict=True):
        for row in rows:
            codes[row] = action
    if actions and len(code_of := dict(zip(index.fingerprints, codes, strict=True))) < len(codes):
        return list(map(code_of.__getitem__, index.fingerprints))  # a saved result may contain a finding twice
    return codes
