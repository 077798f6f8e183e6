"""The first page's sentences are made from the data: each with a number and its interval, and none without."""

import re

import pytest
import xarray as xr

from implicitbias.report.answers import sentences, steps_table, unanswered


def told(dataset: xr.Dataset) -> list[str]:
    return [sentence.text for sentence in sentences(dataset, ["decomposition", "learning_rate"])]


def test_the_path_is_told_in_four_sentences(decomposed: xr.Dataset) -> None:
    prior, targets, own, small = told(decomposed)
    pieces_of = {
        prior: ("n = 200", "depth 7", "20.0 % ("),
        targets: ("±1 (4 prior standard deviations)", "10.0 % (", "10.0 points less ("),
        own: ("8.0 % (", "2.0 points less (", "12.0 % ("),
        small: ("±0.1 (0.4 prior", "35.0 % (", "10.0 % (", "25.0 points less ("),
    }
    for line, pieces in pieces_of.items():
        assert all(piece in line for piece in pieces), line


def test_no_sentence_without_number_and_interval(decomposed: xr.Dataset) -> None:
    for line in told(decomposed):
        assert re.search(r"\d+\.\d % \(\d+\.\d to \d+\.\d %\)", line)
        assert "nan" not in line
    assert told(decomposed.isel(seed=[0])) == []
    assert told(decomposed.isel(seed=0)) == []


def test_words_follow_the_sign_and_the_interval(decomposed: xr.Dataset) -> None:
    worse = decomposed.assign(test_error_by_point=decomposed["test_error_by_point"] + 0.1)
    assert "8.0 points more (" in told(worse)[2]
    noise = 0.2 * (decomposed["seed"] % 2 - 0.5)
    unsure = decomposed.assign(test_error_by_point=decomposed["test_error_by_point"] + noise)
    assert "which the interval does not tell from none" in told(unsure)[2]
    assert "does not tell" not in told(decomposed)[2]


def test_the_size_of_the_steps_is_told_in_one_sentence(learning_rate: xr.Dataset) -> None:
    (line,) = told(learning_rate)
    assert f"width {learning_rate['width'].values.max()}" in line
    assert re.search(r"times less \(\d+\.\d to \d+\.\d\)", line)
    assert len(re.findall(r"\d+\.\d % \(\d+\.\d to \d+\.\d %\)", line)) == 2
    assert told(learning_rate.isel(seed=[0])) == []


def test_only_the_figures_of_the_main_result_speak_on_the_first_page(
    decomposed: xr.Dataset, learning_rate: xr.Dataset, label_ray: xr.Dataset
) -> None:
    assert sentences(decomposed, ["decomposition_by_size"]) == []
    assert sentences(learning_rate, ["decomposition", "lines"]) == []
    assert sentences(label_ray, ["label_ray"]) == []


def test_studies_that_cannot_be_decomposed_say_nothing(decomposed: xr.Dataset, generalisation: xr.Dataset) -> None:
    assert told(generalisation) == []
    assert told(decomposed.assign_coords(labels="random")) == []


def test_the_sentences_follow_the_data(decomposed: xr.Dataset) -> None:
    """Other numbers, other sentences: nothing is written down beforehand."""
    better = decomposed.assign(gibbs_error_by_point=decomposed["gibbs_error_by_point"] - 0.07)
    before, after = told(decomposed), told(better)
    assert "err on 20.0 % (" in before[0]
    assert "err on 13.0 % (" in after[0]
    assert "10.0 points less (" in before[1]
    assert "3.0 points less (" in after[1]
    assert before[3] == after[3]  # small targets speak of what did not change


def test_the_table_has_a_row_for_every_label_scale_and_depth(decomposed: xr.Dataset) -> None:
    rows = steps_table(decomposed)
    assert [(row["depth"], row["outputs"]) for row in rows] == [
        ("2", "±0.1 (0.12)"), ("2", "±1 (1.2)"), ("7", "±0.1 (0.4)"), ("7", "±1 (4)"),
    ]  # fmt: skip
    deep = rows[-1]
    assert [deep[step].split(" (")[0] for step in ("prior", "targets", "lazy", "features", "change")] == [
        "20.0 %", "10.0 %", "12.0 %", "8.0 %", "-2.0",
    ]  # fmt: skip
    assert steps_table(decomposed.drop_vars("lazy_error_by_point")) == []


BOTH = {"path": {"decomposition"}, "rates": {"learning_rate"}}


@pytest.mark.parametrize(
    ("drawn", "said", "made", "words"),
    [
        (BOTH, ["path", "rates"], ["path", "rates"], []),
        (
            {"path": {"decomposition"}},
            ["path"],
            ["path"],
            ["no study with the figure learning_rate"],
        ),
        (BOTH, ["path"], ["path"], ["jobs of rates failed"]),
        (BOTH, ["path"], ["path", "rates"], ["rates would need true labels"]),
        (BOTH, [], [], ["jobs of path failed", "jobs of rates failed"]),
    ],
    ids=["all told", "no such study", "jobs failed", "too little", "nothing"],
)
def test_what_is_not_told_is_said(
    drawn: dict[str, set[str]], said: list[str], made: list[str], words: list[str]
) -> None:
    lines = unanswered(drawn, said, made)
    assert len(lines) == len(words)
    for line, word in zip(lines, words, strict=True):
        assert line.startswith("Not told here: ")
        assert word in line
