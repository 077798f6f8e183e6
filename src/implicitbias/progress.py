"""How far a job is: a bar with figures in its log."""

import sys
from typing import Any

from tqdm import tqdm


def bar(total: int, description: str) -> "tqdm[Any]":
    """A progress bar on the current stderr, at most one line every five seconds; set figures by `set_postfix`."""
    return tqdm(total=total, desc=description, file=sys.stderr, mininterval=5, ascii=True)
