"""Composition: files that include others, studies that are like others, and what is said of a mistake in them."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from implicitbias.config.compose import compose
from implicitbias.config.load import config_of, validate
from implicitbias.errors import ConfigError

STUDY = {"task": {"source": "digits", "train_size": 4}, "network": {"depth": 2}, "nngp": {"estimators": ["mixture"]}}


def write(folder: Path, **files: Any) -> Path:
    """Write YAML files by their names (folder__name for a folder); the path of the last one."""
    path = folder
    for name, values in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(values if isinstance(values, str) else yaml.safe_dump(values, sort_keys=False))
    return path


def refused(folder: Path, *fragments: str, **files: Any) -> str:
    """The error of the last of the files, which has all the fragments and no line of its own for the same mistake."""
    with pytest.raises(ConfigError) as caught:
        config_of(write(folder, **files))
    for fragment in fragments:
        assert fragment in str(caught.value)
    return str(caught.value)


# ----------------------------------------------------------------------------------------------------------- what is
def test_the_including_file_stands_over_what_it_includes(tmp_path: Path) -> None:
    top = write(
        tmp_path,
        themes__a={"name": "a", "studies": {"one": {"task": {"seed": [0], "source": "digits"}, "checks": ["x", "y"]}}},
        themes__b={"execution": {"threads": 2}, "studies": {"two": {"network": {"depth": 2}}}},
        top={
            "include": ["themes/a.yaml", "themes/b.yaml"], "name": "mine", "execution": {"device": "cpu"},
            "studies": {"three": {}, "one": {"task": {"seed": 3}, "checks": ["z"], "metrics": ["w"]}},
        },
    )  # fmt: skip
    values = compose([top]).values
    assert values == {
        "name": "mine", "execution": {"threads": 2, "device": "cpu"},
        "studies": {
            "one": {"task": {"seed": 3, "source": "digits"}, "checks": ["z"], "metrics": ["w"]},
            "two": {"network": {"depth": 2}}, "three": {},
        },
    }  # fmt: skip
    assert list(values["studies"]) == ["one", "two", "three"]


def test_null_takes_away_what_stands_below_and_nothing_else(tmp_path: Path) -> None:
    below = {"one": {"a": {"b": 1, "c": 2}, "d": 3}, "two": {"e": 4}}
    above = {"one": {"a": {"b": None, "f": None}, "d": None}, "two": None, "three": None}
    top = write(tmp_path, below={"studies": below}, top={"include": ["below.yaml"], "studies": above})
    assert compose([top]).values["studies"] == {"one": {"a": {"c": 2, "f": None}}, "three": None}
    assert compose([], {"studies": above}).values == {"studies": above}


def test_a_study_like_another_says_only_what_differs() -> None:
    studies = {
        "child": {"like": "parent", "task": {"seed": 1}, "nngp": None, "checks": ["c"]},
        "grandchild": {"like": "child", "task": {"seed": 2}, "nngp": {"draws": 5}},
        "parent": {"task": {"source": "digits", "seed": 0}, "nngp": {"draws": 9, "delta": 0.1}, "checks": ["a", "b"]},
    }
    assert compose([], {"studies": studies}).values["studies"] == {
        "child": {"task": {"source": "digits", "seed": 1}, "checks": ["c"]},
        "grandchild": {"task": {"source": "digits", "seed": 2}, "checks": ["c"], "nngp": {"draws": 5}},
        "parent": studies["parent"],
    }


def test_a_study_is_like_what_the_whole_config_makes_of_the_other_even_if_that_does_not_run(tmp_path: Path) -> None:
    below = {"one": {"task": {"seed": 0, "source": "digits"}}, "two": {"like": "one", "network": {"depth": 2}}}
    over = write(
        tmp_path, below={"studies": below}, top={"include": ["below.yaml"], "studies": {"one": {"task": {"seed": 5}}}}
    )
    assert compose([over]).values["studies"]["two"] == {
        "task": {"seed": 5, "source": "digits"},
        "network": {"depth": 2},
    }
    away = write(tmp_path, top={"include": ["below.yaml"], "studies": {"one": None}})
    assert compose([away]).values["studies"] == {"two": {**below["one"], "network": {"depth": 2}}}


def test_what_a_file_takes_away_does_not_come_back_from_the_study_that_this_one_is_like(tmp_path: Path) -> None:
    below = {"one": {"a": {"b": 1}}, "two": {"like": "one", "a": {"b": 2, "c": 3}}}
    top = write(
        tmp_path, below={"studies": below}, top={"include": ["below.yaml"], "studies": {"two": {"a": {"b": None}}}}
    )
    assert compose([top]).values["studies"]["two"] == {"a": {"c": 3}}
    free = write(tmp_path, top={"include": ["below.yaml"], "studies": {"two": {"like": None}}})
    assert compose([free]).values["studies"]["two"] == {"a": {"b": 2, "c": 3}}


def test_only_some_studies_run(tmp_path: Path) -> None:
    values = {"studies": {"one": {"a": 1}, "two": {"like": "one"}, "three": {}}, "only": ["three", "two"]}
    assert compose([], values).values == {"studies": {"two": {"a": 1}, "three": {}}}


def test_later_files_stand_over_earlier_ones_and_the_command_line_over_all(tmp_path: Path) -> None:
    write(tmp_path, base={"name": "base", "studies": {"one": {"a": 1, "b": 1, "c": 1}}})
    first = write(tmp_path, first={"include": ["base.yaml"], "name": "first", "studies": {"one": {"b": 2, "c": 2}}})
    second = write(tmp_path, second={"include": ["base.yaml"], "studies": {"one": {"c": 3}}})
    values = compose([first, second], {"studies": {"one": {"d": 4}}}).values
    # the base counts once: the second file does not undo what the first one says
    assert values == {"name": "first", "studies": {"one": {"a": 1, "b": 2, "c": 3, "d": 4}}}


def test_a_file_may_be_included_by_two_others(tmp_path: Path) -> None:
    top = write(
        tmp_path, base={"studies": {"one": {"a": 1}}}, left={"include": ["base.yaml"], "studies": {"two": {"a": 2}}},
        right={"include": ["./base.yaml"], "name": "r"}, top={"include": ["left.yaml", "right.yaml"]},
    )  # fmt: skip
    assert compose([top]).values == {"name": "r", "studies": {"one": {"a": 1}, "two": {"a": 2}}}


# ----------------------------------------------------------------------------------------------------------- mistakes
@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("studies.one", {"studies": {"one": STUDY}}),
        ("name", {"name": "a"}),
        ("execution.gpus", {"execution": {"gpus": True}}),
    ],
)
def test_files_side_by_side_do_not_say_the_same(tmp_path: Path, key: str, values: Any) -> None:
    whole = {"studies": {"two": STUDY}}
    refused(
        tmp_path, f"{tmp_path}/b.yaml: {key} stands in {tmp_path}/a.yaml too", f"{tmp_path}/top.yaml includes both",
        a=values, b=values, top={"include": ["a.yaml", "b.yaml"], **whole},
    )  # fmt: skip
    assert config_of(write(tmp_path, a=values, b={"include": ["a.yaml"], **values, **whole}))


def test_files_that_include_themselves(tmp_path: Path) -> None:
    told = refused(
        tmp_path, f"{tmp_path}/b.yaml: include = 'top.yaml': ", b={"include": ["top.yaml"]},
        top={"include": ["b.yaml"], "studies": {"one": STUDY}},
    )  # fmt: skip
    assert (
        f"{tmp_path}/top.yaml includes {tmp_path}/b.yaml includes {tmp_path}/top.yaml; allowed: files that do" in told
    )
    refused(tmp_path, "self.yaml: include = 'self.yaml': ", self={"include": ["self.yaml"]})


@pytest.mark.parametrize("paths", ["a.yaml", [["a.yaml"]], [3], {"a": "b"}, [None]])
def test_an_include_that_is_no_list_of_paths(tmp_path: Path, paths: Any) -> None:
    refused(tmp_path, f"{tmp_path}/top.yaml: include = ", "allowed: a list of paths", top={"include": paths})


@pytest.mark.parametrize("path", ["nowhere.yaml", "", ".", "a\0b", "x" * 5000, "sub/"])
def test_a_file_that_is_not_there(tmp_path: Path, path: str) -> None:
    (tmp_path / "sub").mkdir()
    refused(
        tmp_path, f"{tmp_path}/top.yaml: include = {path!r}: there is no file", "allowed: ", top={"include": [path]}
    )


def test_a_file_whose_name_is_misspelt(tmp_path: Path) -> None:
    told = refused(tmp_path, "include = 'on.yaml'", one={"studies": {"one": STUDY}}, top={"include": ["on.yaml"]})
    assert "(did you mean 'one.yaml'?)" in told


def test_an_included_file_that_is_no_config(tmp_path: Path) -> None:
    refused(tmp_path, f"{tmp_path}/a.yaml: is no mapping", a="- 1\n", top={"include": ["a.yaml"]})
    refused(tmp_path, f"{tmp_path}/a.yaml: line 1", a="name: 017\n", top={"include": ["a.yaml"]})


@pytest.mark.parametrize("like", ["twoo", 3, ["two"], "", True, {"two": 1}])
def test_a_study_that_is_like_none(tmp_path: Path, like: Any) -> None:
    told = refused(
        tmp_path, f"{tmp_path}/a.yaml: studies.one.like = {like!r}: there is no study of that name", "ed: one, two",
        a={"studies": {"one": {"like": like}, "two": STUDY}}, top={"include": ["a.yaml"]},
    )  # fmt: skip
    assert ("did you mean 'two'" in told) == (like in ("twoo", ["two"]))


def test_of_many_studies_the_nearest_are_listed_and_where_the_others_are(tmp_path: Path) -> None:
    many = {f"study_{number}": STUDY for number in range(50)}
    top = {"include": ["a.yaml"], "studies": {"one": {"like": "study_77"}}}
    told = refused(tmp_path, "and 43 more (all of them: ", a={"studies": many}, top=top)
    assert told.endswith(f"(all of them: {tmp_path}/a.yaml, {tmp_path}/top.yaml)")


def test_studies_that_are_like_themselves(tmp_path: Path) -> None:
    one = {"studies": {"one": {**STUDY, "like": "one"}}}
    refused(tmp_path, f"{tmp_path}/top.yaml: studies.one.like = 'one': one is like one; allowed: ", top=one)
    both = {"studies": {"one": {"like": "two"}, "two": {"like": "three"}, "three": {"like": "one"}}}
    refused(tmp_path, "studies.one.like = 'two': one is like two is like three is like one; allowed: ", top=both)


def test_a_misspelt_block_of_studies_is_told_where_a_study_is_missing(tmp_path: Path) -> None:
    top = {"include": ["a.yaml"], "only": ["mine"], "studys": {"mine": STUDY}}
    refused(tmp_path, "no key 'studys' (did you mean 'studies'?)", a={"studies": {"one": STUDY}}, top=top)


@pytest.mark.parametrize(
    ("only", "said"), [(["twoo"], "did you mean 'two'"), ([3], "only = 3"), ([], "list"), ("two", "list")]
)
def test_only_names_studies(tmp_path: Path, only: Any, said: str) -> None:
    values = {"studies": {"one": STUDY, "two": STUDY, "gone": STUDY}}
    top = {"include": ["a.yaml"], "only": only, "studies": {"gone": None}}
    told = refused(tmp_path, f"{tmp_path}/top.yaml: only = ", said, "allowed: ", a=values, top=top)
    assert "gone" not in told


def test_a_study_that_does_not_run_is_not_chosen(tmp_path: Path) -> None:
    top = {"include": ["a.yaml"], "only": ["gone"], "studies": {"gone": None}}
    refused(tmp_path, "only = 'gone': there is no study", a={"studies": {"one": STUDY, "gone": STUDY}}, top=top)


def test_errors_name_the_file_in_which_the_key_stands(tmp_path: Path) -> None:
    study = {**STUDY, "network": {"depth": 2, "activation": "rely"}}
    files = {"a": {"studies": {"one": study}}, "b": {"studies": {"two": STUDY}}}
    top = {
        "include": ["a.yaml", "b.yaml"],
        "studies": {"one": {"task": {"train_size": -1}, "nngp": {"seeds": 0}}, "two": {"nngp": {"draws": 0}}},
    }
    told = refused(tmp_path, **files, top=top).splitlines()
    assert len(told) == 4
    for start in (
        f"{tmp_path}/a.yaml: studies.one.network.activation = 'rely': ",
        f"{tmp_path}/top.yaml: studies.one.task.train_size = -1: ",
        f"{tmp_path}/top.yaml: studies.one.nngp: there is no key 'seeds' here",
        f"{tmp_path}/top.yaml: studies.two.nngp.draws = 0: ",
    ):
        assert sum(line.startswith(start) for line in told) == 1, (start, told)


def test_what_several_files_make_together_is_told_of_all_of_them(tmp_path: Path) -> None:
    top = {"include": ["a.yaml"], "studies": {"one": {"metrics": ["test_error"]}}}
    told = refused(tmp_path, "metrics are measured on runs", a={"studies": {"one": STUDY}}, top=top)
    assert told.startswith(f"{tmp_path}/a.yaml, {tmp_path}/top.yaml: studies.one: ")
    with pytest.raises(ConfigError, match=r"^--config: studies\.one\.task\.train_size = 0: "):
        config_of(tmp_path / "a.yaml", given={"studies": {"one": {"task": {"train_size": 0}}}})


def test_a_mistake_that_a_study_has_from_another_is_told_once_and_there(tmp_path: Path) -> None:
    study = {**STUDY, "task": {"source": "digits", "train_size": "4"}}
    children = {"two": {"like": "one"}, "three": {"like": "two", "network": {"depth": 0}}}
    told = refused(
        tmp_path, a={"studies": {"one": study}}, top={"include": ["a.yaml"], "studies": children}
    ).splitlines()
    assert [line.split(": ")[:2] for line in told] == [
        [f"{tmp_path}/a.yaml", "studies.one.task.train_size = '4'"],
        [f"{tmp_path}/top.yaml", "studies.three.network.depth = 0"],
    ]


def test_misspelt_keys_of_the_composition(tmp_path: Path) -> None:
    refused(
        tmp_path, "there is no key 'inlcude' here (did you mean 'include'?)", top={"inlcude": ["a.yaml"], "studies": {}}
    )
    refused(tmp_path, "(did you mean 'like'?)", top={"studies": {"one": STUDY, "two": {"lik": "one"}}})


def test_blocks_that_hold_themselves(tmp_path: Path) -> None:
    text = "studies: {one: &a {task: *a}}\n"
    refused(tmp_path, f"{tmp_path}/top.yaml: a block holds itself", a=text, top="include: [a.yaml]\n" + text)


# ------------------------------------------------------------------------------------------------------- at random
LEAVES = st.one_of(st.integers(0, 3), st.sampled_from(["x", "y"]), st.lists(st.integers(0, 2), max_size=2))
BLOCKS = st.recursive(LEAVES, lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3), max_leaves=8)
STUDY_BLOCKS = st.dictionaries(st.sampled_from("abcd"), BLOCKS, max_size=4)


def difference(below: dict[str, Any], own: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """What has to stand over a block, so that it says what `own` says and comes out as `whole`."""
    above: dict[str, Any] = {}
    for key in {**below, **own}:
        value = own.get(key, whole.get(key))  # what another study would say here must not be what is below
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            inside = whole.get(key)
            above[key] = difference(below[key], value, inside if isinstance(inside, dict) else {})
        elif key not in below or value != below[key]:
            above[key] = value
    return above


def taken_apart(draw: Any, folder: Path, names: list[str], own: dict[str, Any], whole: dict[str, Any]) -> str:
    """Files that make these studies together, out of studies of these names: the name of the one that has the rest."""
    name = f"{len(list(folder.iterdir()))}.yaml"
    (folder / name).touch()
    values: dict[str, Any] = {"studies": own}
    if len(names) > 1 and draw(st.booleans()):  # what is included is something else, and what differs stands here
        cut = draw(st.integers(1, len(names) - 1))
        below: dict[str, Any] = {}
        values["include"] = []
        for part in (names[:cut], names[cut:]):
            inside = draw(st.dictionaries(st.sampled_from(part), STUDY_BLOCKS))
            values["include"].append(taken_apart(draw, folder, part, inside, inside))
            below |= inside
        values["studies"] = difference(below, own, whole)
    (folder / name).write_text(yaml.safe_dump(values, sort_keys=False))
    return name


@st.composite
def taken_apart_configs(draw: Any) -> tuple[dict[str, Any], tempfile.TemporaryDirectory[str], Path]:
    """Studies, and files that make them together, some of the studies like others."""
    whole = draw(st.dictionaries(st.sampled_from("PQRST"), STUDY_BLOCKS, min_size=1))
    own = dict(whole)
    names = draw(st.permutations(list(whole)))
    for place, name in enumerate(names):
        if place and draw(st.booleans()):
            other = draw(st.sampled_from(names[:place]))
            own[name] = {"like": other, **difference(whole[other], whole[name], whole[name])}
    folder = tempfile.TemporaryDirectory()
    return whole, folder, Path(folder.name) / taken_apart(draw, Path(folder.name), list("PQRST"), own, whole)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(taken_apart_configs())
def test_files_taken_apart_at_random_make_the_whole_again(case: Any) -> None:
    whole, folder, top = case
    with folder:
        assert compose([top]).values["studies"] == whole


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 2), st.floats(), st.text(max_size=3),
    st.sampled_from(["", ".", "..", "a.yaml", "b.yaml", "x.yaml", "one", "two", "three", "\0", "~"]),
)  # fmt: skip
ANY = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "task", "like"]), inner),
    max_leaves=5,
)  # fmt: skip
PATHS = st.one_of(ANY, st.lists(st.sampled_from(["a.yaml", "b.yaml", "./a.yaml", "x.yaml"]), max_size=2))
NAMES = st.one_of(ANY, st.sampled_from(["one", "two", "three"]))
ANY_STUDY = st.one_of(
    ANY,
    st.fixed_dictionaries({}, optional={"like": NAMES, "task": ANY, "network": ANY, "figures": ANY}),
    st.just(STUDY),
)
ANY_FILE = st.fixed_dictionaries(
    {},
    optional={
        "include": PATHS, "only": st.one_of(ANY, st.lists(NAMES, max_size=2)), "name": ANY, "execution": ANY,
        "extensions": st.one_of(ANY, st.just(["x.py"])),
        "studies": st.one_of(ANY, st.dictionaries(st.sampled_from(["one", "two", "three"]), ANY_STUDY, max_size=3)),
    },
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(ANY_FILE, ANY_FILE, ANY_FILE)
def test_broken_compositions_are_config_errors_and_nothing_else(a: Any, b: Any, mine: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, values in (("a", a), ("b", b)):
            (Path(folder) / f"{name}.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
        for given_too in (None, mine):
            try:
                validate(compose([Path(folder) / "a.yaml"], given_too))
            except ConfigError as error:
                assert str(error).startswith(("config: ", folder, str(Path.cwd())))  # noqa: PT017
