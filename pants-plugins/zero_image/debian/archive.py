"""Reads a Debian archive's signed index of packages, from the mirrors that this machine's apt uses."""

from __future__ import annotations

import hashlib
import lzma
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from zero_image.debian.control import Paragraph, paragraphs
from zero_image.errors import ImageError

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""Where Debian's package debian-archive-keyring puts its keys."""

_APT = Path("/etc/apt")
_TIMEOUT = 60.0  # seconds without a byte


@dataclass(frozen=True)
class Archive:
    name: str
    """``debian`` or ``debian-security``: the last part of every mirror's address."""
    mirror: str
    """The address, without a slash at its end."""


def apt_mirrors(apt: Path = _APT) -> dict[str, str]:
    """The mirror of each archive that apt's sources name, in both of their formats (sources.list(5))."""
    mirrors: dict[str, str] = {}
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if not path.is_file():
            continue
        text = path.read_text()
        if path.suffix == ".sources":
            uris = [uri for paragraph in paragraphs(text) for uri in paragraph.get("URIs", "").split()]
        else:
            uris = re.findall(r"^deb\s+(?:\[[^\]]*\]\s*)?(\S+)", text, re.MULTILINE)
        for uri in uris:
            mirror = uri.rstrip("/")
            mirrors.setdefault(mirror.rpartition("/")[2], mirror)
    return mirrors


def packages(archive: Archive, suite: str, architecture: str, keyring: Path) -> list[Paragraph]:
    """The packages of component ``main`` of a suite, as its Packages index describes them."""
    release = next(paragraphs(_release(archive, suite, keyring)))
    path = f"main/binary-{architecture}/Packages.xz"
    _check_release(release, archive, suite)
    # Lines of a hash, a size and a path.
    lines = [line.split() for line in release.get("SHA256", "").splitlines() if line]
    hashes = {name: digest for digest, _, name in lines}
    if path not in hashes:
        raise ImageError(f"{archive.name}: the suite {suite} has no packages for {architecture}")
    data = _get(f"{archive.mirror}/dists/{suite}/{path}")
    if hashlib.sha256(data).hexdigest() != hashes[path]:
        raise ImageError(
            f"{archive.name}: {path} of {suite} is not the one that its Release file lists",
            hint="the mirror may be in the middle of an update; try again in a few minutes",
        )
    return list(paragraphs(lzma.decompress(data).decode()))


def _check_release(release: Paragraph, archive: Archive, suite: str) -> None:
    """Raises ImageError for what is signed but is not what was asked for: another suite, or an old state."""
    if release.get("Codename") != suite:
        raise ImageError(f"{archive.name}: the mirror gave {release.get('Codename')} for the suite {suite}")
    until = release.get("Valid-Until")
    if until and parsedate_to_datetime(until) < datetime.now(UTC):
        raise ImageError(f"{archive.name}: what the mirror has of {suite} was valid until {until}")


def _release(archive: Archive, suite: str, keyring: Path) -> str:
    """The text of InRelease, its signature verified where gpgv is installed."""
    signed = _get(f"{archive.mirror}/dists/{suite}/InRelease")
    gpgv = shutil.which("gpgv")
    if gpgv is None:
        print(f"warning: no gpgv here: {archive.name} {suite} is not verified", file=sys.stderr)
        return _signed_text(signed.decode())
    if not keyring.is_file():
        raise ImageError(
            f"{keyring}: no such keyring", hint="install debian-archive-keyring or name one with --keyring"
        )
    with tempfile.TemporaryDirectory() as folder:
        message, text = Path(folder, "InRelease"), Path(folder, "Release")
        message.write_bytes(signed)
        command = [gpgv, "--quiet", "--keyring", str(keyring), "--output", str(text), str(message)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            raise ImageError(
                f"{archive.name}: the signature of {suite} does not verify: {result.stderr.strip()}",
                hint=f"its key may be newer than {keyring}",
            )
        return text.read_text()


def _signed_text(message: str) -> str:
    """The text inside an OpenPGP clear-signed message (RFC 9580, section 7)."""
    _, _, rest = message.partition("\n\n")
    text, _, _ = rest.partition("\n-----BEGIN PGP SIGNATURE-----")
    return re.sub(r"^- ", "", text, flags=re.MULTILINE)


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:
            body: bytes = response.read()
            return body
    except (urllib.error.URLError, ValueError, TimeoutError) as error:
        raise ImageError(f"{url}: {error}") from None
