"""The command against an archive of its own on a loopback port."""

from __future__ import annotations

import hashlib
import json
import lzma
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from zero_image.debian.archive import KEYRING, apt_mirrors
from zero_image.debian.locking import refresh_locks, write_lock
from zero_image.debian.resolution import roots
from zero_image.errors import ImageError
from zero_image.testing import write_folder

UNSIGNED = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{}\n-----BEGIN PGP SIGNATURE-----\n\nnone\n"


def index(names: list[str], version: str) -> bytes:
    return lzma.compress(
        "\n".join(
            f"Package: {name}\nVersion: {version}\nArchitecture: amd64\n"
            f"Filename: pool/main/{name}_{version}_amd64.deb\nSize: 7\nSHA256: {'1' * 64}\n"
            for name in names
        ).encode()
    )


def suite(codename: str, packages: bytes, until: str = "", checksum: str = "") -> dict[str, bytes]:
    path = "main/binary-amd64/Packages.xz"
    digest = checksum or hashlib.sha256(packages).hexdigest()
    limit = f"Valid-Until: {until}\n" if until else ""
    release = f"Origin: Debian\nCodename: {codename}\n{limit}SHA256:\n {digest} {len(packages):8} {path}\n"
    folder = f"dists/{codename}"
    return {f"{folder}/InRelease": UNSIGNED.format(release).encode(), f"{folder}/{path}": packages}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """The folder that the mirror serves, with a whole release in it, and its addresses."""
    folder = tmp_path / "mirror"
    write_folder(folder / "debian", suite("bookworm", index(roots("3.11"), "1.0")))
    write_folder(folder / "debian", suite("bookworm-updates", index([], "")))
    write_folder(folder / "debian-security", suite("bookworm-security", index(["tzdata"], "1.1")))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    yield folder, {name: f"{address}/{name}/" for name in ("debian", "debian-security")}
    server.shutdown()
    server.server_close()


def lock(mirrors: dict[str, str], output: Path, **changes: str) -> None:
    settings = {"suite": "bookworm", "architecture": "amd64", "python": "3.11"} | changes
    write_lock(**settings, extra=[], mirrors=mirrors, keyring=KEYRING, output=output)


@pytest.fixture
def without_gpgv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The made-up archive has no Debian developer to sign it."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("without_gpgv")
def test_takes_the_newest_from_both_archives(
    archive: tuple[Path, dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock(archive[1], tmp_path / "out" / "a.lock")
    packages = json.loads((tmp_path / "out" / "a.lock").read_text())["packages"]
    assert [package["name"] for package in packages] == sorted(roots("3.11"))
    assert {package["name"]: package["archive"] for package in packages}["tzdata"] == "debian-security"
    assert packages[0] == {
        "name": "base-files",
        "version": "1.0",
        "architecture": "amd64",
        "archive": "debian",
        "path": "pool/main/base-files_1.0_amd64.deb",
        "sha256": "1" * 64,
        "size": 7,
    }
    assert "not verified" in capsys.readouterr().err


@pytest.mark.usefixtures("without_gpgv")
def test_a_refresh_keeps_what_a_lock_was_asked_for(
    archive: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    folder, mirrors = archive
    names = [*roots("3.11"), "libpq5"]
    write_folder(folder / "debian", suite("bookworm", index(names, "1.0")))
    path = tmp_path / "locks" / "debian-12-amd64.lock"
    write_lock("bookworm", "amd64", "3.11", ["libpq5"], mirrors, KEYRING, path)
    before = path.read_bytes()
    assert list(refresh_locks([path], mirrors)) == [f"{path}: {len(names)} packages, 0 changed"]
    assert path.read_bytes() == before
    write_folder(folder / "debian-security", suite("bookworm-security", index(["libpq5"], "1.2")))
    lines = list(refresh_locks([path.parent], mirrors))
    assert lines == [
        f"{path}: {len(names)} packages, 2 changed",
        "  libpq5: 1.0 -> 1.2",
        "  tzdata: 1.1 -> 1.0",
    ]
    versions = {one["name"]: one["version"] for one in json.loads(path.read_text())["packages"]}
    assert versions["libpq5"] == "1.2"


@pytest.mark.usefixtures("without_gpgv")
def test_a_refresh_that_fails_for_one_lock_writes_none(
    archive: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    _, mirrors = archive
    lock(mirrors, tmp_path / "a.lock")
    good = json.loads((tmp_path / "a.lock").read_text())
    (tmp_path / "b.lock").write_text(json.dumps(good | {"architecture": "arm64"}))
    (tmp_path / "c.lock").write_text("[]")
    (tmp_path / "a.lock").write_text(json.dumps(good | {"packages": []}))
    with pytest.raises(ImageError) as raised:
        list(refresh_locks([tmp_path], mirrors))
    assert [problem.partition(": ")[0] for problem in raised.value.problems] == [
        str(tmp_path / "b.lock"),
        str(tmp_path / "c.lock"),
    ]
    assert json.loads((tmp_path / "a.lock").read_text())["packages"] == []
    with pytest.raises(ImageError, match="there are no locks here"):
        list(refresh_locks([tmp_path / "mirror"], mirrors))


@pytest.mark.skipif(shutil.which("gpgv") is None or not KEYRING.exists(), reason="no gpgv or no Debian keys")
def test_refuses_what_debian_did_not_sign(archive: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="the signature of bookworm does not verify"):
        lock(archive[1], tmp_path / "a.lock")
    assert not (tmp_path / "a.lock").exists()


@pytest.mark.usefixtures("without_gpgv")
@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (suite("bookworm", index([], ""), checksum="0" * 64), "is not the one that its Release file lists"),
        (suite("bookworm", index([], ""), until="Sat, 01 Jan 2000 00:00:00 UTC"), "was valid until"),
        ({"dists/bookworm/InRelease": suite("sid", b"")["dists/sid/InRelease"]}, "the mirror gave sid"),
        (
            {"dists/bookworm/InRelease": UNSIGNED.format("Codename: bookworm").encode()},
            "no packages for amd64",
        ),
    ],
)
def test_refuses_an_index_that_is_not_the_wanted_one(
    archive: tuple[Path, dict[str, str]], files: dict[str, bytes], problem: str, tmp_path: Path
) -> None:
    write_folder(archive[0] / "debian", files)
    with pytest.raises(ImageError, match=problem):
        lock(archive[1], tmp_path / "a.lock")


def test_unknown_names_are_told(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="the Debian release 'bookwurm'; did you mean 'bookworm'"):
        lock({}, tmp_path / "a.lock", suite="bookwurm")
    with pytest.raises(ImageError, match="the architecture 'arm46'; did you mean 'arm64'"):
        lock({}, tmp_path / "a.lock", architecture="arm46")


def test_a_mirror_that_does_not_answer_is_told(archive: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    mirrors = {name: url.replace("debian", "nothing") for name, url in archive[1].items()}
    with pytest.raises(ImageError, match="InRelease: HTTP Error 404"):
        lock(mirrors, tmp_path / "a.lock")


def test_mirrors_come_from_both_formats_of_apt(tmp_path: Path) -> None:
    write_folder(
        tmp_path,
        {
            "sources.list": b"# deb http://no.example/debian x main\n"
            b"deb [arch=amd64] http://a.example/debian b main\n",
            "sources.list.d/x.sources": b"URIs: http://b.example/debian/ http://b.example/debian-security\n",
            "sources.list.d/y.list": b"deb https://c.example/tools stable main\n",
        },
    )
    assert apt_mirrors(tmp_path) == {
        "debian": "http://a.example/debian",
        "debian-security": "http://b.example/debian-security",
        "tools": "https://c.example/tools",
    }
    assert apt_mirrors(tmp_path / "absent") == {}
