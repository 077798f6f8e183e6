"""What a run would do (`plan`), and which results no config uses any more (`stale`): `make plan`, `make stale`."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from implicitbias.config.load import read_yaml, validate
from implicitbias.config.plan import STAGES, Plan, make_plan
from implicitbias.errors import ConfigError

RESULTS = Path("results")


def show_plan(config: str) -> None:
    """A line for every stage: jobs, those that have a result, memory of the largest, time of all (upper bounds)."""
    plan = load(config)
    print(f"{'stage':<14}{'jobs':>7}{'present':>9}{'largest':>11}{'one core':>12}")
    for stage in STAGES:
        jobs = plan.jobs[stage].values()
        if not jobs:
            continue
        present = sum((RESULTS / stage / f"{job.key}.nc").exists() for job in jobs)
        memory, minutes = max(job.size.memory_mb for job in jobs), sum(job.size.minutes for job in jobs)
        print(f"{stage:<14}{len(jobs):>7}{present:>9}{memory / 1000:>8.1f} GB{minutes / 60:>8.1f} h <")
    figures = sum(len(study.figures) for study in plan.studies.values())
    print(f"{'studies':<14}{len(plan.studies):>7}\n{'figures':<14}{figures:>7}")


def stale(configs: Iterable[str]) -> list[Path]:
    """Files under results/ that belong to no point, study or figure of any of the configs.

    Part files are left out: a job may be writing one, and those of dead jobs are swept up by the next.
    """
    wanted: set[Path] = set()
    for config in configs:
        plan = load(config)
        summary = RESULTS / read_yaml(config).get("name", "")
        for stage in STAGES:
            for key in plan.jobs[stage]:
                wanted |= {RESULTS / stage / f"{key}.nc", RESULTS / "logs" / stage / f"{key}.log"}
        wanted |= {summary / "report.html", summary / "logs" / "report.log"}
        wanted |= {summary / "studies" / "all_runs.nc", summary / "logs" / "studies" / "all_runs.log"}
        wanted |= {summary / "figures" / f"all_runs.{suffix}" for suffix in ("png", "pdf")}
        wanted |= {summary / "logs" / "figures" / "all_runs.log"}
        for name, study in plan.studies.items():
            wanted |= {summary / "studies" / f"{name}.nc", summary / "logs" / "studies" / f"{name}.log"}
            for figure in study.figures:
                drawing = summary / "figures" / name / figure
                log = summary / "logs" / "figures" / name / f"{figure}.log"
                wanted |= {drawing.with_suffix(".png"), drawing.with_suffix(".pdf"), log}
    found = (path for path in RESULTS.rglob("*") if path.is_file() or path.is_symlink())
    return sorted(path for path in found if path not in wanted and path.suffix != ".part")


def load(config: str) -> Plan:
    """The plan of a config file."""
    return make_plan(validate(read_yaml(config), [config]))


def clear(paths: list[Path], configs: list[str], *, delete: bool) -> None:
    """List the stale files and, once confirmed (or told so beforehand), delete them."""
    size = sum(path.lstat().st_size for path in paths)
    for path in paths:
        print(path)
    print(f"{len(paths)} files, {size / 1e6:.1f} MB, are used by none of {', '.join(configs)}.")
    if paths and (delete or (sys.stdin.isatty() and input("Delete them? [y/N] ").lower() == "y")):
        for path in paths:
            path.unlink()
        print("Deleted.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["plan", "stale"])
    parser.add_argument("configs", nargs="+", help="config files; what any of them uses is not stale")
    parser.add_argument("--delete", action="store_true", help="delete stale files without asking")
    given = parser.parse_args()
    try:
        if given.what == "plan":
            show_plan(given.configs[0])
        else:
            clear(stale(given.configs), given.configs, delete=given.delete)
    except ConfigError as error:
        sys.exit(str(error))
