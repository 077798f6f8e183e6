"""What README and documentation show works: their Python on its own, commands exist, files are there."""

import re
import subprocess
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import xarray as xr
import yaml

import own_data
from implicitbias import catalogue, schema
from implicitbias.catalogue.arguments import MADE_OF
from implicitbias.config.compose import compose
from implicitbias.config.grid import chosen, chosen_network
from implicitbias.config.load import config_of, validate
from implicitbias.config.plan import make_plan
from implicitbias.measurement.measure import measure
from implicitbias.tasks.build import build
from implicitbias.training.run import train

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [page for folder in (".", "howto", "explanation") for page in sorted((ROOT / "docs" / folder).glob("*.md"))]
TEXT = "\n".join([README, *(page.read_text(encoding="utf-8") for page in PAGES)])


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_orthant_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = [block for block in blocks("python") if "nngp.orthant" in block]
    exec(example, {})
    log_probability, stderr, size = map(float, capsys.readouterr().out.split())
    assert -200 < log_probability < 0
    assert 0 < stderr < 0.1
    assert size > 100


def test_the_example_of_several_classes_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = [block for block in blocks("python") if "cone" in block]
    scope: dict[str, Any] = {}
    exec(example, scope)
    assert "torch.Size([100, 3])" in capsys.readouterr().out
    assert -200 < scope["estimate"].log_probability < 0
    assert 0 < scope["estimate"].stderr < 0.1
    assert 0 < scope["errors"].bayes <= scope["errors"].gibbs < 2 / 3


def test_the_architecture_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = [block for block in blocks("python") if "initialise" in block]
    scope: dict[str, Any] = {}
    exec(example, scope)
    assert "(64, 9)" in capsys.readouterr().out
    variances, kernel = scope["outputs"].var(0).double(), scope["kernel"].diagonal()
    assert ((variances / kernel - 1).abs() < 4 * (2 / 100) ** 0.5).all()
    assert (scope["tangent_kernel"].diagonal() > kernel).all()


def test_the_notebook_example_runs(generalisation: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = [block for block in blocks("python") if "open_dataset" in block]
    monkeypatch.chdir(tmp_path)
    schema.save(generalisation, Path("results/studies/generalisation.nc"))
    scope: dict[str, Any] = {}
    exec(example, scope)
    (line,) = plt.gca().get_lines()[-1:]
    drawn = scope["study"]["test_error"].sel(labels="decimal", depth=7).mean("seed")
    assert len(plt.gca().get_lines()) == drawn.sizes["label_scale"]
    assert list(line.get_ydata()) == drawn.isel(label_scale=-1).values.tolist()
    plt.close("all")


def test_the_config_example_is_valid() -> None:
    example, figures, guesses = (
        yaml.safe_load(next(block for block in blocks("yaml") if words in block))
        for words in ("my_study", "figure: lines, quantities: [margin_l2", "my_guesses")
    )
    assert len(make_plan(validate(guesses)).jobs["experiments"]) == 4
    assert make_plan(validate(example)).jobs["training"]
    (study,) = example["studies"].values()
    study |= figures
    study["training"] |= {"loss": "exponential", "optimizer": ["sgd", "adam"], "checkpoints": "log"}
    study["metrics"] += ["margin_l2", "train_loss"]
    assert make_plan(validate(example)).jobs["training"]


def test_the_example_of_your_own_data_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = [block for block in blocks("yaml") if "source: files" in block]
    own_data.pictures(tmp_path, n=200, m=200).rename(tmp_path / "pictures")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "pictures").rename(tmp_path / "data" / "pictures")
    plan = make_plan(validate(yaml.safe_load(example)))
    assert {stage: len(jobs) for stage, jobs in plan.jobs.items() if jobs} == {
        "tasks": 2, "training": 4, "measurements": 4,
    }  # fmt: skip


def test_the_extension_example_is_used(tmp_path: Path) -> None:
    """From the config to the figure, in this process."""
    (example,) = [block for block in blocks("python") if "implicitbias.extensions" in block]
    (config,) = [block for block in blocks("yaml") if "extensions: [my_lab.py]" in block]
    (tmp_path / "my_lab.py").write_text(example)
    (tmp_path / "mine.yaml").write_text(config)
    (study,) = config_of(tmp_path / "mine.yaml").studies.values()
    assert study.task is not None
    assert study.network is not None
    assert study.training is not None
    settings = study.training.model_dump()
    slow, fast = (chosen(catalogue.OPTIMIZERS, "damped", settings | {"friction": value}) for value in (0.0, 0.9))
    network = chosen_network(study.network.model_dump())
    task = build(source="ring", train_size=20, test_size=100, seed=[0, 1], raw_dir=tmp_path, radius=1.0, features=5)
    run, slower = (train(task, network=network, training=each, ensemble={}) for each in (fast, slow))
    assert (run["train_loss"] < slower["train_loss"]).all()
    measured = measure(task, run, study.metrics or [])
    shown = measured.expand_dims(radius=[1.0], friction=[0.9])
    assert catalogue.resolve(catalogue.FIGURES["outputs_by_radius"])(shown).axes
    assert len(make_plan(config_of(tmp_path / "mine.yaml")).jobs["training"]) == 4


def test_the_arguments_that_the_page_names_exist() -> None:
    page = (ROOT / "docs/howto/extend.md").read_text(encoding="utf-8")
    table = page.split("## What a metric can ask for")[1]
    named = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert len(named) > 10
    assert named <= set(MADE_OF)


def test_every_study_of_the_default_run_is_named() -> None:
    studies = compose([ROOT / "config/config.yaml"]).values["studies"]
    assert [name for name in studies if f"`{name}`" not in TEXT] == []


def test_the_example_on_top_of_the_default_is_valid(tmp_path: Path) -> None:
    (example,) = [block for block in blocks("yaml") if "include: [config.yaml]" in block]
    (tmp_path / "mine.yaml").write_text(example.replace("[config.yaml]", f"[{ROOT}/config/config.yaml]"))
    config = config_of(tmp_path / "mine.yaml")
    assert list(config.studies) == ["low_rank", "wider"]
    runs = {name: {piece.path for piece in study.pieces} for name, study in make_plan(config).studies.items()}
    assert len(runs["wider"]) == 2 * len(runs["low_rank"])
    assert not config.studies["wider"].published


@pytest.mark.parametrize(
    ("target", "config"), [("run", "config.yaml"), ("quick", "test.yaml"), ("plan", "config.yaml")]
)
def test_make_targets_run_their_own_config(target: str, config: str) -> None:
    shown = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"config/(\w+\.yaml)", shown)) == {config}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "config/README.md"])
def test_linked_files_exist(page: str) -> None:
    """Those of the documentation are looked up when it is built."""
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!http)([^)]+)\)", text)
    assert links
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


def test_named_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"`make ([a-z]\w*)", TEXT))
    assert {"docs", "plan", "quick"} <= targets
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_the_example_with_published_values_is_valid() -> None:
    (example,) = [block for block in blocks("yaml") if "published: [" in block]
    config = validate(yaml.safe_load(example))
    assert make_plan(config).jobs["training"]
    assert config.studies["my_ray"].published == ["bernstein_yue_2021_section5"]
