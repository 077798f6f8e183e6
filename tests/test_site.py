"""The documentation site: built without a warning, whole, and read without a network."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

from implicitbias.catalogue import METRICS
from implicitbias.config.load import config_of

ROOT = Path(__file__).parents[1]
LOADED = re.compile(
    r"<(?:script|img|iframe|source|video)[^>]*\ssrc=\"(?:https?:)?//[^\"]*\""
    r"|<link(?![^>]*rel=\"canonical\")[^>]*\shref=\"(?:https?:)?//[^\"]*\""
    r"|url\([\"']?(?:https?:)?//[^)]*\)|@import[^;]*//[^;]*;"
)
"""What a browser fetches by itself from another host, in HTML or CSS; links to be clicked are none of it."""


@pytest.fixture(scope="module")
def site() -> Path:
    """The site as `make docs` builds it; what that has built already is not built again."""
    folder = ROOT / "docs/_build"
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "docs", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def words(page: Path) -> str:
    """What is read on a page, without punctuation."""
    return re.sub(r"\W+", " ", html.unescape(re.sub(r"<[^>]*>", "", text(page))))


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    assert LOADED.search('<script src="https://a.b/c.js">')
    assert LOADED.search("@font-face { src: url(//a.b/c.woff2) }")
    assert not LOADED.search('<a href="https://arxiv.org/abs/2110.04274">')
    files = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(files) > 40
    assert {found[0] for file in files for found in LOADED.finditer(text(file))} == set()


def test_every_study_metric_and_module_has_its_place(site: Path) -> None:
    studies = config_of(ROOT / "config/config.yaml").studies
    page = text(site / "reference/studies.html")
    assert [name for name in studies if f">{name}<" not in page] == []
    read = words(site / "reference/studies.html")
    questions = [re.sub(r"\W+", " ", study.question).strip() for study in studies.values()]
    assert [question for question in questions if question not in read] == []
    page = text(site / "reference/metrics.html")
    linked = re.findall(r'href="api/implicitbias.measurement.html#(implicitbias[\w.]+)"', page)
    assert [name for name in METRICS if f">{name}<" not in page] == []
    assert len(linked) > 50
    api = "".join(text(page) for page in (site / "reference/api").glob("*.html"))
    assert [target for target in linked if f'id="{target}"' not in api] == []
    modules = [path for path in (ROOT / "src/implicitbias").rglob("[a-z]*.py") if not path.stem.startswith("_")]
    named = {".".join(path.relative_to(ROOT / "src").with_suffix("").parts) for path in modules}
    assert {name for name in named if f'id="module-{name}"' not in api} == set()


def test_docstrings_are_read_as_they_were_meant(site: Path) -> None:
    """Shapes are code, arguments and errors are lists, and bars are norms."""
    read = words(site / "reference/api/implicitbias.nngp.html")
    assert "Logarithm of P sign f labels for f N mean K Parameters kernel n n covariance K" in read
    assert "Raises ConfigError for an unknown method" in read
    assert "|theta|^M" in text(site / "reference/api/implicitbias.measurement.html")
    for file in (site / "reference/api").glob("*.html"):
        assert 'class="problematic"' not in text(file)
        assert not re.search(r">(Args|Returns|Raises|Attributes):\s", text(file)), file
