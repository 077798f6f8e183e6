"""A folder of colour pictures through the whole workflow, and what its changes rerun."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from laboratory import Laboratory

import own_data
from implicitbias import schema

CONFIG: dict[str, Any] = {
    "name": "own",
    "studies": {
        "pictures": {
            "task": {"source": "files", "path": "data/own", "train_size": 9, "seed": [0, 1]},
            "network": {"architecture": ["mlp", "cnn"], "depth": 2, "width": 4},
            "training": {"epochs": 2, "batch_size": 3, "loss": "square", "label_scale": 1.0},
            "metrics": ["train_error", "test_error"],
        }
    },
}


@pytest.fixture(scope="module")
def finished_pictures(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    laboratory = Laboratory.create(tmp_path_factory.mktemp("pictures") / "laboratory")
    (laboratory.folder / "data").mkdir()
    own_data.pictures(laboratory.folder / "data")
    laboratory.config = "config/own.yaml"
    (laboratory.folder / laboratory.config).write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    laboratory.snakemake()
    return laboratory


@pytest.fixture
def pictures(finished_pictures: Laboratory, tmp_path: Path) -> Laboratory:
    return finished_pictures.copy(tmp_path / "laboratory")


def test_networks_are_trained_on_the_pictures(pictures: Laboratory) -> None:
    study = schema.load(pictures.folder / "results/own/studies/pictures.nc")
    assert study["test_error"].notnull().all()
    assert set(study["test_error"].dims) >= {"architecture", "seed"}
    (task,) = (pictures.folder / "results/tasks").glob("files-class-*.nc")
    assert schema.load(task)["class"].values.tolist() == list(own_data.NAMES)
    assert (pictures.folder / "results/own/report.html").exists()


def test_touched_pictures_rerun_nothing_and_a_changed_one_what_depends_on_it(pictures: Laboratory) -> None:
    folder = pictures.folder / "data/own/train"
    for picture in folder.rglob("*.png"):
        picture.touch()
    assert pictures.planned() == {}
    shutil.copy(folder / "cat/000.png", folder / "dog/000.png")
    planned = pictures.planned()
    assert {rule: planned[rule] for rule in ("build_task", "train", "measure")} == {
        "build_task": 1, "train": 2, "measure": 2,
    }  # fmt: skip


def test_a_cut_picture_is_named_before_any_job_starts(pictures: Laboratory) -> None:
    picture = pictures.folder / "data/own/test/cat/001.png"
    picture.write_bytes(picture.read_bytes()[:50])
    done = pictures.snakemake(check=False)
    told = done.stdout + done.stderr
    assert done.returncode != 0
    assert "no job was started" in told
    assert "studies.pictures.task: data/own/test/cat/001.png: cannot be read as a picture" in told
