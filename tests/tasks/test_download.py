"""Downloads from servers on the loopback interface."""

import contextlib
import gzip
import hashlib
import http.server
import multiprocessing
import threading
import time

import pytest

from implicitbias.errors import DataError
from implicitbias.tasks.download import Listing, fetch, read_listing

CONTENT = b"handwritten digits " * 5000
OTHER = b"something else"
NAME = "digits.gz"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@contextlib.contextmanager
def mirror(body=None, status=200, promised=None, delay=0.0):
    """The address of a server that answers every request with `body`, and the list of paths asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            time.sleep(delay)
            self.send_response(status)
            self.send_header("Content-Length", str(promised or len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/data", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def listing(*mirrors):
    return Listing(mirrors, {NAME: sha256(CONTENT)})


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_good_mirror_delivers(tmp_path):
    with mirror(gzip.compress(CONTENT)) as (url, asked):
        path = fetch(NAME, tmp_path / "raw", listing(url))
    assert asked == [f"/data/{NAME}"]
    assert path == tmp_path / "raw" / NAME
    assert gzip.decompress(path.read_bytes()) == CONTENT
    assert entries(tmp_path / "raw") == [NAME]


@pytest.mark.parametrize(
    "bad",
    [
        {"status": 404},
        {"status": 503, "body": b"busy"},
        {"body": gzip.compress(OTHER)},
        {"body": b"<html>log in to the hotel network</html>"},
        {"body": gzip.compress(CONTENT)[:100], "promised": len(gzip.compress(CONTENT))},
        {"body": gzip.compress(CONTENT)[:100]},
    ],
    ids=["missing", "busy", "wrong contents", "no gzip", "cut half-way", "short"],
)
def test_the_next_mirror_is_tried_after_a_bad_one(tmp_path, bad):
    with mirror(**bad) as (first, asked_first), mirror(gzip.compress(CONTENT)) as (second, asked_second):
        path = fetch(NAME, tmp_path, listing(first, second))
    assert len(asked_first) == len(asked_second) == 1
    assert gzip.decompress(path.read_bytes()) == CONTENT


def test_mirrors_after_the_first_good_one_are_left_alone(tmp_path):
    with mirror(gzip.compress(CONTENT)) as (first, _), mirror(gzip.compress(CONTENT)) as (second, asked):
        fetch(NAME, tmp_path, listing(first, second))
    assert asked == []


def test_when_all_fail_every_mirror_and_its_reason_are_listed_and_nothing_is_left(tmp_path):
    with (
        mirror(status=404) as (missing, _),
        mirror(gzip.compress(OTHER)) as (wrong, _),
        mirror(gzip.compress(CONTENT)[:100], promised=10_000) as (cut, _),
    ):
        gone = "http://127.0.0.1:1/nobody"
        with pytest.raises(DataError) as caught:
            fetch(NAME, tmp_path, listing(missing, wrong, cut, gone))
    lines = str(caught.value).splitlines()
    for url, reason in ((missing, "404"), (wrong, sha256(OTHER)), (cut, "100"), (gone, "refused")):
        assert any(f"{url}/{NAME}" in line and reason in line for line in lines), (url, reason, lines)
    assert f"Put the file into {tmp_path}/ by hand" in lines[-1]
    assert sha256(CONTENT) in lines[-1]
    assert entries(tmp_path) == []


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(self, url, output_file, pooch):
        with open(output_file, "wb") as part:
            part.write(gzip.compress(CONTENT)[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr("pooch.HTTPDownloader.__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(NAME, tmp_path, listing("http://127.0.0.1:1"))
    assert entries(tmp_path) == []


@pytest.mark.parametrize("level", [1, 9])
def test_a_right_local_file_is_taken_however_it_was_compressed(tmp_path, level):
    archive = gzip.compress(CONTENT, compresslevel=level, mtime=level)
    (tmp_path / NAME).write_bytes(archive)
    assert fetch(NAME, tmp_path, listing()) == tmp_path / NAME
    assert (tmp_path / NAME).read_bytes() == archive


def test_a_wrong_local_file_is_refused_with_both_digests_and_kept(tmp_path):
    (tmp_path / NAME).write_bytes(gzip.compress(OTHER))
    with mirror(gzip.compress(CONTENT)) as (url, asked), pytest.raises(DataError) as caught:
        fetch(NAME, tmp_path, listing(url))
    for part in (str(tmp_path / NAME), sha256(CONTENT), sha256(OTHER)):
        assert part in str(caught.value)
    assert asked == []
    assert gzip.decompress((tmp_path / NAME).read_bytes()) == OTHER


def test_a_truncated_local_file_is_refused_and_kept(tmp_path):
    part = gzip.compress(CONTENT)[:-10]
    (tmp_path / NAME).write_bytes(part)
    with pytest.raises(DataError, match="not a whole gzip file") as caught:
        fetch(NAME, tmp_path, listing())
    assert sha256(CONTENT) in str(caught.value)
    assert (tmp_path / NAME).read_bytes() == part


def test_two_processes_at_once_both_get_the_file(tmp_path):
    with mirror(gzip.compress(CONTENT), delay=0.3) as (url, asked):
        jobs = multiprocessing.get_context("fork")
        workers = [jobs.Process(target=fetch, args=(NAME, tmp_path, listing(url))) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(asked) == 2  # they did overlap
    assert entries(tmp_path) == [NAME]
    assert gzip.decompress((tmp_path / NAME).read_bytes()) == CONTENT


def test_an_unlisted_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"other\.gz.*not listed"):
        fetch("other.gz", tmp_path, listing())


def test_listing_is_read(tmp_path):
    sources = tmp_path / "sources.yaml"
    sources.write_text("letters:\n  mirrors: [http://a/, http://b/]\n  files:\n    x.gz: {bytes: 3, sha256: abc}\n")
    assert read_listing(sources, "letters") == Listing(("http://a/", "http://b/"), {"x.gz": "abc"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        ("a: [", "cannot be read"),
        ("", "no source 'letters'"),
        ("letter: {}", "did you mean 'letter'"),
        ("letters: {mirrors: []}", "needs `mirrors` and `files`"),
        ("letters: {mirrors: [], files: {x.gz: abc}}", "each file with its `sha256`"),
    ],
)
def test_a_listing_that_cannot_be_used_is_named(tmp_path, text, message):
    sources = tmp_path / "sources.yaml"
    if text is not None:
        sources.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_listing(sources, "letters")
    assert str(sources) in str(caught.value)
