import pytest

from implicitbias.errors import DataError
from implicitbias.job import logged_to
from implicitbias.logs import last_error, last_line, note, notes
from implicitbias.progress import Progress


def test_what_ended_a_job_is_in_its_log(tmp_path):
    log = tmp_path / "job.log"
    assert last_error(log) == ""  # no such file
    with logged_to(log), Progress(4, "training", "epoch") as progress:
        progress.update()
    assert last_error(log) == ""
    with pytest.raises(SystemExit), logged_to(log):
        raise DataError("no such file")
    assert last_error(log) == "no such file"
    with pytest.raises(SystemExit), logged_to(log):
        raise KeyError("step") from ValueError("first\n  in two lines")
    assert last_error(log) == "KeyError: 'step'"
    log.write_bytes(b"\xff training: epoch 10 of 20")
    assert last_error(log) == ""


def test_notes_and_the_last_line_are_found_again(tmp_path):
    log = tmp_path / "job.log"
    assert (notes(log), last_line(log)) == ([], "")
    with logged_to(log):
        note("3 of 12 networks diverged")
        print("the note: is no note\n\n")
    assert notes(log) == ["3 of 12 networks diverged"]
    assert last_line(log, "is no note") == "the note: is no note"
    assert last_line(log).startswith("finished: ")
