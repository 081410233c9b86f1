from __future__ import annotations

import io
import os
import tarfile
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from zero_image.filesystem.rootfs import RootFs
from zero_image.testing import tar_of


def opened(data: bytes) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(data))


def test_a_path_leads_through_links_in_every_part() -> None:
    root = RootFs()
    root.file("usr/lib/libz.so.1.3", b"z")
    root.symlink("lib", "usr/lib")
    root.symlink("usr/lib/libz.so.1", "libz.so.1.3")
    root.symlink("usr/lib/libz.so", "/lib/../lib/libz.so.1")
    assert root.real("/lib/libz.so") == "usr/lib/libz.so.1.3"
    assert root.read("lib/libz.so") == b"z"
    assert root.read("lib") is None


def test_a_loop_of_links_leads_nowhere() -> None:
    root = RootFs()
    root.symlink("a", "b")
    root.symlink("b", "a")
    assert root.real("a") is None


names = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join)
# Dots come first, as in real links; behind a name that is not there the kernel refuses them.
targets = st.builds(lambda up, name: "../" * up + name, st.integers(0, 2), names)


@given(st.dictionaries(names, targets | st.none(), max_size=6))
def test_links_lead_where_the_kernel_goes(tree: dict[str, str | None]) -> None:
    root = RootFs()
    with tempfile.TemporaryDirectory() as folder:
        top = Path(os.path.realpath(folder))
        for path, target in sorted(tree.items()):
            place = top / path
            parents = [parent for parent in place.parents if parent != top and top in parent.parents]
            if any(
                os.path.lexists(parent) and (parent.is_symlink() or parent.is_file()) for parent in parents
            ):
                continue
            for parent in reversed(parents):
                parent.mkdir(exist_ok=True)
                root.directory(parent.relative_to(top).as_posix())
            # A chain of .. above the top would leave it there, and stay in it here.
            if os.path.lexists(place) or (target or "").count("..") > path.count("/"):
                continue
            if target is None:
                place.write_bytes(b"")
                root.file(path, b"")
            else:
                place.symlink_to(target)
                root.symlink(path, target)
        for path in [*tree, "a/b/a", "b/a"]:
            found = os.path.realpath(top / path)
            if (top / path).exists() and Path(found).is_relative_to(top) and found != str(top):
                assert root.real(path) == os.path.relpath(found, top)
            elif not os.path.lexists(top / path):
                assert root.real(path) is None


def test_layers_delete_what_they_white_out() -> None:
    root = RootFs()
    root.apply(opened(tar_of({"etc/a": b"1", "etc/b": b"2", "opt/x/y": b"3", "opt/z": b"4"})), whiteouts=True)
    root.apply(opened(tar_of({"etc/.wh.a": b"", "opt/.wh.x": b"", "opt/new": b"5"})), whiteouts=True)
    assert set(root.nodes) == {"etc", "etc/b", "opt", "opt/z", "opt/new"}
    root.apply(opened(tar_of({"opt/.wh..wh..opq": b"", "opt/last": b"6"})), whiteouts=True)
    assert set(root.nodes) == {"etc", "etc/b", "opt", "opt/last"}


def test_a_layer_writes_through_a_linked_folder() -> None:
    root = RootFs()
    root.directory("usr/lib")
    root.symlink("lib", "usr/lib")
    root.apply(opened(tar_of({"lib/x.so": b"x"})), whiteouts=True)
    assert root.nodes["usr/lib/x.so"].data == b"x"


def test_hard_links_share_content_and_set_id_bits_go() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("./bin/su")
        member.size, member.mode, member.uid = 1, 0o4755, 1000
        tar.addfile(member, io.BytesIO(b"s"))
        link = tarfile.TarInfo("./bin/sudo")
        link.type, link.linkname = tarfile.LNKTYPE, "./bin/su"
        tar.addfile(link)
        device = tarfile.TarInfo("./dev/null")
        device.type = tarfile.CHRTYPE
        tar.addfile(device)
    root = RootFs()
    root.apply(opened(buffer.getvalue()))
    assert set(root.nodes) == {"bin", "bin/su", "bin/sudo"}
    assert root.nodes["bin/sudo"] == root.nodes["bin/su"]
    assert (root.nodes["bin/su"].mode, root.nodes["bin/su"].uid) == (0o755, 0)


def test_links_keep_their_aim_when_a_file_is_placed_elsewhere() -> None:
    root = RootFs()
    tar = tar_of({"lib/x/libz.so": "libz.so.1", "lib/x/conf": "../../etc/conf", "lib": "usr/lib"})
    root.apply(opened(tar), place=lambda path: f"usr/{path}")
    assert {path: node.target for path, node in root.nodes.items() if node.kind == "symlink"} == {
        "usr/lib/x/libz.so": "libz.so.1",
        "usr/lib/x/conf": "/etc/conf",
    }


def test_libraries_are_followed_and_missing_ones_named(host_root: RootFs) -> None:
    python = next(path for path in host_root.files("usr/bin") if "python" in path)
    found, missing = host_root.needed_libraries(python)
    assert missing == set()
    assert "libc.so.6" in found

    poor = RootFs()
    poor.nodes = {path: node for path, node in host_root.nodes.items() if "libc.so.6" not in path}
    assert poor.needed_libraries(python)[1] >= {"libc.so.6"}
