"""What a run says: a line for every finished job, what failed and why, and nothing of what Snakemake tells itself."""

import copy
import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from laboratory import Laboratory

KILL = "import os, signal\n\nos.kill(os.getpid(), signal.SIGKILL)\n"


def said(laboratory: Laboratory, *arguments: str) -> list[str]:
    """The lines of a run, as a CI job would see them."""
    done = laboratory.snakemake(*arguments, check=False)
    assert "\r" not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    return (done.stdout + done.stderr).splitlines()


def test_a_line_a_job_with_how_many_of_how_many_and_the_time_left(new_tiny: Laboratory) -> None:
    lines = said(new_tiny)
    jobs = [line for line in lines if re.match(r"\d+ of \d+", line)][:-1]
    assert [re.match(r"\d+ of \d+ jobs", line)[0] for line in jobs] == [
        f"{number} of 9 jobs" for number in range(1, 10)
    ]  # type: ignore[index]
    kinds = ["task", "infinite width", "training", "measurement", "study one", "figure bounds of one"]
    kinds += ["table of all runs", "figures of all runs", "report"]
    for kind in kinds:
        (line,) = [line for line in jobs if f": {kind}" in line]
        assert re.search(r", \d+(\.\d)? s$", line), line
    assert all(re.search(r"about \d+(\.\d)? (s|min) left", line) for line in jobs[:-1])
    (key,) = [path.stem for path in (new_tiny.folder / "results/training").glob("*.nc")]
    assert any(f"training {key} of one" in line for line in jobs)
    before = next(place for place, line in enumerate(jobs) if ": study one" in line)
    assert all(f" jobs, {int(place >= before)} of 1 study, " in line for place, line in enumerate(jobs[:-1]))
    assert re.fullmatch(r"9 of 9 jobs are finished, and 1 of 1 study, after \d+ s\.", lines[-1])
    assert len(lines) <= len(jobs) + 4  # the profile, how many jobs, the log, the sum


def test_studies_come_in_the_order_of_the_config_each_with_its_figures(new_tiny: Laboratory) -> None:
    def add(config: dict[str, Any]) -> None:
        one = config["studies"].pop("one")
        for name, sizes in {"last": [20, 6], "first": [6, 12], "alphabet": [20, 30]}.items():
            config["studies"][name] = copy.deepcopy(one)
            config["studies"][name]["task"]["train_size"] = sizes

    new_tiny.edit_config(add)
    jobs = [line for line in said(new_tiny, "--cores", "1", "figures") if re.match(r"\d+ of 24", line)][:-1]
    found = [re.search(r": (\w+) .*\b(last|first|alphabet)\b", line) for line in jobs[:22]]
    kinds = [(match[2], match[1]) for match in found if match]
    assert [study for study, _ in itertools.groupby(study for study, _ in kinds)] == ["last", "first", "alphabet"]
    of_first = [kind for study, kind in kinds if study == "first"]
    assert sorted(of_first) == ["figure", "infinite", "measurement", "study", "task", "training"]
    assert of_first[-2:] == ["study", "figure"]


def test_all_that_snakemake_says_is_on_disk(new_tiny: Laboratory) -> None:
    (told,) = [line for line in said(new_tiny, "tasks") if line.startswith("Complete log(s): ")]
    log = Path(told.removeprefix("Complete log(s): ")).read_text()
    assert "rule build_task:" in log
    assert "1 of 2 steps (50%) done" in log


def test_nothing_to_do_and_dry_runs_are_said_in_snakemakes_words(tiny: Laboratory) -> None:
    assert any(line.startswith("Nothing to be done") for line in said(tiny))
    tiny.edit_config(lambda config: config["studies"]["one"]["nngp"].update(delta=0.05))
    dry = said(tiny, "--dry-run")
    assert any(line.startswith("rule evaluate_nngp:") for line in dry)
    assert any(line.startswith("Job stats:") for line in dry)


def test_a_failed_job_is_named_with_its_reason_and_log_at_once_and_at_the_end(new_tiny: Laboratory) -> None:
    new_tiny.edit(
        "src/implicitbias/nngp/evaluate.py",
        lambda text: text + '\n\ndef evaluate(*_, **__):\n    raise MemoryError("no room for an array")\n',
    )
    new_tiny.edit("workflow/scripts/measure.py", lambda text: KILL + text)
    lines = said(new_tiny)
    told = [line for line in lines if line.startswith("FAILED: ")]
    assert len(told) == 2
    (array,) = [line for line in told if ": infinite width " in line]
    assert "MemoryError: no room for an array (log: results/logs/nngp/" in array
    (killed,) = [line for line in told if ": measurement " in line]
    assert "it was killed, perhaps because memory ran out (log: results/logs/measurements/" in killed
    assert lines.index("2 failed:") > lines.index(array)
    assert {f"  {line.removeprefix('FAILED: ')}" for line in told} <= set(lines)
    assert sum("execution: {largest_mb" in line for line in lines) == 2  # once at once, once at the end
    assert "Traceback" not in "\n".join(lines)
    page = (new_tiny.folder / "results/tiny/report.html").read_text()
    assert "execution: {largest_mb" in page


def test_an_error_before_the_log_is_open_is_seen(new_tiny: Laboratory) -> None:
    new_tiny.edit("workflow/scripts/build_task.py", lambda text: "import no_such_module\n" + text)
    lines = said(new_tiny, "tasks")
    assert any("No module named 'no_such_module'" in line for line in lines)
    assert any("it ended before it could say why (exit status 1)" in line for line in lines)


def test_what_works_when_it_is_tried_again_has_not_failed(new_tiny: Laboratory) -> None:
    once = "from pathlib import Path\n\nif not Path('tried').exists():\n    Path('tried').touch()\n"
    once += "    raise SystemExit(3)\n"
    new_tiny.edit("workflow/scripts/build_task.py", lambda text: once + text)
    lines = said(new_tiny, "--retries", "1", "tasks")
    (failed,) = [line for line in lines if line.startswith("FAILED: task ")]
    assert "(exit status 3)" in failed
    assert any(line.startswith("Trying again: task ") for line in lines)
    assert any(line.startswith("1 of 1 jobs: task ") for line in lines)
    assert "1 failed:" not in lines


def test_divergence_is_said_with_the_training_and_in_the_report(new_tiny: Laboratory) -> None:
    def diverge(config: dict[str, Any]) -> None:
        config["studies"]["one"]["training"].update(
            optimizer="sgd", loss="square", learning_rate=[0.01, 1e9], label_scale=1.0, epochs=30
        )

    new_tiny.edit_config(diverge)
    lines = said(new_tiny)
    assert sum(line.endswith("; 2 of 2 networks diverged") for line in lines) == 1
    page = (new_tiny.folder / "results/tiny/report.html").read_text()
    assert "2 of 4 trained networks diverged: at learning rate 1000000000.0 (2 of 2)." in page


def test_running_jobs_are_named_with_how_far_they_are(new_tiny: Laboratory) -> None:
    new_tiny.edit("src/snakemake_logger_plugin_laboratory/__init__.py", lambda text: text.replace("30.0", "0.5"))
    waits = "    import time\n\n    print('epoch 2 of 3, loss 0.5')\n    time.sleep(3)\n    schema.save("
    new_tiny.edit("workflow/scripts/train.py", lambda text: text.replace("    schema.save(", waits))
    lines = [line for line in said(new_tiny, "training") if line.startswith("running: training ")]
    assert any("(epoch 2 of 3, loss 0.5)" in line for line in lines)


def test_plain_snakemake_finds_it_without_a_further_step(tiny: Laboratory) -> None:
    """No profile is named, and the package is on the path alone, as it is when it is installed."""
    (tiny.folder / "results/tiny/report.html").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--configfile", tiny.config], cwd=tiny.folder, env=tiny.environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "1 of 1 jobs: report, " in done.stderr


def test_names_are_given_for_every_rule() -> None:
    words = (Path(__file__).parents[2] / "workflow/rules/words.smk").read_text()
    scripts = {path.stem for path in (Path(__file__).parents[2] / "workflow/scripts").glob("*.py")}
    assert scripts == set(re.findall(r'^    "(\w+)": "', words, re.MULTILINE))
