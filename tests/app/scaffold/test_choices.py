"""Default answers of `auditor init` from files of the machine and of the repository."""

import json
from pathlib import Path

import pytest

from auditor.app.scaffold.choices import existing_choices, signed_in_tenant
from auditor.domain.enums import Cloud
from auditor.domain.tenant import NO_CLIENT
from tests.builders.service.failures import without_home

TENANT, CLIENT = "aaaaaaaa-1111-2222-3333-444444444444", "bbbbbbbb-1111-2222-3333-444444444444"


def test_tenant_of_the_azure_cli_is_the_default(tmp_path: Path) -> None:
    subscriptions: list[dict[str, object]] = [
        {"tenantId": CLIENT},
        {"tenantId": TENANT, "isDefault": True, "tenantDefaultDomain": "Fabrikam.example"},
    ]
    (tmp_path / "azureProfile.json").write_text(
        "\ufeff" + json.dumps({"subscriptions": subscriptions}), encoding="utf-8"
    )
    assert signed_in_tenant({"AZURE_CONFIG_DIR": str(tmp_path)}) == (TENANT, "fabrikam", Cloud.WORLDWIDE)
    subscriptions[1]["environmentName"] = "AzureUSGovernment"
    (tmp_path / "azureProfile.json").write_text(json.dumps({"subscriptions": subscriptions}), encoding="utf-8")
    assert signed_in_tenant({"AZURE_CONFIG_DIR": str(tmp_path)}) == (TENANT, "fabrikam", Cloud.USGOV)
    (tmp_path / "azureProfile.json").write_text("[]")
    assert signed_in_tenant({"AZURE_CONFIG_DIR": str(tmp_path)}) is None


def test_no_tenant_is_the_default_without_a_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    without_home(monkeypatch)
    assert signed_in_tenant({}) is None


def test_git_remote_is_the_default_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for address in ("https://github.com/o/team.git", "git@github.com:o/team.git", "ssh://git@github.com/o/team"):
        (tmp_path / ".git" / "config").write_text(f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {address}\n')
        assert existing_choices(tmp_path) == {"repository": "o/team"}, address
    (tmp_path / ".git" / "config").write_text('[remote "origin"]\n\turl = https://git.example/o/team.git\n')
    assert existing_choices(tmp_path) == {"project": ("git.example", "o/team")}


def test_damaged_tenants_file_is_ignored(tmp_path: Path) -> None:
    for text in ("tenants: [", "tenants: []", "- x"):
        (tmp_path / "tenants.yaml").write_text(text)
        assert existing_choices(tmp_path) == {}, text
    (tmp_path / "tenants.yaml").write_text("tenants: [{name: [], tenantId: 7, credential: x}]\nmail: 3\n")
    defaults = {"client_id": NO_CLIENT, "cloud": Cloud.WORLDWIDE, "sender": None, "ci": None}
    assert existing_choices(tmp_path) == defaults
