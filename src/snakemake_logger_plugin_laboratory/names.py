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
        self.summary = ""

    def call(self, job: Name, targets: Callable[[], Collection[str]], summary: str) -> None:
        """Take a workflow's names.

        Args:
            job: what a job is called, of its rule and wildcards.
            targets: the rules that make nothing, and whose jobs nobody waits for.
            summary: the rule whose job ends a study.
        """
        self.job, self.targets, self.summary = job, targets, summary


NAMES = Names()
"""Those of the workflow of this process."""
