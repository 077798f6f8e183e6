import errno
import re
import subprocess
import sys
import warnings

import pytest

from implicitbias.errors import ConfigError, DataError
from implicitbias.job import logged_to


def test_everything_goes_to_the_log_and_nothing_to_the_terminal(tmp_path, capsys):
    log = tmp_path / "deep" / "job.log"
    out, err = sys.stdout, sys.stderr
    with logged_to(log):
        print("printed")
        print("reported", file=sys.stderr)
        assert log.read_text() == "printed\nreported\n"  # while the job runs, not at its end
    assert (sys.stdout, sys.stderr) == (out, err)
    assert capsys.readouterr() == ("", "")


def test_every_warning_goes_to_the_log(tmp_path):
    """In a process of its own: pytest catches warnings itself."""
    script = (
        "import sys, warnings; from implicitbias.job import logged_to\n"
        "with logged_to(sys.argv[1]): warnings.warn('warned'); warnings.warn('old', DeprecationWarning, stacklevel=9)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "job.log")], capture_output=True, check=True)
    text = (tmp_path / "job.log").read_text()
    assert "UserWarning: warned" in text
    assert "DeprecationWarning: old" in text
    assert done.stdout + done.stderr == b""


def test_a_new_run_starts_a_new_log(tmp_path):
    for word in ("first", "second"):
        with logged_to(tmp_path / "job.log"):
            print(word)
    assert (tmp_path / "job.log").read_text().splitlines()[:-1] == ["second"]


def test_the_last_line_says_what_the_process_has_taken(tmp_path):
    script = (
        "import sys; from implicitbias.job import logged_to\n"
        "with logged_to(sys.argv[1]): held = bytearray({}); held = None"
    )
    found = []
    for size in (10, 300 * 2**20):
        subprocess.run([sys.executable, "-c", script.format(size), str(tmp_path / "job.log")], check=True)
        (line,) = (tmp_path / "job.log").read_text().splitlines()
        words = re.fullmatch(r"finished: (\d+\.\d) s of processor time, (\d+) MB at most", line)
        found.append(int(words[2]))
    assert 299 <= found[1] - found[0] <= 310


def test_what_was_imported_before_the_job_is_out_of_the_garbage_collectors_sight(tmp_path):
    script = "from implicitbias import job; import gc, sys, torch; assert not gc.isenabled()\n" + (
        "with job.logged_to(sys.argv[1]): print(len(gc.get_objects()), gc.get_freeze_count()); assert gc.isenabled()\n"
        "assert len(gc.get_objects()) < 100"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "job.log")], check=True)
    seen, hidden = map(int, (tmp_path / "job.log").read_text().split()[:2])
    assert seen < hidden / 100


def test_an_error_of_the_user_leaves_its_message_alone(tmp_path):
    with pytest.raises(SystemExit) as caught, logged_to(tmp_path / "job.log"):
        raise DataError("no such file")
    assert caught.value.code == 1  # a number: Python prints nothing
    assert (tmp_path / "job.log").read_text() == "error: no such file\n"


def test_any_other_error_leaves_its_traceback(tmp_path):
    out, err = sys.stdout, sys.stderr
    with pytest.raises(SystemExit) as caught, logged_to(tmp_path / "job.log"):
        1 / 0  # noqa: B018
    assert caught.value.code == 1
    text = (tmp_path / "job.log").read_text()
    assert "Traceback" in text
    assert "ZeroDivisionError: division by zero" in text
    assert (sys.stdout, sys.stderr) == (out, err)


def test_the_warning_filters_are_as_before(tmp_path):
    before = list(warnings.filters)
    with logged_to(tmp_path / "job.log"):
        assert warnings.filters[0][0] == "default"
    assert warnings.filters == before


def test_a_full_disk_ends_the_job_with_one_line(tmp_path):
    log = tmp_path / "job.log"
    with pytest.raises(SystemExit), logged_to(log):
        raise OSError(errno.ENOSPC, "No space left on device", "results/a.nc")
    assert log.read_text() == "error: results/a.nc cannot be written: No space left on device\n"


def test_a_log_that_cannot_be_written_does_not_end_the_job():
    """/dev/full takes no byte."""
    done = []
    with logged_to("/dev/full"):
        print("lost")
        done.append(True)
    with pytest.raises(SystemExit, match="told all the same"), logged_to("/dev/full"):
        raise ConfigError("told all the same")
    with pytest.raises(ZeroDivisionError), logged_to("/dev/full"):
        1 / 0  # noqa: B018
    assert done


def test_a_log_that_cannot_be_opened_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match=r"job\.log: cannot be written"), logged_to(tmp_path / "file" / "job.log"):
        pass
