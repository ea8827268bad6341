"""Tests the recipes of CONTRIBUTING.md by adding a language and a command to a copy of the program and running it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from tests.localization.catalogue_messages import LANGUAGES
from tests.localization.extract import DOMAINS, template, text
from tests.package.tree import ROOT, files

pytestmark = pytest.mark.slow

PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A copy of the program with the layout of an installed wheel; `auditor` runs it through PYTHONPATH."""
    for folder, target in {"auditor": "auditor", "policies": "auditor/policies", "reports": "auditor/reports"}.items():
        for path in files(folder):
            copy = tmp_path / "program" / target / path.relative_to(ROOT / folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    return tmp_path / "program"


def auditor(program: Path, *arguments: str, codes: Iterable[int] = (0,)) -> str:
    completed = subprocess.run(
        [sys.executable, "-m", "auditor", *arguments],
        cwd=program,
        env={**os.environ, "PYTHONPATH": str(program), "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"},
        capture_output=True,
        check=False,
    )
    assert completed.returncode in codes, completed.stderr.decode()
    return completed.stdout.decode()


def translated(domain: str) -> Catalog:
    """Return the messages of a domain, each "translated" by prefixing every form with `¤`."""
    with template(domain).open("rb") as file:
        messages = read_po(file)
    catalogue = Catalog(locale="fi", fuzzy=False)
    for message in messages:
        if message.id:
            forms = [f"¤{form}" for form in (message.id if isinstance(message.id, tuple) else (message.id,))]
            catalogue.add(message.id, string=forms if len(forms) > 1 else forms[0], context=message.context)
    return catalogue


def test_language_is_added_with_data_only(program: Path) -> None:
    folder = program / "auditor" / "reports" / "locales" / "fi" / "LC_MESSAGES"
    folder.mkdir(parents=True, exist_ok=True)
    for domain in DOMAINS:
        (folder / f"{domain}.po").write_text(text(translated(domain), "fi"), encoding="utf-8")
    auditor(program, "audit", "--demo", "--locale", "fi", "-f", "html", "-o", "out", codes=(0, 1))
    page = (program / "out" / "report.html").read_text(encoding="utf-8")
    assert '<html lang="fi"' in page
    assert page.count("¤") > 1_000
    assert "¤" in auditor(program, "audit", "--help", "--locale", "fi")


def test_command_is_added_with_one_module_and_one_line(program: Path) -> None:
    recipe = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Adding a command")[1].split("\n## ")[0]
    module, line = PYTHON.findall(recipe)
    (program / "auditor" / "cli" / "commands" / "setup" / "languages.py").write_text(module, encoding="utf-8")
    main = program / "auditor" / "cli" / "main.py"
    code = main.read_text(encoding="utf-8")
    main.write_text(code.replace("COMMANDS = {\n", f"COMMANDS = {{\n{line}", 1), encoding="utf-8")
    assert "list the languages of reports" in auditor(program, "--help")
    assert auditor(program, "languages").split() == ["en", *LANGUAGES]
    assert auditor(program, "languages", "--count") == f"{len(LANGUAGES) + 1}\n"
    assert "print how many there are" in auditor(program, "languages", "--help")
