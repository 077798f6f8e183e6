"""The report in a real browser: figures are legible, nothing is wider than the screen, the filter works."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from laboratory import Laboratory
from PIL import Image

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed (Debian: apt-get install chromium)")

PROBE = """<script>addEventListener("load", () => setTimeout(() => {
  const tell = (found) => parent.postMessage(found, "*");
  const seen = (selector) => [...document.querySelectorAll(selector)].filter((part) => part.checkVisibility());
  %s
}));</script></body>"""
LOOK = """const images = seen("figure img").map(i => [i.complete && i.naturalWidth > 0, i.clientWidth / i.naturalWidth,
    i.closest(".picture").clientWidth, i.alt.length]);
  tell({images: images, page: document.documentElement.scrollWidth, screen: innerWidth,
    loaded: performance.getEntriesByType("resource").map(r => r.name).filter(n => !n.startsWith("data:"))});"""
FRAME = """<!doctype html><title>waiting</title>
<style>body {{ margin: 0 }} iframe {{ border: 0; display: block }}</style>
<script>addEventListener("message", e => {{ document.title = JSON.stringify(e.data) }});</script>
<iframe src="report.html" width="{width}" height="1400"></iframe>"""
"""A window as narrow as a phone's, which a headless Chromium does not have itself."""


def browse(page: Path, *arguments: str) -> str:
    done = subprocess.run(
        [
            str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
            "--virtual-time-budget=5000", f"--user-data-dir={page.parent / 'profile'}", "--window-size=1500,1400",
            *arguments, page.as_uri(),
        ],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return done.stdout


def asked(laboratory: Laboratory, folder: Path, script: str, width: int = 1400) -> tuple[Path, Any]:
    """The page in a window of this width, and what a script that has looked at it tells."""
    report = laboratory.folder / "results/test/report.html"
    probed = report.read_text(encoding="utf-8").replace("</body>", PROBE.replace("%s", script))
    (folder / "report.html").write_text(probed, encoding="utf-8")
    page = folder / "frame.html"
    page.write_text(FRAME.format(width=width), encoding="utf-8")
    title = re.search(r"<title>(.*?)</title>", browse(page, "--dump-dom"), re.DOTALL)
    assert title
    return page, json.loads(html.unescape(title[1]))


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_every_figure_is_drawn_at_every_width(finished_test_config: Laboratory, tmp_path: Path, width: int) -> None:
    page, found = asked(finished_test_config, tmp_path, LOOK, width)
    figures = list((finished_test_config.folder / "results/test/figures").rglob("*.png"))
    assert len(found["images"]) == len(figures) + 1  # the decomposition stands in the answer too
    for drawn, scale, frame, alt in found["images"]:
        assert drawn
        assert scale == pytest.approx(0.72, abs=0.01)  # letters of 7.5 points are 11 pixels high, at any width
        assert 0 < frame <= width
        assert alt > 10
    assert found["page"] <= found["screen"] == width
    assert found["loaded"] == []

    shot = tmp_path / "shot.png"
    browse(page, f"--screenshot={shot}")
    pixels = np.asarray(Image.open(shot).convert("L"))[:, :width]
    assert pixels.std() > 10  # not blank


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("theme", "probabilities", ["calibration", "orthant", "orthant_depth"]),
        ("paper", "Lee et al. 2019", ["decomposition"]),
        ("paper", "", None),
        ("outcome", "incomplete", []),
    ],
)
def test_the_filter_leaves_what_is_asked_for(
    finished_test_config: Laboratory, tmp_path: Path, name: str, value: str, expected: list[str] | None
) -> None:
    script = f"""const form = document.forms[0];
      form.elements.{name}.value = {json.dumps(value)};
      form.dispatchEvent(new Event("change", {{bubbles: true}}));
      const names = (selector) => seen(selector).map((part) => part.dataset.study);
      tell({{sections: names("section[data-study]"), entries: names("li[data-study]"),
        all: document.querySelectorAll("section[data-study]").length,
        count: document.querySelector("output").value}});"""
    _, found = asked(finished_test_config, tmp_path, script)
    assert found["all"] == 12
    assert len(found["sections"]) == 12 if expected is None else found["sections"] == expected
    assert found["entries"] == found["sections"]
    assert found["count"] == f"{len(found['sections'])} of 12 studies"


def test_a_link_leads_to_a_study_that_was_filtered_out(finished_test_config: Laboratory, tmp_path: Path) -> None:
    script = """const form = document.forms[0];
      form.elements.theme.value = "probabilities";
      form.dispatchEvent(new Event("change", {bubbles: true}));
      const before = seen("#decomposition").length;
      addEventListener("hashchange", () => setTimeout(() => tell([before, seen("#decomposition").length]), 100));
      location.hash = "#decomposition";"""
    assert asked(finished_test_config, tmp_path, script)[1] == [0, 1]


def test_a_figure_opens_at_full_size(finished_test_config: Laboratory, tmp_path: Path) -> None:
    script = """const before = seen("dialog").length, button = document.querySelector("button.enlarge");
      button.click();
      setTimeout(() => { const shown = document.querySelector("dialog img");
        tell([before, seen("dialog").length, shown.width / shown.naturalWidth, shown.alt.length > 10]); }, 300);"""
    assert asked(finished_test_config, tmp_path, script)[1] == [0, 1, 1, True]
