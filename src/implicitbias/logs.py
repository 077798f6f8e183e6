"""What the log of a job says to whoever called the workflow: what ended it, and what to know of its result."""

import sys
from pathlib import Path

_NOTE, _ERROR = "note: ", "error: "


def note(text: str) -> None:
    """Write a line to the log that is to be seen on the terminal too, once the job is finished."""
    print(f"{_NOTE}{text}", file=sys.stderr)


def notes(path: str | Path) -> list[str]:
    """The notes in a log."""
    return [line.removeprefix(_NOTE) for line in _lines(path) if line.startswith(_NOTE)]


def last_line(path: str | Path, word: str = "") -> str:
    """The last line of a log that has words in it (a given one, if any is): how far a running job is, say."""
    return next((line.strip() for line in reversed(_lines(path)) if line.strip() and word in line), "")


def last_error(path: str | Path) -> str:
    """What ended the job whose log this is, or an empty text if the log does not say (the job was killed, say)."""
    lines = _lines(path)
    for position in range(len(lines) - 1, -1, -1):
        if lines[position].startswith(_ERROR):
            return " ".join(lines[position:]).removeprefix(_ERROR)
        if lines[position].startswith("Traceback "):
            told = [line for line in lines[position + 1 :] if line.strip() and not line.startswith(" ")]
            return " ".join(told)
    return ""


def _lines(path: str | Path) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
