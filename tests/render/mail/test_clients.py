"""Tests the mail in mail clients: caniemail.com's data for each client, and Chromium at several widths."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Severity
from auditor.render.mail.message import render_mail
from auditor.render.mail.view import Reader
from tests.builders.result.results import compared

pytestmark = pytest.mark.slow

CLIENTS = ("outlook.windows", "outlook.macos", "outlook.outlook-com", "outlook.ios", "outlook.android",
           "gmail.desktop-webmail", "gmail.ios", "gmail.android", "apple-mail.macos", "apple-mail.ios", "yahoo.desktop-webmail")  # fmt: skip
TOLERATED = {
    "<body> element",
    "aria-hidden attribute",
    "height property",
    "@media",
    "@media (prefers-color-scheme)",
    "overflow",
    "white-space",
    ":root",
    "color-scheme",
    "display:none",
}
"""Features that some client does not support and the mail does not need there.

Cells also have the attributes `nowrap` and `height`, the preview has `mso-hide`, and the body's colour is also set on a
table.
"""
PACKAGE = "caniemail@1.0.5"
SCRIPT = """
import { readFileSync } from 'node:fs';
import { caniemail } from 'caniemail';
const found = caniemail({ clients: process.argv.slice(3), html: readFileSync(process.argv[2], 'utf8') });
const told = {};
for (const [client, issues] of found.issues.errors) told[client] = [...new Set(issues.map((issue) => issue.title))];
console.log(JSON.stringify(told));
"""
CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
  const weak = [];
  for (const e of document.querySelectorAll('body *')) {
    if (e.closest('.gone') || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.replace(/\\u00a0/g, ' ').trim())) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) weak.push(e.className + ' ' + ratio.toFixed(2));
  }
  return [...new Set(weak)];
}"""


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    reader = Reader(locale="en", link="https://reports.example/r.html", anchors=True, attachment="report.zip")
    path = tmp_path_factory.mktemp("mail") / "mail.html"
    audit = compared()
    many = replace(audit, summary=replace(audit.summary, open=dict.fromkeys(Severity, 12_345)))  # of a large fleet
    path.write_text(render_mail(many, reader).html, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def caniemail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package of caniemail.com's data, installed by npm."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("caniemail's data needs node and npm, which are not installed")
    folder = tmp_path_factory.mktemp("npm")
    command = [
        npm,
        "install",
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        str(folder),
        PACKAGE,
    ]
    try:
        completed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=40)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not bring {PACKAGE} in time")
    if completed.returncode:
        pytest.skip(f"npm could not bring {PACKAGE}: {completed.stderr.strip()[-200:]}")
    (folder / "check.mjs").write_text(SCRIPT, encoding="utf-8")
    return folder


def unsupported_features(folder: Path, html: Path) -> dict[str, list[str]]:
    completed = subprocess.run(
        ["node", "check.mjs", str(html), *CLIENTS], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert completed.returncode == 0, completed.stderr
    features = json.loads(completed.stdout)
    assert isinstance(features, dict)
    return features


def test_every_client_supports_the_features_of_the_mail(caniemail: Path, html: Path) -> None:
    features = unsupported_features(caniemail, html)
    assert {
        client: sorted(set(titles) - TOLERATED) for client, titles in features.items() if set(titles) - TOLERATED
    } == {}


def test_unsupported_features_are_found(caniemail: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<body><div style='display: grid; border-radius: 4px'><svg></svg></div></body>", encoding="utf-8")
    assert unsupported_features(caniemail, bad)["outlook.windows"]


def test_only_cells_and_the_body_have_padding(html: Path) -> None:
    """Outlook's rendering engine (Word) ignores the padding of other elements."""
    styled = re.findall(r"<(\w+)\b[^>]*style=\"[^\"]*padding[^\"]*\"", html.read_text(encoding="utf-8"))
    assert set(styled) <= {"td", "th", "body"}


@pytest.mark.parametrize("width", [320, 375, 600, 1200])
def test_mail_fits_its_width_and_is_centred(chromium: Any, html: Path, width: int) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.goto(html.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('h1').getBoundingClientRect().width") <= 600
    left, right = page.evaluate(
        "(({left, right}) => [left, innerWidth - right])(document.querySelector('.card').getBoundingClientRect())"
    )
    assert abs(left - right) <= 1
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_sufficient_contrast_in_light_and_dark_mode(chromium: Any, html: Path, scheme: str) -> None:
    page = chromium.new_page(viewport={"width": 600, "height": 800}, color_scheme=scheme)
    page.goto(html.as_uri())
    assert page.evaluate(CONTRAST) == []
    background = page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")
    assert background == {"light": "rgb(253, 252, 250)", "dark": "rgb(27, 31, 38)"}[scheme]
    page.close()


def test_mail_makes_no_requests(chromium: Any, html: Path) -> None:
    page = chromium.new_page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(html.as_uri(), wait_until="networkidle")
    assert requested == [html.as_uri()]
    page.close()
