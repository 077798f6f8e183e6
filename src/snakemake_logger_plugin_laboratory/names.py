"""What jobs are called on the terminal: by the workflow, which knows its rules, or else by rule and wildcards."""

from collections.abc import Callable, Collection, Mapping

Name = Callable[[str, Mapping[str, str]], str]


def _plain(rule: str, wildcards: Mapping[str, str]) -> str:
    return " ".join([rule, *wildcards.values()])


class Names:
    """The names of a workflow's jobs."""

    def __init__(self) -> None:
        self.job: Name = _plain
        self.targets: Callable[[], Collection[str]] = tuple

    def call(self, job: Name, targets: Callable[[], Collection[str]]) -> None:
        """Take a workflow's names.

        Args:
            job: what a job is called, of its rule and wildcards.
            targets: the rules that make nothing, and whose jobs nobody waits for.
        """
        self.job, self.targets = job, targets


NAMES = Names()
"""Those of the workflow of this process."""
