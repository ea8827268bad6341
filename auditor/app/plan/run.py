"""Creates the plan of selected tenants and the documents of its formats, and keeps plans in a store."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from auditor.app.audit.renewal_dates import earlier_dates
from auditor.app.audit.run import Request, checked_policies, loaded, opened, snapshot_locations
from auditor.app.catalogue import active
from auditor.app.locations import store_at
from auditor.app.plan.planner import plan_run
from auditor.app.policy_files import decision_files
from auditor.deliver.report_folder import ChildFile
from auditor.domain.translation import Localizer
from auditor.files.names import tenant_name
from auditor.localization import Localization
from auditor.remedy.planner.model import FleetPlan, TenantPlan
from auditor.render.plan.approvals import approvals_csv
from auditor.render.plan.json import plan_json
from auditor.render.plan.markdown import plan_markdown
from auditor.render.plan.page import single_plan
from auditor.render.plan.question_text import answer_templates
from auditor.render.plan.scripts.http import http_messages
from auditor.render.plan.scripts.powershell import plan_script, undo_script
from auditor.result.ranking import MAX_SECTIONS

FORMATS: Mapping[str, str] = {
    "json": "plan.json",
    "markdown": "plan.md",
    "html": "plan.html",
    "questions": "questions.yaml",
}
"""Format → default file name."""
TENANT_FORMATS: Mapping[str, str] = {"approvals": "approvals.csv", "powershell": "plan.ps1", "http": "plan.http"}
"""Format → default file name, for formats with separate files for each tenant."""


def run_plans(request: Request, decisions: Path | None, languages: Sequence[Localizer]) -> tuple[FleetPlan, ...]:
    """Create the plan in each language; the snapshots of the tenants are selected and restored once.

    `decisions` is the path of a decisions file; None for the `decisions.yaml` next to the policies. Raises AuditorError
    if there is nothing to plan for.
    """
    policies = checked_policies(request, plan=True).enabled
    files = decision_files(request.policies, decisions)
    # The decisions may use the names that the policies define.
    answers = loaded(request, files).decisions if files else ()
    earlier = earlier_dates(request.nights, policies, request.as_of, request.warn)
    with snapshot_locations(request, policies) as folders:
        return tuple(
            plan_run(
                list(opened(folders, request)),
                policies,
                active(),
                request.as_of,
                l10n=l10n,
                decisions=answers,
                earlier=earlier,
            )
            for l10n in languages
        )


def exit_code(plan: FleetPlan) -> int:
    """Return 3 for an incomplete snapshot, 1 if the proof fails, 0 otherwise."""
    if not plan.complete:
        return 3
    return 0 if plan.proven else 1


def document(name: str, plan: FleetPlan, localized: FleetPlan, l10n: Localization, *, tenant_page: str = "") -> bytes:
    """Return the document of a format of FORMATS.

    `localized` is the same plan in the language of `l10n`, for the formats that people read. `tenant_page` is the file
    name of the pages of single tenants, to which a page links instead of containing all of them.
    """
    match name:
        case "json":
            return plan_json(plan)
        case "markdown":
            return plan_markdown(localized, l10n=l10n, tenant_page=tenant_page)
        case "html":
            from auditor.render.plan.html import plan_html  # noqa: PLC0415  only the page needs a template engine

            return plan_html(localized, l10n=l10n, tenant_page=tenant_page)
        case _:
            return "".join(answer_templates(localized.tenants, localized.as_of, l10n)).encode("utf-8", "replace")


def written_files(
    targets: Iterable[tuple[str, Path]], plan: FleetPlan, localized: FleetPlan, l10n: Localization
) -> Iterator[tuple[Path | ChildFile, bytes]]:
    """Yield the files of formats, each with the path of its default file; a file is created when it is asked for.

    `localized` is as for `document`. Raises UsageError.
    """
    seen: set[Path | ChildFile] = set()
    for name, path in targets:
        if name in TENANT_FORMATS:
            for file, body in tenant_documents(name, path, localized, l10n):
                if file not in seen:  # `powershell` and `approvals` have approvals.csv in common
                    yield file, body
                seen.add(file)
        elif name in {"html", "markdown"} and len(localized.tenants) > MAX_SECTIONS:
            yield from _pages(name, path, localized, l10n)
        else:
            yield path, document(name, plan, localized, l10n)


def tenant_documents(
    name: str, path: Path, plan: FleetPlan, l10n: Localization
) -> Iterator[tuple[Path | ChildFile, bytes]]:
    """Yield the files of a format of TENANT_FORMATS, starting with its default file. Raises UsageError.

    The file of a single tenant is at `path`. If there are several, the files of each are in a folder next to `path`. A
    tenant that could not be audited has no files.
    """
    for tenant in (tenant for tenant in plan.tenants if tenant.failure is None):
        folders = (tenant_name(tenant.name),) if len(plan.tenants) > 1 else ()
        for file, body in _tenant_files(name, path.name, tenant, plan.as_of, l10n):
            yield (ChildFile(path.parent, (*folders, file)) if folders else path.with_name(file)), body


def _tenant_files(
    name: str, file: str, plan: TenantPlan, as_of: str, l10n: Localization
) -> Iterator[tuple[str, bytes]]:
    if name == "http":
        yield file, http_messages(plan, as_of)
        return
    if name == "powershell":
        yield file, plan_script(plan, as_of)
        yield "undo.ps1", undo_script(plan, as_of)
        file = TENANT_FORMATS["approvals"]
    yield file, approvals_csv(plan, l10n)


def _pages(name: str, path: Path, plan: FleetPlan, l10n: Localization) -> Iterator[tuple[Path | ChildFile, bytes]]:
    """Yield the page of many tenants, and a page with the same name in the folder of each tenant."""
    yield path, document(name, plan, plan, l10n, tenant_page=path.name)
    for tenant in plan.tenants:
        page = single_plan(plan, tenant)
        yield ChildFile(path.parent, (tenant_name(tenant.name), path.name)), document(name, page, page, l10n)


def earlier_plan_files(targets: Iterable[tuple[str, Path]], written: Iterable[Path]) -> Iterator[Path]:
    """Yield the files of these formats for single tenants that are not in `written`, beside the targets."""
    names = {
        path.with_name(file): None
        for name, path in targets
        if name in TENANT_FORMATS or name in {"html", "markdown"}
        for file in ((path.name, "undo.ps1", TENANT_FORMATS["approvals"]) if name == "powershell" else (path.name,))
    }
    known = {*written}
    for path in names:
        found = (path, *sorted(path.parent.glob(f"*/{path.name}")))
        yield from (file for file in found if file not in known and file.is_file())


def store_plan(location: Path | str, plan: FleetPlan) -> None:
    """Save the plan of every tenant in a store, next to its nights; it replaces one of the same instant.

    A tenant that could not be audited has no plan: its latest one remains the one to verify.
    """
    from auditor.store.plans import plan_name  # noqa: PLC0415  only needed with a store

    store = store_at(location).create()
    for tenant in (tenant for tenant in plan.tenants if tenant.failure is None):
        name = plan_name(tenant.name, datetime.fromisoformat(plan.as_of))
        store.backend.replace(name, plan_json(replace(plan, tenants=(tenant,))))
