"""What YAML 1.1 takes for something else than it looks is refused; the rest means what it says."""

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from implicitbias.config.jobs import STAGES
from implicitbias.config.layout import PICTURES, dataset, log_of, picture
from implicitbias.config.load import validate
from implicitbias.config.plan import make_plan
from implicitbias.config.strict_yaml import parse, read_yaml
from implicitbias.errors import ConfigError

STUDY = """
name: {name}
studies:
  {study}:
    task: {{source: digits, labels: decimal, train_size: {size}, seed: {seed}}}
    network: {{depth: 2, width: 8}}
    training: {{learning_rate: {rate}}}
    metrics: [test_error]
    figures:
      {figure}: {{figure: lines, quantities: [test_error]}}
"""


def text(name="try", study="one", figure="errors", size="20", seed="0", rate="0.1") -> str:
    return STUDY.format(name=name, study=study, figure=figure, size=size, seed=seed, rate=rate)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.yaml"


@pytest.mark.parametrize(
    "number", ["017", "020", "1:30", "0x10", "1_0", "0b11", "-07", "1_0.5", "1:30.5", "2001-02-03"]
)
def test_numbers_in_other_notations_are_refused_with_file_key_and_value(path: Path, number: str) -> None:
    path.write_text(text(size=number))
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    for part in (str(path), "line 5", "studies.one.task.train_size", f"reads {number} as", "allowed: decimal numbers"):
        assert part in str(caught.value)


def test_the_same_in_quotes_is_text_and_plain_numbers_are_what_they_look_like() -> None:
    content = parse("a: [0, -3, 20, 0.5, .5, 00.5, 1., 1.5e+3, -.inf]\nb: ['017', \"1:30\", true, null, 01-02-x]")
    assert content["a"] == [0, -3, 20, 0.5, 0.5, 0.5, 1.0, 1500.0, -float("inf")]
    assert content["b"] == ["017", "1:30", True, None, "01-02-x"]


@pytest.mark.parametrize(("written", "value"), [("1e-3", 0.001), ("1.5e3", 1500.0), (".5e1", 5.0), ("+2E0", 2.0)])
def test_exponents_are_read_without_a_dot_and_without_a_sign(written: str, value: float) -> None:
    study = validate(parse(text(rate=written))).studies["one"]
    assert study.training is not None
    assert study.training.learning_rate == value


def test_merged_blocks_are_merged() -> None:
    merged = parse("a: &base {width: 8, depth: 2}\nb:\n  <<: *base\n  depth: 3\nc: {<<: [*base, {more: 1}]}")
    assert merged["b"] == {"width": 8, "depth": 3}
    assert merged["c"] == {"width": 8, "depth": 2, "more": 1}


@pytest.mark.parametrize(
    ("content", "fragments"),
    [
        ("studies: {one: {{x}}}", ["studies.one", "templates in braces"]),
        ("a: {no: 1}", ["the key no as true or false", "in quotes"]),
        ("a: {5: 1}", ["the key 5 as a number"]),
        ("a: !!python/name:os.system x", ["there are no tags"]),
        ("a: !!int x", ["reads x as a number"]),
        ("a: 1\nb:\n  c: 1\n  c: 2", ["line 4: b", "'c' stands twice"]),
        ("a: &x {b: 1}\nc: {<<: 3}", ["expected a mapping"]),
        ("studies:\n\tone: 1", ["line 2", "not by tabs"]),
        ("", ["is empty", "'studies'"]),
        ("- a", ["is no mapping"]),
        ("[" * 10_000, ["too deep"]),
        ("a: " + "9" * 5000, ["not valid YAML", "digits"]),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_one_line(path: Path, content: str, fragments: list[str]) -> None:
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    for fragment in [str(path), *fragments]:
        assert fragment in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_files_that_are_no_text_are_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("name: ä".encode("latin-1"))
    (tmp_path / "folder.yaml").mkdir()
    for name, reason in (("latin", "not UTF-8 text"), ("folder", "Is a directory"), ("none", "No such file")):
        with pytest.raises(ConfigError, match=rf"{name}\.yaml: .*{reason}"):
            read_yaml(tmp_path / f"{name}.yaml")


def test_a_block_that_holds_itself_is_refused() -> None:
    with pytest.raises(ConfigError):
        validate(parse("studies: &a {one: *a}"))
    with pytest.raises(ConfigError):
        validate(parse("studies: {one: {task: {source: digits, train_size: &a [*a]}}}"))


NAMES = ["a b", "a.b", "ä", "a/b", "../../../esc", "", "a" * 101, "a\n", "a" * 20, "{a}", "*", "~"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["study", "figure", "name"])
def test_names_that_cannot_be_files_are_refused(kind: str, name: str) -> None:
    if (kind, name) == ("name", ""):
        return  # a config need not have one
    content = parse(text(**{kind: yaml.safe_dump(name, default_style='"', width=10_000).strip()}))
    with pytest.raises(ConfigError) as caught:
        validate(content)
    keys = {"study": "config: studies, key", "figure": "config: studies.one.figures, key", "name": "config: name ="}
    for part in (keys[kind], repr(name)[:101], "allowed: "):
        assert part in str(caught.value)


def components(name: str, study: str, figure: str) -> set[str]:
    """Every name of a file or folder, with those that temporary files may have."""
    paths = [dataset(f"studies/{study}", name), log_of(f"figures/{study}/{figure}", name)]
    paths += [picture(f"{study}/{figure}", suffix, name) for suffix in PICTURES]
    parts = {part for path in paths for part in Path(path).parts}
    return {f".{part}.{'h' * 64}.{2**22}.part" for part in parts}  # the longest host name, the largest process


def test_the_longest_names_fit_into_a_file_system() -> None:
    longest = ("abcdefghij_klmnopqrstuvwxyz-0123456789" * 3)[:100]
    assert validate(parse(text(longest, longest, longest)))
    assert max(len(part.encode()) for part in components(longest, longest, longest)) <= 255


def accepted(content: str) -> bool:
    """Whether a config is accepted; if so, every file is in the results folder and has a name that can be."""
    try:
        config = validate(parse(content))
        plan = make_plan(config)
    except (ConfigError, yaml.YAMLError):
        return False
    paths = [dataset(f"{stage}/{key}", "") for stage in STAGES for key in plan.jobs[stage]]
    for study, planned in plan.studies.items():
        paths.append(dataset(f"studies/{study}", config.name))
        paths += [picture(f"{study}/{figure}", "png", config.name) for figure in planned.figures]
    root = Path("results").resolve()
    for path in paths:
        assert Path(path).resolve().is_relative_to(root)
        assert Path(path).resolve() != root
        assert all(part.isprintable() and len(part.encode()) <= 255 for part in Path(path).parts)
    return True


words = st.one_of(st.text(max_size=12), st.text("ab_-./\\ ~{}*?'\"\n\t", max_size=12), st.sampled_from(NAMES))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from(["name", "study", "figure"]), words, st.booleans())
@example("figure", "errors", False)
def test_any_name_is_a_file_in_the_results_or_refused(kind: str, name: str, quoted: bool) -> None:
    written = yaml.safe_dump(name, default_style='"', width=10_000, allow_unicode=True).strip() if quoted else name
    known = accepted(text(**{kind: written}))
    if (kind, name) == ("figure", "errors"):
        assert known


scalars = st.one_of(
    st.text("0123456789_:.xobeE+-", min_size=1, max_size=8),
    st.text(max_size=8),
    st.sampled_from(
        ["017", "yes", "~", "{{ x }}", "<<", "*a", "&a", "!!float x", "!!set {a}", "=", "2001-13-45", "?x", "|"]
    ),
    st.integers(-(10**30), 10**30).map(str),
    st.floats().map(str),
)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.sampled_from(["size", "seed", "rate"]), scalars)
@example("seed", "4294967295")
def test_any_scalar_is_read_as_it_is_written_or_refused(key: str, written: str) -> None:
    if (
        accepted(text(**{key: written}))
        and "\n" not in written
        and "#" not in written
        and written.strip()[-1:].isdigit()
    ):
        places = {"size": ("task", "train_size"), "seed": ("task", "seed"), "rate": ("training", "learning_rate")}
        block, name = places[key]
        value = getattr(getattr(validate(parse(text(**{key: written}))).studies["one"], block), name)
        assert float(value) == float(written)


def test_a_seed_is_what_numpy_takes() -> None:
    assert accepted(text(seed="4294967295"))
    with pytest.raises(ConfigError, match=r"seed = 4294967296: allowed: less than or equal to 4294967295"):
        validate(parse(text(seed="4294967296")))
    with pytest.raises(ConfigError, match="4294967295"):
        validate({"studies": {"one": {"experiment": {"name": "calibration", "seed": [0, 2**32]}}}})


@pytest.mark.parametrize("key", ["size", "seed", "rate"])
@pytest.mark.parametrize("power", [13, 200, 400, 3000])
def test_numbers_that_no_machine_counts_to_are_refused(key: str, power: int) -> None:
    huge = {"rate": "9" * 400 + "/n"} if key == "rate" else {key: str(10**power)}
    content = text(**huge).replace("source: digits, labels: decimal", "source: gaussian")
    with pytest.raises(ConfigError, match=r"allowed: (less than or equal to|a number above 0)"):
        validate(parse(content))


def test_parameters_of_the_catalogue_have_a_limit_too() -> None:
    study = {
        "task": {"source": "gaussian", "train_size": 5, "features": 10**400}, "network": {"depth": 2, "width": 10**13},
        "sampling": {"draws": 10**400}, "metrics": ["test_error"],
    }  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        validate({"studies": {"one": study}})
    for key in ("features", "width", "draws"):
        assert f".{key} = 1" in str(caught.value)
