"""The report in a real browser: every figure is drawn, and nothing is wider than the screen."""

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
  document.title = JSON.stringify({images: images, page: document.documentElement.scrollWidth, screen: innerWidth,
    loaded: performance.getEntriesByType("resource").map(r => r.name).filter(n => !n.startsWith("data:"))});
});</script></body>"""


def browse(page: Path, width: int, *arguments: str) -> str:
    done = subprocess.run(
        [
            str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
            "--virtual-time-budget=5000", f"--user-data-dir={page.parent / 'profile'}", f"--window-size={width},1400",
            *arguments, page.as_uri(),
        ],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize("width", [500, 900, 1400])  # the narrowest window that a headless Chromium has is 500 wide
def test_every_figure_is_drawn_at_every_width(finished_test_config: Laboratory, tmp_path: Path, width: int) -> None:
    report = finished_test_config.folder / "results/test/report.html"
    page = tmp_path / "report.html"
    page.write_text(report.read_text(encoding="utf-8").replace("</body>", PROBE), encoding="utf-8")
    title = re.search(r"<title>(.*?)</title>", browse(page, width, "--dump-dom"), re.DOTALL)
    assert title
    found = json.loads(title[1])
    figures = list((finished_test_config.folder / "results/test/figures").rglob("*.png"))
    assert len(found["images"]) == len(figures)
    for drawn, shown, alt in found["images"]:
        assert drawn
        assert 0 < shown <= width
        assert alt > 10
    assert found["page"] <= found["screen"] <= width
    assert found["loaded"] == []

    shot = tmp_path / "shot.png"
    browse(page, width, f"--screenshot={shot}")
    pixels = np.asarray(Image.open(shot).convert("L"))
    assert pixels.shape[1] == width
    assert pixels.std() > 10  # not blank
