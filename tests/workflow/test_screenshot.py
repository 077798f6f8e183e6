"""The report in a real browser: every figure is drawn, and nothing is wider than the screen."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from laboratory import Laboratory
from PIL import Image

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed (Debian: apt-get install chromium)")

PROBE = """<script>addEventListener("load", () => {
  const images = [...document.images].map(i => [i.complete && i.naturalWidth > 0, i.clientWidth, i.alt.length]);
  parent.postMessage({images: images, page: document.documentElement.scrollWidth, screen: innerWidth,
    loaded: performance.getEntriesByType("resource").map(r => r.name).filter(n => !n.startsWith("data:"))}, "*");
});</script></body>"""
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


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_every_figure_is_drawn_at_every_width(finished_test_config: Laboratory, tmp_path: Path, width: int) -> None:
    report = finished_test_config.folder / "results/test/report.html"
    probed = report.read_text(encoding="utf-8").replace("</body>", PROBE)
    (tmp_path / "report.html").write_text(probed, encoding="utf-8")
    page = tmp_path / "frame.html"
    page.write_text(FRAME.format(width=width), encoding="utf-8")
    title = re.search(r"<title>(.*?)</title>", browse(page, "--dump-dom"), re.DOTALL)
    assert title
    found = json.loads(html.unescape(title[1]))
    figures = list((finished_test_config.folder / "results/test/figures").rglob("*.png"))
    assert len(found["images"]) == len(figures)
    for drawn, shown, alt in found["images"]:
        assert drawn
        assert 0 < shown <= width
        assert alt > 10
    assert found["page"] <= found["screen"] == width
    assert found["loaded"] == []

    shot = tmp_path / "shot.png"
    browse(page, f"--screenshot={shot}")
    pixels = np.asarray(Image.open(shot).convert("L"))[:, :width]
    assert pixels.std() > 10  # not blank
