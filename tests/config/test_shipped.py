"""The shipped configs ask for what they are known to ask for: an edit of one study does not change another unnoticed.

Studies are like others and files include others, so that one line may change many studies. `shipped.json` holds a
digest of each study: of its keys (but words that change no result) and of the keys of its jobs. Where a config
is changed on purpose, write it anew and look at its difference:

    PYTHONPATH=src python tests/config/test_shipped.py
"""

import json
from pathlib import Path

import pytest

from implicitbias.config.compose import compose
from implicitbias.config.jobs import digest
from implicitbias.config.load import validate
from implicitbias.config.plan import make_plan

CONFIGS = Path(__file__).parents[2] / "config"
KNOWN = Path(__file__).with_name("shipped.json")
WORDS = ("question", "method", "theme", "papers")


def digests(name: str) -> dict[str, str]:
    """The digest of every study of a shipped config, in order, and of all other keys."""
    whole = compose([CONFIGS / f"{name}.yaml"])
    plan = make_plan(validate(whole))
    found = {"(other keys)": digest({key: value for key, value in whole.values.items() if key != "studies"})}
    for study, values in whole.values["studies"].items():
        paths = sorted(piece.path for piece in plan.studies[study].pieces)
        found[study] = digest(
            {"keys": {key: value for key, value in values.items() if key not in WORDS}, "jobs": paths}
        )
    return found


@pytest.mark.parametrize("name", ["config", "paper", "test"])
def test_shipped_configs_are_what_they_were(name: str) -> None:
    known, found = json.loads(KNOWN.read_text(encoding="utf-8"))[name], digests(name)
    changed = [study for study in {**known, **found} if known.get(study) != found.get(study)]
    assert changed == [], "if this is meant: PYTHONPATH=src python tests/config/test_shipped.py"
    assert list(found) == list(known)


if __name__ == "__main__":
    text = json.dumps({path.stem: digests(path.stem) for path in sorted(CONFIGS.glob("*.yaml"))}, indent=1)
    KNOWN.write_text(f"{text}\n", encoding="utf-8")
