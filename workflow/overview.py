"""What a run would do (`plan`), whether it is whole and where its report is (`report`), and what is `stale`."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from implicitbias.config.jobs import STAGES
from implicitbias.config.layout import STATE, dataset, log_of, report_page, root
from implicitbias.config.load import config_of
from implicitbias.config.plan import Plan, identity, make_plan
from implicitbias.errors import ConfigError


def show_plan(config: str) -> None:
    """A line for every stage: jobs, those that have a result (stale or not), and what they may take at most."""
    plan = load(config)
    print(f"{'stage':<14}{'jobs':>7}{'present':>9}{'memory of one':>17}{'time of all, on one core':>28}")
    for stage in STAGES:
        jobs = plan.jobs[stage].values()
        if not jobs:
            continue
        present = sum(Path(dataset(f"{stage}/{job.key}")).exists() for job in jobs)
        memory, minutes = max(job.request.memory_mb for job in jobs), sum(job.request.minutes for job in jobs)
        print(f"{stage:<14}{len(jobs):>7}{present:>9}{f'< {memory / 1000:.1f} GB':>17}{f'< {minutes / 60:.1f} h':>28}")
    for kind in ("studies", "figures"):
        own = [product for address, product in plan.products.items() if product.study and address.startswith(kind)]
        present = sum(all(Path(file).exists() for file in product.files) for product in own)
        print(f"{kind:<14}{len(own):>7}{present:>9}")


def unfinished(config: str) -> list[str]:
    """What a run was to make and is not there, or is not of this config: a line each."""
    values = config_of(config)
    page = report_page(values.name)
    files = (file for product in make_plan(values).products.values() for file in product.files)
    found = [f"{file}: is missing" for file in files if not Path(file).exists()]
    whole = f'<meta name="config" content="{identity(values)}">'
    if Path(page).exists() and whole not in Path(page).read_text(encoding="utf-8", errors="replace"):
        found.append(f"{page}: is not the whole report of this config. Delete it (rm {page}) and call make again.")
    return found


def stale(configs: Iterable[str]) -> list[Path]:
    """Files under results/ that belong to no point, study or figure of any of the configs.

    Part files are left out: a job may be writing one, and those of dead jobs are swept up by the next.
    """
    wanted: set[str] = set()
    for config in configs:
        plan = load(config)
        for stage in STAGES:
            for key in plan.jobs[stage]:
                wanted |= {dataset(f"{stage}/{key}"), log_of(f"{stage}/{key}")}
        wanted |= {str(Path(dataset(f"training/{key}")).with_suffix(STATE)) for key in plan.jobs["training"]}
        for address, product in plan.products.items():
            wanted |= {log_of(address, plan.name), *product.files}
    found = (path for path in Path(root()).rglob("*") if path.is_file() or path.is_symlink())
    return sorted(path for path in found if str(path) not in wanted and path.suffix != ".part")


def load(config: str) -> Plan:
    """The plan of a config file."""
    return make_plan(config_of(config))


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
    parser.add_argument("what", choices=["plan", "report", "stale"])
    parser.add_argument("configs", nargs="+", help="config files; what any of them uses is not stale")
    parser.add_argument("--delete", action="store_true", help="delete stale files without asking")
    given = parser.parse_args()
    try:
        if given.what == "plan":
            show_plan(given.configs[0])
        elif given.what == "report":
            if lines := unfinished(given.configs[0]):
                sys.exit("\n".join(["The run ended, but not all that it was to make is there:", *lines]))
            print("The report is at", Path(report_page(load(given.configs[0]).name)).resolve())
        else:
            clear(stale(given.configs), given.configs, delete=given.delete)
    except ConfigError as error:
        sys.exit(str(error))
