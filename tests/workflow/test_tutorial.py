"""The tutorial as a reader follows it: from an empty folder, its files saved and its commands called, in its order."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from laboratory import ROOT

BLOCK = re.compile(r"^```(sh|text|\{code-block\} \w+)\n(?::caption: (\S+)\n\n)?(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLED = """
set -euo pipefail
exec 2>&1
export PYTHONPATH="$PWD/laboratory/src"
git() { command git "$@" && cp -a "$INSTALLED" laboratory/.venv && touch laboratory/.venv/installed; }
"""
"""What installation would put beside the clone is there, because it takes minutes to download."""
SHOWN = "---- the page shows ----"


def script(page: str) -> tuple[str, list[str]]:
    """The page as one script of bash, which says where output is shown, and what is shown there."""
    lines, shown = [INSTALLED], []
    for kind, file, content in BLOCK.findall(page):
        if kind == "text":
            lines.append(f"echo '{SHOWN}'\n")
            shown.append(content)
        else:
            assert file or kind == "sh"
            lines.append(f"cat > {file} <<'END OF FILE'\n{content}END OF FILE\n" if file else content)
    return "".join(lines), shown


def environment_beside(folder: Path) -> Path:
    """This interpreter's environment, as another folder."""
    (folder / "installed").mkdir()
    for part in ("bin", "lib"):
        (folder / "installed" / part).symlink_to(Path(sys.prefix) / part)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", folder / "installed")
    return folder / "installed"


def one_spaced(text: str) -> str:
    return re.sub(r"[ \t]+", " ", text)


def test_every_command_works_and_prints_what_the_page_shows(tmp_path: Path) -> None:
    commands, shown = script((ROOT / "docs/tutorial.md").read_text(encoding="utf-8"))
    assert len(shown) >= 5
    (tmp_path / "empty").mkdir()
    variables = {"LABORATORY": str(ROOT), "INSTALLED": str(environment_beside(tmp_path))}
    environment = {**os.environ, **variables, "CORES": "2", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["bash", "-c", commands], cwd=tmp_path / "empty", env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    printed = done.stdout.split(SHOWN)
    for expected, found in zip(shown, printed[:-1], strict=True):
        for line in one_spaced(expected).splitlines():
            pattern = ".*".join(map(re.escape, line.split("…")))
            assert re.search(rf"^{pattern}$", one_spaced(found), re.MULTILINE), f"{line}\n\nis not in\n\n{found}"
