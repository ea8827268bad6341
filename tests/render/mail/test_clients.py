"""The mail where it is read: what caniemail.com knows of each client, and Chromium at the width of a mail and of a phone."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from auditor.history import compare
from auditor.render.mail.message import render_mail
from auditor.render.mail.view import Reader
from tests.builders.result.results import night_before, result

pytestmark = pytest.mark.slow

CLIENTS = ("outlook.windows", "outlook.macos", "outlook.outlook-com", "outlook.ios", "outlook.android",
           "gmail.desktop-webmail", "gmail.ios", "gmail.android", "apple-mail.macos", "apple-mail.ios", "yahoo.desktop-webmail")  # fmt: skip
BEARABLE = {
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
"""What some client does not know and the mail does not need there: cells have `nowrap` and `height`, the preview
`mso-hide`, and the colour of the body stands in a table too."""
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
    path.write_text(render_mail(compare(result(), night_before()), reader).html, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def caniemail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of caniemail.com in its package, brought by npm."""
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
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=40)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not bring {PACKAGE} in time")
    if done.returncode:
        pytest.skip(f"npm could not bring {PACKAGE}: {done.stderr.strip()[-200:]}")
    (folder / "check.mjs").write_text(SCRIPT, encoding="utf-8")
    return folder


def judged(folder: Path, html: Path) -> dict[str, list[str]]:
    done = subprocess.run(
        ["node", "check.mjs", str(html), *CLIENTS], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_every_client_knows_what_the_mail_needs(caniemail: Path, html: Path) -> None:
    found = judged(caniemail, html)
    assert {client: sorted(set(titles) - BEARABLE) for client, titles in found.items() if set(titles) - BEARABLE} == {}


def test_the_data_would_say_so(caniemail: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<body><div style='display: grid; border-radius: 4px'><svg></svg></div></body>", encoding="utf-8")
    assert judged(caniemail, bad)["outlook.windows"]


def test_space_inside_is_for_cells_alone(html: Path) -> None:
    """Word's engine passes over the padding of anything else."""
    styled = re.findall(r"<(\w+)\b[^>]*style=\"[^\"]*padding[^\"]*\"", html.read_text(encoding="utf-8"))
    assert set(styled) <= {"td", "th", "body"}


@pytest.mark.parametrize("width", [320, 375, 600, 1200])
def test_nothing_is_cut_off_at_any_width(chromium: Any, html: Path, width: int) -> None:
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
def test_every_text_can_be_read_in_light_and_dark(chromium: Any, html: Path, scheme: str) -> None:
    page = chromium.new_page(viewport={"width": 600, "height": 800}, color_scheme=scheme)
    page.goto(html.as_uri())
    assert page.evaluate(CONTRAST) == []
    ground = page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")
    assert ground == {"light": "rgb(253, 252, 250)", "dark": "rgb(27, 31, 38)"}[scheme]
    page.close()


def test_nothing_is_asked_for_from_anywhere(chromium: Any, html: Path) -> None:
    page = chromium.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(html.as_uri(), wait_until="networkidle")
    assert asked == [html.as_uri()]
    page.close()
