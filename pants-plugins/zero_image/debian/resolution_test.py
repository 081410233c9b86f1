from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zero_image.debian.lockfile import LockedPackage
from zero_image.debian.resolution import Candidate, compare_versions, resolve, roots
from zero_image.errors import ImageError

versions = st.from_regex(r"([0-9]:)?[0-9][0-9a-b.+~]{0,5}(-[0-9a-b.+~]{1,3})?", fullmatch=True)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0", "1.0-1"),
        ("1.0~rc1", "1.0"),
        ("1.0~~", "1.0~"),
        ("1.2", "1.10"),
        ("2.0", "1:1.0"),
        ("3.0.17-1~deb12u2", "3.0.17-1"),
        ("3.11.2-6+deb12u6", "3.11.2-6+deb12u9"),
        ("1.0a", "1.0+"),
        ("1.0a", "1.0b"),
        ("1.0-9", "1.0-10"),
        ("1.0-1-2", "1.0-2-1"),
    ],
)
def test_versions_are_ordered_as_debian_orders_them(older: str, newer: str) -> None:
    assert compare_versions(older, newer) < 0 < compare_versions(newer, older)


@pytest.mark.parametrize(("left", "right"), [("1.0", "0:1.0"), ("1.0", "1.00"), ("1.0-0", "1.0")])
def test_versions_that_are_equal(left: str, right: str) -> None:
    assert compare_versions(left, right) == 0


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg, to compare with, is not installed")
@settings(max_examples=15, deadline=None)
@given(versions, versions)
def test_versions_are_ordered_as_dpkg_orders_them(left: str, right: str) -> None:
    sign = compare_versions(left, right)
    relation = "lt" if sign < 0 else "gt" if sign > 0 else "eq"
    assert subprocess.run(["dpkg", "--compare-versions", left, relation, right]).returncode == 0


def candidate(name: str, version: str = "1", depends: str = "", provides: str = "") -> Candidate:
    package = LockedPackage(name, version, "amd64", "debian", f"pool/{name}_{version}.deb", "0" * 64, 1)
    return Candidate(package, depends, provides)


def chosen(candidates: list[Candidate], *wanted: str) -> list[tuple[str, str]]:
    return [(package.name, package.version) for package in resolve(candidates, wanted)]


def test_the_newest_of_each_and_all_it_needs() -> None:
    candidates = [
        candidate("app", "1.9", "old"),
        candidate("app", "1.10", "liba (>= 2), libb:any | libc, ,"),
        candidate("liba", "2", "libd [amd64]"),
        candidate("libb", "1", "app"),
        candidate("libd"),
        candidate("unrelated"),
    ]
    assert chosen(candidates, "app") == [("app", "1.10"), ("liba", "2"), ("libb", "1"), ("libd", "1")]


def test_alternatives_and_virtual_packages() -> None:
    candidates = [
        candidate("app", depends="gone | libc6, mail-agent"),
        candidate("libc6"),
        candidate("postfix", provides="other, mail-agent (= 2)"),
    ]
    assert chosen(candidates, "app") == [("app", "1"), ("libc6", "1"), ("postfix", "1")]


def test_what_serves_installation_alone_is_left_out() -> None:
    candidates = [
        candidate("app", depends="debconf (>= 0.5) | debconf-2.0, libdb5.3t64, libnsl2 (>= 1.0), libx"),
        candidate("debconf"),
        candidate("libdb5.3t64"),
        candidate("libnsl2"),
        candidate("libx"),
    ]
    assert chosen(candidates, "app") == [("app", "1"), ("libx", "1")]


def test_all_that_is_not_there_is_told() -> None:
    with pytest.raises(ImageError) as raised:
        resolve([candidate("app", depends="libpq6"), candidate("libpq5")], ["app", "tzdat"])
    assert sorted(raised.value.problems) == [
        "no package libpq6, which app needs; did you mean 'libpq5'?",
        "no package tzdat",
    ]


def test_a_base_has_python_and_what_wheels_expect() -> None:
    assert {"python3.13-minimal", "libpython3.13-stdlib", "libstdc++6", "ca-certificates"} <= {*roots("3.13")}
