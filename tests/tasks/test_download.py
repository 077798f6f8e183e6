"""Downloads from servers on the loopback interface."""

import contextlib
import gzip
import hashlib
import http.server
import multiprocessing
import threading
import time
from dataclasses import replace

import pytest

from implicitbias.catalogue import SOURCES
from implicitbias.catalogue.downloads import Download
from implicitbias.errors import DataError
from implicitbias.fingerprint import fingerprint
from implicitbias.tasks.download import fetch

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
    return Download(mirrors, {NAME: sha256(CONTENT)})


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


def as_it_is(*mirrors):
    return Download(mirrors, md5={NAME: hashlib.md5(CONTENT).hexdigest()})


def test_a_file_with_an_md5_is_judged_as_it_is(tmp_path):
    with mirror(gzip.compress(CONTENT)) as (packed, _), mirror(CONTENT) as (plain, _):
        path = fetch(NAME, tmp_path, as_it_is(packed, plain))
    assert path.read_bytes() == CONTENT


def test_a_wrong_file_with_an_md5_is_refused_and_kept(tmp_path):
    (tmp_path / NAME).write_bytes(OTHER)
    with mirror(CONTENT) as (url, asked), pytest.raises(DataError) as caught:
        fetch(NAME, tmp_path, as_it_is(url))
    for part in (str(tmp_path / NAME), hashlib.md5(CONTENT).hexdigest(), hashlib.md5(OTHER).hexdigest()):
        assert part in str(caught.value)
    assert asked == []
    assert (tmp_path / NAME).read_bytes() == OTHER


def test_every_digest_of_the_catalogue_is_whole_and_every_source_has_a_mirror():
    downloads = {name: entry.download for name, entry in SOURCES.items() if entry.download}
    assert set(downloads) == {"mnist", "fashion_mnist", "cifar10"}
    for download in downloads.values():
        assert all(len(bytes.fromhex(digest)) == 32 for digest in download.sha256.values())
        assert all(len(bytes.fromhex(digest)) == 16 for digest in download.md5.values())
        assert all(url.startswith("http") and url.endswith("/") for url in download.mirrors)
        assert download.mirrors


def test_a_mirror_makes_no_number_but_a_digest_does():
    entry, download = SOURCES["mnist"], SOURCES["mnist"].download
    moved = replace(entry, download=replace(download, mirrors=("http://elsewhere/",)))
    other = replace(entry, download=replace(download, sha256={"a.gz": "00"}))
    (known, after, changed) = (fingerprint([], [each]) for each in (entry, moved, other))
    assert known == after != changed
