"""Whatever config is accepted runs to its report: jobs, datasets, figures, checks and page.

`random_configs.py` runs more of them, as a script.
"""

from itertools import islice
from pathlib import Path

import pytest

from random_configs import accepted_from, failure, shown
from whole_run import LateError


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 1000, 100))
def test_ten_random_configs_run_to_their_reports(first: int, tmp_path: Path) -> None:
    for number, study in islice(accepted_from(first), 10):
        late = study if isinstance(study, LateError) else failure(study, tmp_path)
        assert late is None, f"draw {number}, {late}: {late.__cause__!r}\n{shown(study)}"  # type: ignore[union-attr]
