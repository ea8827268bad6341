"""Writes the screenshots in docs/images from the built-in tenants: `python -m tests.e2e.browser.images`."""

import email
import subprocess
import sys
import tempfile
from email.policy import default
from pathlib import Path
from typing import Any

from tests.builders.service.chromium import running

ROOT = Path(__file__).parents[3]
IMAGES = ROOT / "docs" / "images"
AS_OF = "2026-11-20T02:17:00Z"
TENANTS = """version: 1
tenants:
  - name: contoso
    tenantId: 11111111-2222-3333-4444-555555555555
    cloud: worldwide
    locale: en
    credential: {type: token, tokenEnv: UNUSED}
    recipients: [{address: licensing@contoso.example}]
mail: {from: audit@contoso.example, smtp: {host: localhost, port: 2525}, send: always}
"""


def main() -> None:
    """Audit the built-in tenants and take screenshots of the report, its table of findings and the mail."""
    with tempfile.TemporaryDirectory() as temporary, running() as browser:
        folder = Path(temporary)
        (folder / "tenants.yaml").write_text(TENANTS, encoding="utf-8")
        _auditor(folder, "audit", "--demo", "--as-of", AS_OF, "-f", "html", "-f", "json", "-q")
        _auditor(folder, "send", "out/result.json", "--dry-run", "--sent-log", "sent.log", "-q")
        _report(browser, folder / "out" / "report.html")
        _mail(browser, next((folder / "out" / "mail").glob("*.eml")))


def _auditor(folder: Path, *arguments: str) -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "auditor", *arguments], cwd=folder, env={"PYTHONPATH": str(ROOT)}, check=False
    )
    if completed.returncode > 1:
        raise RuntimeError(f"{arguments[0]} ended with {completed.returncode}")


def _report(browser: Any, file: Path) -> None:
    tab = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    tab.goto(file.as_uri())
    tab.wait_for_selector("#all:not([hidden]) tr[data-item]")
    tab.screenshot(path=IMAGES / "report.png")
    tab.select_option("[data-key=group]", "policy")
    tab.locator("#pane .head").nth(1).click()
    tab.evaluate("document.getElementById('all-h').scrollIntoView()")
    tab.screenshot(path=IMAGES / "findings.png")


def _mail(browser: Any, file: Path) -> None:
    message = email.message_from_bytes(file.read_bytes(), policy=default)
    part = message.get_body(("html",))
    if part is None:
        raise RuntimeError(f"{file} has no HTML part")
    tab = browser.new_page(viewport={"width": 600, "height": 900})
    tab.set_content(part.get_content())
    tab.screenshot(path=IMAGES / "mail.png", full_page=True)


if __name__ == "__main__":
    main()
