"""The interactive questions of `auditor init`, answered on a pseudo-terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.domain.enums import Cloud
from auditor.domain.settings import AzureCli, GithubOidc
from auditor.settings.loader import read
from tests.builders.service.command_line import ROOT, contents

pytestmark = pytest.mark.slow
TENANT = "aaaaaaaa-1111-2222-3333-444444444444"


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals of POSIX")
class TestQuestions:
    """Run `auditor init` with answers typed into a pseudo-terminal."""

    def run_init(self, folder: Path, answers: str, *options: str) -> tuple[int, str]:
        controller, terminal = os.openpty()
        command = [sys.executable, "-m", "auditor", "init", "--locale", "en", *options]
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "AZURE_CONFIG_DIR": str(folder / "none"), "NO_COLOR": "1"}
        process = subprocess.Popen(command, cwd=folder, env=environ, stdin=terminal, stdout=terminal, stderr=terminal)
        os.close(terminal)
        os.write(controller, answers.encode() + b"\x04")  # end of input, in case a question has no answer
        output = b""
        while True:
            try:
                chunk = os.read(controller, 4096)
            except OSError:  # Linux reports the end of a terminal as an error
                break
            if not chunk:
                break
            output += chunk
        os.close(controller)
        return process.wait(timeout=30), output.decode()

    def test_invalid_answers_are_explained_and_asked_again(self, tmp_path: Path) -> None:
        answers = ["", "contoso.com", TENANT, "germany", "usgov", "Fabrikam Ltd", "fabrikam", "github-oidc", "team"]
        answers += ["o/team", "", "mca", "", "groups", "extend", ""]
        code, output = self.run_init(tmp_path, "\n".join(answers), "--mail-from", "a@b.example")
        assert code == 0, output
        assert "no id was given: the overview in https://entra.microsoft.com shows it as Tenant ID" in output
        assert "'contoso.com' is not a GUID" in output
        assert "'Fabrikam Ltd' is not a name" in output
        assert "'team' is not OWNER/NAME" in output
        tenant = read(tmp_path / "tenants.yaml").tenants[0]
        assert (tenant.name, tenant.tenant_id, tenant.agreement.value) == ("fabrikam", TENANT, "mca")
        assert isinstance(tenant.credential, GithubOidc)
        assert tenant.cloud is Cloud.USGOV
        assert "'germany' is not one of worldwide, usgov, usgov-dod, 21vianet" in output
        assert "direct-suite" not in (tmp_path / "policies" / "starter.yaml").read_text()
        assert "repo:o/team:ref:refs/heads/main" in output

    def test_empty_answers_use_the_defaults(self, tmp_path: Path) -> None:
        code, output = self.run_init(tmp_path, "\n" * 8, "--tenant-id", TENANT)
        assert code == 0, output
        assert "Directory (tenant) id" not in output
        assert "Sign in with (azure-cli, " in output
        assert isinstance(read(tmp_path / "tenants.yaml").tenants[0].credential, AzureCli)

    def test_end_of_input_is_an_error_and_writes_nothing(self, tmp_path: Path) -> None:
        code, output = self.run_init(tmp_path, f"{TENANT}\n")
        assert (code, "[init-answers]" in output) == (2, True)
        assert contents(tmp_path) == {}

    def test_no_input_option_and_existing_files_suppress_questions(self, tmp_path: Path) -> None:
        code, output = self.run_init(tmp_path, "", "--no-input", "--tenant-id", TENANT)
        assert code == 0
        assert "Sign in with" not in output
        assert self.run_init(tmp_path, "")[0] == 0, "a second run takes its answers from the files"
