"""A config with your own data: sizes, shapes and classes are read, and mistakes are found before any job starts."""

import numpy as np
import pytest
import yaml

import own_data
from implicitbias.config.load import config_of, validate
from implicitbias.config.plan import make_plan
from implicitbias.errors import ConfigError


def config(path, network=None, training=None, **task):
    study = {
        "task": {"source": "files", "path": str(path), "train_size": 6, "test_size": 2, **task},
        "network": {"depth": 3, "width": 8, **(network or {})},
        "training": {"epochs": 1, **(training or {})},
        "metrics": ["test_error"],
    }
    return {"studies": {"one": study}}


def jobs(values, stage="tasks"):
    return make_plan(validate(values)).jobs[stage]


def test_classes_and_sizes_are_read_and_the_digest_is_part_of_the_key(tmp_path):
    path = own_data.csv(tmp_path)
    (first,) = jobs(config(path))
    job = jobs(config(path))[first]
    assert job.parameters["labels"] == "class"
    assert len(job.parameters["digest"]) == 64
    path.touch()
    assert list(jobs(config(path))) == [first]
    path.write_text(path.read_text() + "0.5,cat,7\n")
    (second,) = jobs(config(path))
    assert second != first
    assert jobs(config(path))[second].parameters["digest"] != job.parameters["digest"]


def test_data_are_read_once_for_all_points_of_the_grid(tmp_path, monkeypatch):
    from implicitbias.tasks.own import files

    read, look = [], files.inspect
    monkeypatch.setattr(files, "inspect", lambda path: read.append(path) or look(path))
    path = str(own_data.npz(tmp_path))
    values = config(
        path, train_size=[3, 6], seed=list(range(5)), classes=[2, 3], network={"architecture": ["mlp", "cnn"]}
    )
    values["studies"]["one"]["ensemble"] = []
    assert len(jobs(values)) == 20
    assert read == [path]
    validate(values)
    assert read == [path, path]


@pytest.mark.parametrize("architecture", ["mlp", "cnn", "resnet"])
def test_networks_see_colour_pictures(tmp_path, architecture):
    depth = 4 if architecture == "resnet" else 3
    values = config(own_data.pictures(tmp_path), {"architecture": architecture, "depth": depth}, train_size=12)
    assert len(jobs(values, "training")) == 1


def test_the_dimension_of_the_inputs_is_read(tmp_path):
    (job,) = jobs(config(own_data.pictures(tmp_path), training={"learning_rate": "6/d"}), "training").values()
    assert job.parameters["training"]["learning_rate"] == pytest.approx(0.1)


def test_a_list_of_paths_is_an_axis(tmp_path):
    paths = [str(own_data.csv(tmp_path)), str(own_data.npz(tmp_path))]
    values = config(paths[0])
    values["studies"]["one"]["task"]["path"] = paths
    plan = make_plan(validate(values))
    assert len(plan.jobs["tasks"]) == 2
    assert plan.studies["one"].axes["path"] == paths


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"train_size": 13}, ["train_size: 13", "at most 12"]),
        ({"test_size": 7}, ["test_size: 7", "at most 6"]),
        ({"classes": 4}, ["classes: 4", "2 to 3"]),
        ({"classes": 2, "train_size": 9}, ["2 classes", "at most 8"]),
        ({"labels": "decimal"}, ["'decimal' needs class 9", "has 3"]),
        ({"labels": "digit"}, ["'digit' does not go with source = 'files'"]),
        ({"path": 3}, ["allowed: text"]),
        ({"path": ""}, ["path", "at least 1 character"]),
        ({"path": None}, ["needs the key path"]),
        ({"path": "gone.npz"}, ["gone.npz", "No such file"]),
        ({"path": "pyproject.toml"}, ["pyproject.toml", "no known form", ".csv"]),
        ({"source": "digits"}, ["path is a parameter of files"]),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, changes, told):
    values = config(own_data.npz(tmp_path))
    values["studies"]["one"]["task"].update(changes)
    with pytest.raises(ConfigError) as caught:
        validate(values)
    for part in ("studies.one", *told):
        assert part in str(caught.value)


def test_a_mistake_in_the_data_names_config_key_file_and_row(tmp_path):
    path = own_data.csv(tmp_path, own_data.table().assign(height=["tall", *range(11)]))
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(config(str(path))))
    with pytest.raises(ConfigError) as caught:
        config_of(tmp_path / "own.yaml")
    assert str(caught.value) == (
        f"{tmp_path}/own.yaml: studies.one.task: {path}: line 2: column 'height' is 'tall'; allowed: numbers"
    )


def test_convolutions_want_images(tmp_path):
    np.savez(tmp_path / "own.npz", **own_data.arrays(shape=(7,)))
    with pytest.raises(ConfigError, match=r"on source 'files': .*a convolution takes images"):
        validate(config(tmp_path / "own.npz", {"architecture": "cnn"}))
