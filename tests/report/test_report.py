"""The report holds every figure, check and published value, loads nothing, and escapes what it is given."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
import xarray as xr
from PIL import Image

from implicitbias.catalogue import CHECKS, METRICS
from implicitbias.report.build import _across, build
from implicitbias.studies.all_runs import gather
from implicitbias.studies.checks import run_check

LINES = {
    "figure": "lines", "quantities": ["test_error", "complexity"], "x": "train_size", "hue": "depth",
    "select": {"label_scale": 0.1},
}  # fmt: skip
ABOUT = {
    "decomposition": {"theme": "architecture", "papers": ["Bernstein & Yue 2021"]},
    "generalisation": {"theme": "architecture", "papers": ["Bernstein & Yue 2021", "Lee et al. 2019"]},
    "label_ray": {"theme": "steps"},
}


class Page(HTMLParser):
    """Tags with attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@pytest.fixture
def page(generalisation: xr.Dataset, label_ray: xr.Dataset, decomposed: xr.Dataset, tmp_path: Path) -> Page:
    image = tmp_path / "wide.png"
    Image.new("RGB", (1500, 750), "white").save(image, dpi=(150, 150))
    diverged = generalisation.copy(deep=True)
    diverged["stop_reason"].values[0, 0, 0, 0, 0] = "diverged"
    diverged.attrs["classes"] = "The infinitely wide networks have free rows, the trained ones rows of mean 0."
    text = build(
        {"decomposition": decomposed, "generalisation": diverged, "label_ray": label_ray},
        {"generalisation": {"wide": image}, "decomposition": {"path": image}},
        about=ABOUT,
        runs=gather({"generalisation": diverged}),
        overviews={"all_runs": image, "loss_curves": image},
        drawings={
            "generalisation": {"wide": LINES},
            "decomposition": {"path": {"figure": "decomposition"}},
            "label_ray": {},
        },
        checks={
            "generalisation": ["small_labels_hurt", "networks_beat_the_kernel_of_free_rows"],
            "label_ray": ["networks_fit"],
        },
        published={"generalisation": ["bernstein_yue_2021_section4"], "label_ray": ["bernstein_yue_2021_section5"]},
    )
    return Page(text)


def test_figures_are_inside_with_alternative_text(page: Page) -> None:
    images = [attrs for tag, attrs in page.tags if tag == "img" and attrs["src"] != "data:,"]
    assert len(images) == 5  # two of studies, one of them in the answer too, and two of all studies
    for image in images:
        assert str(image["src"]).startswith("data:image/png;base64,")
        assert image["alt"]
        assert (image["width"], image["height"]) == ("1080", "540")  # 10 inches wide, at 108 pixels an inch
    assert len({image["alt"] for image in images}) == 4
    shown = "test error, complexity (nat) against number of training points, by depth (label_scale 0.1)"
    assert sum(shown in str(image["alt"]) for image in images) == 1
    assert f"Wide. T{shown[1:]}." in page.text
    assert "Loss curves. The loss of every trained network" in " ".join(page.text.split())


def test_nothing_is_loaded_from_elsewhere(page: Page) -> None:
    for tag, attrs in page.tags:
        assert tag not in {"link", "iframe"}
        for key in ("src", "href"):
            assert not str(attrs.get(key, "")).startswith(("http", "//", "file:"))
        assert tag != "script" or "src" not in attrs


def test_every_study_is_in_the_contents_and_has_a_section_by_theme(page: Page) -> None:
    targets = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    links = [str(attrs["href"]) for tag, attrs in page.tags if tag == "a" and str(attrs["href"]).startswith("#")]
    assert {link[1:] for link in links} <= targets
    entries = [attrs["data-study"] for tag, attrs in page.tags if tag == "li" and "data-study" in attrs]
    sections = {attrs["data-study"]: attrs for tag, attrs in page.tags if tag == "section" and "data-study" in attrs}
    assert entries == list(sections) == list(ABOUT)
    assert sections["generalisation"]["data-papers"] == "Bernstein & Yue 2021|Lee et al. 2019"
    assert sections["generalisation"]["data-theme"] == "architecture"
    assert sections["generalisation"]["data-outcomes"] == "passed|not run"
    assert sections["label_ray"]["data-outcomes"] == "passed"
    assert sections["decomposition"]["data-outcomes"] == ""
    assert {"All themes", "Architecture", "Steps"} <= {piece.strip().capitalize() for piece in page.pieces}


def test_checks_show_outcome_and_numbers(page: Page) -> None:
    badges = [attrs.get("class") for tag, attrs in page.tags if tag == "span"]
    assert badges.count("badge passed") == 2 + 2 + 1  # in the studies, beside their names, in the sum
    assert badges.count("badge not-run") == 1 + 1 + 1
    assert "2 passed" in page.text
    assert "rise of the test error from label scale 1 to 0.1" in page.text


def test_metrics_are_explained_beside_their_values(page: Page) -> None:
    told = page.text[page.text.index("What the metrics are") :]
    assert METRICS["train_error"].summary in told
    assert METRICS["kkt_slackness"].summary not in told  # not measured


def test_a_config_that_asks_something_else_says_what(generalisation: xr.Dataset) -> None:
    asking = generalisation.assign_attrs(question="Do wide networks err less?")
    drawings = {"mine": {"a": {"figure": "lines"}}}
    page = build(
        {"mine": asking}, {}, runs=None, overviews={}, about={"mine": {}}, drawings=drawings, checks={}, published={}
    )
    answer = page[page.index('id="report.answer"') : page.index('id="report.failures"')]
    assert 'Do wide networks err less? <a href="#mine"' in answer
    assert "Not told here" not in answer


def test_the_figure_of_all_runs_is_left_out_where_it_would_be_empty(generalisation: xr.Dataset, tmp_path: Path) -> None:
    image = tmp_path / "some.png"
    Image.new("RGB", (150, 75), "white").save(image, dpi=(150, 150))
    runs = gather({"generalisation": generalisation})
    few = runs.drop_vars("gibbs_error", errors="ignore").isel(metric=[])
    told = {"about": {"mine": {}}, "drawings": {}, "checks": {}, "published": {}}
    overviews = {"all_runs": image, "loss_curves": image}
    whole, part = (build({"mine": generalisation}, {}, runs=each, overviews=overviews, **told) for each in (runs, few))
    assert "Which metrics predict" in whole
    assert "Which metrics predict" not in part
    assert "The loss of every trained network" in part


def test_failed_checks_stand_together_with_their_numbers(generalisation: xr.Dataset) -> None:
    worse = generalisation.assign(train_error=generalisation["train_error"] + 0.5)
    page = Page(
        build({"generalisation": worse}, {}, runs=None, overviews={}, about={"generalisation": {}}, drawings={},
              checks={"generalisation": ["networks_fit", "small_labels_hurt"]}, published={})
    )  # fmt: skip
    text = page.text
    listed = text[text.index("Checks that failed") : text.index("Studies")]
    assert CHECKS["networks_fit"].description in listed
    assert CHECKS["small_labels_hurt"].description not in listed
    assert run_check("networks_fit", worse).numbers in listed
    assert "Checks that were not run" not in text


def test_published_values_stand_beside_ours(page: Page) -> None:
    numbers = [attrs for tag, attrs in page.tags if tag == "td" and attrs.get("class") == "number"]
    told = [attrs for attrs in numbers if attrs]
    assert "0.3348" in page.text
    assert len(told) >= 5 * (32 + 23)
    assert "2 more are at points that this study does not have." in page.text
    assert "0.08944" in page.text  # ours: 2/sqrt(500)


def test_earlier_numbers_of_this_project_stand_apart_and_count_for_nothing(page: Page) -> None:
    published, own = page.text.split(
        "This project's earlier numbers beside today's: Label ray of Bernstein & Yue (2021), section 5"
    )
    assert "Published values beside ours: Label ray of Bernstein & Yue (2021), section 5" in published
    assert "computed once beforehand" not in published
    assert "are no evidence for what the study finds" in own
    assert "computed once beforehand" in own


def test_small_numbers_and_spreads_are_shown(page: Page) -> None:
    cells = [piece.strip() for piece in page.pieces]
    assert "0.3348" in cells
    assert "2e-06" in cells  # the spread of a reference value
    assert "0.000" not in cells


def test_the_class_of_the_kernels_networks_is_told(page: Page) -> None:
    assert page.text.count("The infinitely wide networks have free rows, the trained ones rows of mean 0.") == 1


def test_diverged_networks_are_counted(page: Page) -> None:
    place = "labels decimal, train size 50, depth 2, label scale 0.1"
    assert f"1 of 108 trained networks diverged: at {place} (1 of 3)." in page.text


def test_the_path_from_chance_is_told_first(page: Page) -> None:
    assert page.text.index("20.0 % (") < page.text.index("Checks of all studies:")
    assert "The architecture alone: given n = 200 points with decimal labels" in page.text


def test_the_estimators_gap_is_told_with_its_study(page: Page) -> None:
    note = "at n = 500, the published estimator of the complexity lies +13.4 to +26.8 nats from the true one"
    assert page.text.index(note) > page.text.index("Checks of all studies:")


def test_the_front_page_speaks_of_all_runs(page: Page) -> None:
    assert "108 trained networks on 9 tasks, each with all its draws of points." in page.text


def test_the_metrics_that_go_with_the_test_error_are_named() -> None:
    found = {"within": [-0.5, 0.9, -0.7], "within_low": [-0.8, -0.1, -0.9], "within_high": [-0.1, 1.0, -0.3]}
    table = xr.Dataset(
        {"task": ("run", ["a", "a", "b"]), "within_groups": ("metric", [3, 4, 5])}
        | {key: ("metric", values) for key, values in found.items()},
        {"metric": ["margin_l2", "stable_rank", "normalized_margin"]},
    )
    text = _across(table)
    assert "Of 3 metrics 2 go with the test error" in text
    assert "normalised margin -0.70 (-0.90 to -0.30, 5 groups); ℓ2-normalised margin -0.50 (-0.80 to -0.10, 3" in text
    assert "stable rank" not in text
    assert "does not hold 0. This is" in _across(table.isel(metric=[1]))


def test_what_is_missing_is_named_first_and_the_rest_is_there(generalisation: xr.Dataset) -> None:
    missing = {"studies/other": "train failed: no <room>", "figures/generalisation/wide": "draw_figure failed: no ink"}
    about = {"generalisation": {}, "other": {"theme": "rank", "papers": ["Frei et al. 2023"], "question": "Why?"}}
    page = Page(
        build({"generalisation": generalisation}, {}, runs=None, overviews={}, about=about, drawings={}, checks={},
              published={}, missing=missing, failed=[{"job": "train", "reason": "no <room>", "log": "logs/a.log"}])
    )  # fmt: skip
    text = " ".join(page.text.split())
    assert text.index("This report is not whole") < text.rindex("The answer") < text.index("Jobs that failed")
    assert {"train", "no <room>", "logs/a.log"} <= {*page.pieces}
    assert {"study other", "train failed: no <room>"} <= {*page.pieces}
    assert {"figure wide of study generalisation", "draw_figure failed: no ink"} <= {*page.pieces}
    assert "Missing: study other. train failed: no <room>" in text
    assert ("meta", {"name": "config", "content": ""}) in page.tags
    sections = {attrs["data-study"]: attrs for tag, attrs in page.tags if tag == "section" and "data-study" in attrs}
    assert sections["other"]["data-outcomes"] == sections["generalisation"]["data-outcomes"] == "incomplete"
    assert ("h3", {"id": "other"}) in page.tags
    assert ("a", {"href": "#other"}) in page.tags
    assert "Why?" in text


def test_a_whole_report_names_its_config_and_nothing_missing(page: Page) -> None:
    assert "not whole" not in page.text
    assert "No job failed" in page.text


def test_text_is_escaped(page: Page) -> None:
    assert "why & <how>?" in page.text
    assert "how" not in {tag for tag, _ in page.tags}


def test_the_page_fits_a_phone(page: Page) -> None:
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.tags
