"""The report holds every figure, check and published value, loads nothing, and escapes what it is given."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
import xarray as xr

from implicitbias.report.build import _across, build
from implicitbias.studies.all_runs import gather

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


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
    image.write_bytes(PIXEL)
    diverged = generalisation.copy(deep=True)
    diverged["stop_reason"].values[0, 0, 0, 0, 0] = "diverged"
    diverged.attrs["classes"] = "The infinitely wide networks have free rows, the trained ones rows of mean 0."
    text = build(
        {"decomposition": decomposed, "generalisation": diverged, "label_ray": label_ray},
        {"generalisation": {"wide": image}},
        runs=gather({"generalisation": diverged}),
        overviews={"all_runs": image, "loss_curves": image},
        drawings={"generalisation": {"wide": "bounds"}, "decomposition": {"path": "decomposition"}},
        checks={
            "generalisation": ["small_labels_hurt", "networks_beat_the_kernel_of_free_rows"],
            "label_ray": ["networks_fit"],
        },
        published={"generalisation": ["bernstein_yue_2021_section4"], "label_ray": ["bernstein_yue_2021_section5"]},
    )
    return Page(text)


def test_figures_are_inside_with_alternative_text(page: Page) -> None:
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 3
    for image in images:
        assert str(image["src"]).startswith("data:image/png;base64,")
        assert image["alt"]
    assert len({image["alt"] for image in images}) == 3
    assert "Loss curves. the loss of every trained network" in " ".join(page.text.split())


def test_nothing_is_loaded_from_elsewhere(page: Page) -> None:
    for tag, attrs in page.tags:
        assert tag not in {"script", "link", "iframe"}
        for key in ("src", "href"):
            assert not str(attrs.get(key, "")).startswith(("http", "//", "file:"))


def test_checks_show_outcome_and_numbers(page: Page) -> None:
    badges = [attrs.get("class") for tag, attrs in page.tags if tag == "span"]
    assert badges.count("badge passed") == 2 + 2 + 1  # in the studies, beside their names, in the sum
    assert badges.count("badge not-run") == 1 + 1 + 1
    assert "2 passed" in page.text
    assert "rise of the test error from label scale 1 to 0.1" in page.text


def test_published_values_stand_beside_ours(page: Page) -> None:
    numbers = [attrs for tag, attrs in page.tags if tag == "td" and attrs.get("class") == "number"]
    assert len(numbers) == 5 * (32 + 23)
    assert "2 more are at points that this study does not have." in page.text
    assert "0.08944" in page.text  # ours: 2/sqrt(500)


def test_earlier_numbers_of_this_project_stand_apart_and_count_for_nothing(page: Page) -> None:
    published, own = page.text.split("This project's earlier numbers beside today's: the label ray of section 5")
    assert "Published values beside ours: the label ray of section 5" in published
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
    assert page.text.index("20.0 % (") < page.text.index("Checks:")
    assert "The architecture alone: given n = 200 points with decimal labels" in page.text


def test_the_estimators_gap_is_told_with_its_study(page: Page) -> None:
    note = "at n = 500, the published estimator of the complexity lies +13.4 to +26.8 nats from the true one"
    assert page.text.index(note) > page.text.index("Checks:")


def test_the_front_page_speaks_of_all_runs(page: Page) -> None:
    assert "108 trained networks on 9 kinds of tasks." in page.text


def test_the_metrics_that_go_with_the_test_error_are_named() -> None:
    found = {"within": [-0.5, 0.9, -0.7], "within_low": [-0.8, -0.1, -0.9], "within_high": [-0.1, 1.0, -0.3]}
    table = xr.Dataset(
        {"task": ("run", ["a", "a", "b"]), "within_groups": ("metric", [3, 4, 5])}
        | {key: ("metric", values) for key, values in found.items()},
        {"metric": ["margin_l2", "stable_rank", "normalized_margin"]},
    )
    text = _across(table)
    assert "Of 3 metrics 2 go with the test error" in text
    assert "normalised margin -0.70 (-0.90 to -0.30, 5 groups); margin by the 2-norm -0.50 (-0.80 to -0.10, 3" in text
    assert "stable rank" not in text
    assert "does not hold 0. This is" in _across(table.isel(metric=[1]))


def test_what_is_missing_is_named_first_and_the_rest_is_there(generalisation: xr.Dataset) -> None:
    missing = {"study other": "train failed: no <room>"}
    page = Page(
        build({"generalisation": generalisation}, {}, runs=None, overviews={}, drawings={}, checks={}, published={},
              missing=missing)
    )  # fmt: skip
    assert page.text.index("This report is not whole") < page.text.index("study other") < page.text.index("In short")
    assert "train failed: no <room>" in page.text
    assert ("meta", {"name": "config", "content": ""}) in page.tags
    assert ("h2", {"id": "generalisation"}) in page.tags


def test_a_whole_report_names_its_config_and_nothing_missing(page: Page) -> None:
    assert "not whole" not in page.text


def test_text_is_escaped(page: Page) -> None:
    assert "why & <how>?" in page.text
    assert "how" not in {tag for tag, _ in page.tags}


def test_the_page_fits_a_phone(page: Page) -> None:
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.tags
