"""Writes plan.ps1 and undo.ps1 from the script templates and the data of a plan."""

from typing import Final

from auditor import resources
from auditor.remedy.planner.model import TenantPlan
from auditor.render.plan.scripts.data_block import KINDS, changes_in, data_lines

_BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it, Windows PowerShell 5.1 reads a file in the code page of the machine."""
_MODULE_VERSION: Final = "2.0.0"
"""The first version of Microsoft.Graph with the parameters that the scripts use."""


def plan_script(plan: TenantPlan, as_of: str) -> bytes:
    """Return plan.ps1, which runs the requests of a plan. Raises UsageError if the plan cannot be run."""
    return _script("plan", plan, as_of)


def undo_script(plan: TenantPlan, as_of: str) -> bytes:
    """Return undo.ps1, which reverts the changes in done.jsonl. Raises UsageError if the plan cannot be run."""
    return _script("undo", plan, as_of)


def _script(name: str, plan: TenantPlan, as_of: str) -> bytes:
    steps = [step for action_steps in changes_in(plan).steps.values() for step in action_steps]
    modules = {"Authentication"}.union(*(KINDS[step.request.target.kind].modules for step in steps))
    if any(step.seats for step in steps):
        modules.add("Identity.DirectoryManagement")
    required = (
        f"#Requires -Modules @{{ ModuleName = 'Microsoft.Graph.{module}'; ModuleVersion = '{_MODULE_VERSION}' }}"
        for module in sorted(modules)
    )
    parts = {
        "#<modules>": "\n".join(required),
        "#<data>": "\n".join(data_lines(plan, as_of)),
        "#<common>": _template("common").rstrip("\n"),
    }
    lines = (parts.get(line, line) for line in _template(name).splitlines())
    return (_BYTE_ORDER_MARK + "\n".join(lines) + "\n").encode("utf-8")


def _template(name: str) -> str:
    text = resources.reports().joinpath("templates", "scripts", f"{name}.ps1").read_text(encoding="utf-8")
    return text.replace("\r\n", "\n")
