"""How to add something: one function and one entry of the catalogue each, in a scratch copy, run as a user would."""

import numpy as np
import pytest
import yaml
from laboratory import ROOT, Laboratory

from implicitbias import schema

MODULE = '''
"""Everything that a laboratory of one's own can hold, a few lines each."""

import numpy as np
import seaborn as sns
import xarray as xr

from implicitbias.optimizers.base import Optimizer, blocks
from implicitbias.schema import variable
from implicitbias.studies.verdicts import verdict


def ring(rng, size, *, features, radius):
    """A source: points (size, features) and labels +-1, inside and outside of a sphere."""
    y = 2.0 * rng.integers(2, size=size) - 1
    way = rng.normal(size=(size, features))
    return way / np.linalg.norm(way, axis=1, keepdims=True) * (radius + 0.5 * y)[:, None], y


def signs_of(train_label, test_label, seed):
    """A label rule for synthetic sources: all labels turned round."""
    return (-train_label).astype(np.int8), (-test_label).astype(np.int8)


def sign_descent(shrink=1.0):
    """An optimizer: init(weights) -> state, update in place on stacked weights (member, out, in)."""

    def update(gradients, state, weights, learning_rate, step):
        for gradient, weight in zip(gradients, weights, strict=True):
            for g, w, r in blocks(gradient, weight, -shrink * learning_rate[:, None, None]):
                w.addcmul_(g.sign(), r)

    return Optimizer(lambda weights: None, update, room=lambda rows, columns: 0)


def cubic(outputs, labels, label_scale):
    """A loss: outputs and labels (member, batch), label scale (member,) -> (member,)."""
    return (outputs - label_scale[:, None] * labels).abs().pow(3).mean(-1)


def largest_output(test_outputs):
    """A metric: its argument names say what it needs; leading dimensions stay."""
    return np.abs(test_outputs).max(-1)


def circle_area(*, radius=1.0, seed=0):
    """An experiment: a dataset from parameters and a seed."""
    points = np.random.default_rng(seed).uniform(-radius, radius, (10_000, 2))
    area = 4 * radius**2 * (np.linalg.norm(points, axis=1) < radius).mean()
    return xr.Dataset({"area": variable((), area, "area of the circle")})


def histogram(dataset):
    """A figure: the study's dataset -> a matplotlib figure."""
    return sns.displot(dataset["largest_output"].values.ravel()).figure


def outputs_are_positive(dataset):
    """A check: passed or failed, with the numbers it rests on; KeyError where the study has not what it needs."""
    smallest = float(dataset["largest_output"].min())
    return verdict(smallest > 0, f"smallest {smallest:.3f}")
'''

ENTRIES = """
_MINE = "implicitbias.mine"
SOURCES["ring"] = Source(
    f"{_MINE}:ring", "points inside and outside of a sphere",
    {
        "features": Parameter(5, "dimension d of the inputs", 1), "radius": Parameter(2.0, "of the sphere", 1),
        "flip": Parameter(0.0, "share of training labels that are turned round", 0, 0.5),
    },
)
LABELS["turned"] = Labels(f"{_MINE}:signs_of", "all labels turned round")
OPTIMIZERS["sign_descent"] = Optimizer(
    f"{_MINE}:sign_descent", "signs of gradients", {"shrink": Parameter(1.0, "factor on the step", 0)}
)
LOSSES["cubic"] = Loss(f"{_MINE}:cubic", "mean of |f - alpha y|^3", fits_targets=True)
METRICS["largest_output"] = Metric(
    f"{_MINE}:largest_output", "max |f(x)| over the test points", long_name="largest output", source="this test",
    only=({"depth": (2, 3)},),
)
EXPERIMENTS["circle_area"] = Experiment(
    f"{_MINE}:circle_area", "the area of a circle", {"radius": Parameter(1.0, "of the circle", 0)}, variables=("area",)
)
FIGURES["histogram"] = Figure(
    f"{_MINE}:histogram", "largest outputs", alt="Histogram of largest outputs", needs=("largest_output",)
)
CHECKS["outputs_are_positive"] = Entry(f"{_MINE}:outputs_are_positive", "no network is constant 0")
"""

STUDIES = {
    "mine": {
        "task": {"source": "ring", "radius": [1.0, 2.0], "labels": ["own", "turned"], "train_size": 8, "test_size": 20},
        "network": {"depth": 2, "width": 6, "bias": "all"},
        "training": {"optimizer": "sign_descent", "shrink": [0.5, 1.0], "loss": "cubic", "epochs": 5},
        "metrics": ["test_error", "largest_output"],
        "figures": ["histogram"],
        "checks": ["outputs_are_positive"],
    },
    "area": {"experiment": {"name": "circle_area", "radius": [1.0, 2.0]}},
}


@pytest.fixture
def extended(tmp_path) -> Laboratory:
    laboratory = Laboratory.create(tmp_path / "laboratory")
    (laboratory.folder / "src/implicitbias/mine.py").write_text(MODULE)
    laboratory.edit("src/implicitbias/catalogue/__init__.py", lambda text: text + ENTRIES)
    laboratory.config = "config/mine.yaml"
    (laboratory.folder / laboratory.config).write_text(yaml.safe_dump({"name": "mine", "studies": STUDIES}))
    return laboratory


def test_one_function_and_one_entry_add_anything(extended: Laboratory) -> None:
    extended.snakemake()
    results = extended.folder / "results/mine"
    study, area = (schema.load(results / f"studies/{name}.nc") for name in ("mine", "area"))
    assert dict(study["largest_output"].sizes) == {"radius": 2, "labels": 2, "shrink": 2}
    assert study["largest_output"].attrs["long_name"] == "largest output"
    assert study["radius"].attrs["long_name"] == "of the sphere"
    assert (study["largest_output"] > 0).all()
    assert study["test_error"].sel(labels="own", radius=1.0).values != pytest.approx(
        study["test_error"].sel(labels="own", radius=2.0).values
    )
    np.testing.assert_allclose(area["area"], np.pi * np.array([1.0, 4.0]), rtol=0.05)
    assert (results / "figures/mine/histogram.png").stat().st_size > 1000
    page = (results / "report.html").read_text(encoding="utf-8")
    assert "no network is constant 0" in page
    assert "Histogram of largest outputs" in page
    runs = schema.load(results / "studies/all_runs.nc")
    assert "largest_output" in runs
    assert runs.sizes["run"] == 8
    assert extended.planned() == {}


def test_a_new_name_is_known_to_the_messages(extended: Laboratory) -> None:
    extended.edit_config(lambda config: config["studies"]["mine"]["task"].update(source="rink"))
    told = extended.snakemake("--dry-run", check=False)
    assert told.returncode != 0
    assert "did you mean 'ring'" in told.stdout + told.stderr


def test_what_a_new_entry_goes_with_is_known(extended: Laboratory) -> None:
    extended.edit_config(lambda config: config["studies"]["mine"]["network"].update(bias="none"))
    extended.edit_config(lambda config: config["studies"]["mine"]["training"].update(targets="spherised"))
    extended.snakemake("--dry-run")
    extended.edit_config(lambda config: config["studies"]["mine"]["network"].update(depth=[2, 4]))
    told = extended.snakemake("--dry-run", check=False)
    assert told.returncode != 0
    assert "metric 'largest_output' does not go with depth = 4; allowed: 2, 3" in told.stdout + told.stderr


ARCHITECTURE = '''
"""A new architecture: one function that returns layers."""

from implicitbias.networks.layers import Convolution, Dense, Flatten, GlobalAverage, Pool


def funnel(phi, outputs, *, width, stages):
    """Convolutions and average pooling in turns, then the global average."""
    layers = []
    for _ in range(stages):
        layers += [Convolution(width, side=3), phi, Pool("average")]
    return [*layers, GlobalAverage(), Dense(outputs)]
'''

ENTRY = """
ARCHITECTURES["funnel"] = Architecture(
    "implicitbias.mine:funnel", "convolutions and pooling in turns",
    {"width": Parameter(16, "channels", 1), "stages": Parameter(1, "convolutions, each with its pooling", 1, 3)},
    vanishing=("width",),
)
"""


def test_one_function_and_one_entry_make_an_architecture(tmp_path) -> None:
    """It trains, has a kernel, sizes, schema, documentation and a test against random networks: no other file."""
    laboratory = Laboratory.create(tmp_path / "laboratory")
    (laboratory.folder / "src/implicitbias/mine.py").write_text(ARCHITECTURE)
    laboratory.edit("src/implicitbias/catalogue/__init__.py", lambda text: text + ENTRY)
    study = {
        "task": {"source": "digits", "labels": "3v6", "train_size": 8, "test_size": 20, "seed": [0, 1]},
        "network": {"architecture": "funnel", "stages": [1, 2], "width": 4},
        "training": {"optimizer": "nero", "epochs": 3},
        "nngp": {"estimators": ["mixture"], "samples": 256},
        "sampling": {"draws": 50},
        "metrics": ["test_error"],
        "figures": {"errors": {"figure": "lines", "quantities": ["test_error", "gibbs_error"], "x": "stages"}},
    }
    laboratory.config = "config/mine.yaml"
    (laboratory.folder / laboratory.config).write_text(yaml.safe_dump({"name": "mine", "studies": {"funnel": study}}))
    laboratory.snakemake()
    found = schema.load(laboratory.folder / "results/mine/studies/funnel.nc")
    assert dict(found["gibbs_error"].sizes) == {"stages": 2, "seed": 2}
    assert np.isfinite(found["test_error"]).all()
    assert found["stages"].attrs["long_name"] == "convolutions, each with its pooling"
    assert "rows of mean 0 and norm 1, as the trained ones have" in found.attrs["classes"]
    names = [path.name for path in (laboratory.folder / "results/nngp").glob("*funnel*")]
    assert len(names) == 2  # the kernel's parameters are in the key, the width is not

    ask = "from implicitbias.config.reference import json_schema, reference; print(json_schema(), reference())"
    told = laboratory.python("-c", ask).stdout
    assert '"funnel"' in told
    assert "convolutions and pooling in turns" in told

    test = str(ROOT / "tests/networks/test_architectures.py")
    only = "covariance_of_random_networks and funnel"
    done = laboratory.python("-m", "pytest", test, "-p", "no:cacheprovider", "-k", only)
    assert "2 passed" in done.stdout  # with free rows, and with those of Nero
