"""Finished laboratories, shared by all tests of the workflow, and copies of them that a test may edit."""

from pathlib import Path

import pytest
from laboratory import Laboratory, fresh_tiny


@pytest.fixture(scope="session")
def finished_test_config(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    """config/test.yaml, run whole, once for all tests that look at it or at what an edit would rerun."""
    laboratory = Laboratory.create(tmp_path_factory.mktemp("whole") / "laboratory")
    laboratory.snakemake()
    return laboratory


@pytest.fixture(scope="session")
def finished_tiny(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    """A config of seven jobs, run whole."""
    laboratory = fresh_tiny(tmp_path_factory.mktemp("tiny") / "laboratory")
    laboratory.snakemake()
    return laboratory


@pytest.fixture
def laboratory(finished_test_config: Laboratory, tmp_path: Path) -> Laboratory:
    """A copy of the finished test config, free to be edited."""
    return finished_test_config.copy(tmp_path / "laboratory")


@pytest.fixture
def tiny(finished_tiny: Laboratory, tmp_path: Path) -> Laboratory:
    """A copy of the finished tiny config, free to be edited and run."""
    return finished_tiny.copy(tmp_path / "laboratory")


@pytest.fixture
def new_tiny(tmp_path: Path) -> Laboratory:
    """The tiny config, nothing run yet."""
    return fresh_tiny(tmp_path / "fresh")
