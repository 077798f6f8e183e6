"""A network that stands at several places of a study's grid counts once."""

import numpy as np
import pytest
import xarray as xr

from implicitbias.studies.all_runs import gather
from implicitbias.studies.variants import variants, without_repeats


def test_an_architecture_is_not_told_apart_by_what_it_lacks(architectures: xr.Dataset) -> None:
    found = {variant.name: variant.at for variant in variants(architectures)}
    assert found == {
        "mlp": {"architecture": "mlp", "readout": "flatten"},
        "cnn, flatten readout": {"architecture": "cnn", "readout": "flatten"},
        "cnn, global average readout": {"architecture": "cnn", "readout": "global_average"},
    }
    assert [variant.architecture for variant in variants(architectures)] == ["mlp", "cnn", "cnn"]


@pytest.mark.parametrize(
    ("coords", "dims", "names"),
    [
        ({"architecture": "cnn", "pooling": ["none", "max"]}, ("pooling",), ["cnn, no pooling", "cnn, max pooling"]),
        ({"architecture": "cnn", "side": [1, 3]}, ("side",), ["cnn, side 1", "cnn, side 3"]),
        ({"architecture": ["resnet", "cnn"], "depth": [4, 6]}, ("architecture", "depth"), ["resnet", "cnn"]),
        ({"architecture": ["lenet", "mlp"], "factor": [0.5, 1.0]}, ("architecture", "factor"), ["lenet", "mlp"]),
        ({"depth": [2, 7]}, ("depth",), ["mlp"]),
    ],
)
def test_sizes_make_no_variants(coords: dict[str, object], dims: tuple[str, ...], names: list[str]) -> None:
    shape = [len(np.atleast_1d(coords[dim])) for dim in dims]
    assert [variant.name for variant in variants(xr.DataArray(np.zeros(shape), coords, dims))] == names


def test_repeats_are_taken_out_at_all_values_but_the_first(architectures: xr.Dataset) -> None:
    errors = architectures["test_error"]
    once = without_repeats(errors)
    assert once.dims == errors.dims
    assert np.isnan(once.sel(architecture="mlp", readout="global_average")).all()
    xr.testing.assert_identical(once.sel(readout="flatten"), errors.sel(readout="flatten"))
    xr.testing.assert_identical(once.sel(architecture="cnn"), errors.sel(architecture="cnn"))
    alone = xr.DataArray([1.0, 2.0], {"architecture": "mlp", "readout": ["flatten", "global_average"]}, ["readout"])
    assert without_repeats(alone).notnull().values.tolist() == [True, False]


def test_the_table_of_all_runs_holds_every_network_once(architectures: xr.Dataset) -> None:
    runs = gather({"architectures": architectures})
    assert runs.sizes["run"] == 3 * 2 * 5 * 2  # variants, labels, seeds, members
    assert sum('"mlp"' in network for network in runs["network"].values) == 2 * 5 * 2
