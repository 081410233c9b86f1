from __future__ import annotations

import json

from pants_backend_zero.service.foreign_platform import complete_platform, missing

REDIS = {"redis-8.1.0-py3-none-any.whl": ['async-timeout>=4.0.3; python_full_version < "3.11.3"']}
BACKPORT = {"Async_Timeout-5.0-py3-none-any.whl": []}


def test_the_platform_of_an_image():
    platform = json.loads(complete_platform("3.11.2", 36, "arm64"))
    assert platform["marker_environment"]["python_full_version"] == "3.11.2"
    assert platform["marker_environment"]["python_version"] == "3.11"
    tags = platform["compatible_tags"]
    assert tags[0] == "cp311-cp311-manylinux_2_36_aarch64"
    assert "cp311-abi3-manylinux_2_17_aarch64" in tags
    assert "cp38-abi3-manylinux2014_aarch64" in tags
    assert tags[-1] == "py30-none-any"
    assert not any("x86_64" in tag or "_2_37_" in tag for tag in tags)


def test_what_an_older_patch_of_python_needs_is_missed():
    assert missing(REDIS, "3.11.2", "amd64") == ["async-timeout"]
    assert missing(REDIS, "3.11.7", "amd64") == []
    assert missing({**REDIS, **BACKPORT}, "3.11.2", "amd64") == []


def test_extras_and_lines_of_old_are_no_needs():
    lines = ["idna; extra == 'all'", "cffi; platform_machine == 'aarch64'", "not a requirement at all !"]
    wheels = {"demo-1.0-py3-none-any.whl": lines}
    assert missing(wheels, "3.11.2", "amd64") == []
    assert missing(wheels, "3.11.2", "arm64") == ["cffi"]
