from __future__ import annotations

from pants.engine.addresses import Address
from pants.engine.fs import EMPTY_DIGEST

from pants_backend_zero.service.base_image import BaseImage
from pants_backend_zero.service.image_layers import (
    LARGE,
    MEDIUM,
    MOST_LARGE,
    RequirementsRequest,
    by_size,
    unresolved,
)
from pants_backend_zero.service.python import ServicePython

REQUEST = RequirementsRequest(
    Address("services/shop", target_name="shop"),
    ServicePython("3.11", "3.11"),
    BaseImage(EMPTY_DIGEST, "arm64", "3.11.2", 36),
    foreign=True,
)


def test_distributions_share_layers_by_their_size():
    sizes = {
        "b.whl": LARGE,
        "d.whl": LARGE - 1,
        "c.whl": MEDIUM,
        "small.whl": MEDIUM - 1,
        "a.whl": 100 * LARGE,
    }
    assert by_size(sizes) == ([("b.whl",), ("a.whl",), ("c.whl", "d.whl")], ("small.whl",))
    assert by_size({}) == ([], ())


def test_of_too_many_the_largest_have_a_layer_whatever_their_order():
    sizes = {f"{number:03}.whl": LARGE + number for number in range(MOST_LARGE + 5)}
    chosen = by_size(sizes)
    others, largest = sorted(sizes)[:5], sorted(sizes)[5:]
    assert chosen == ([*((name,) for name in reversed(largest)), tuple(others)], ())
    assert by_size(dict(reversed(list(sizes.items())))) == chosen


def test_a_distribution_without_a_wheel_is_named_with_the_platform():
    for output in (
        "pip: ERROR: Could not find a version that satisfies the requirement demo==1.0 (from versions: 0.9)\n"
        "pip: ERROR: No matching distribution found for demo==1.0\n",
        "pip:   ERROR: Failed building wheel for demo==1.0\npip: ERROR: Failed to build one or more wheels\n",
    ):
        text = unresolved(REQUEST, output)
        assert text.startswith(
            "services/shop:shop: demo==1.0 has no wheel for linux/arm64 with CPython 3.11.2 and glibc 2.36"
        )
        assert "`image_platforms`" in text


def test_any_other_failure_is_told_in_full():
    text = unresolved(REQUEST, "the network is away")
    assert "linux/arm64" in text
    assert text.endswith("the network is away")
