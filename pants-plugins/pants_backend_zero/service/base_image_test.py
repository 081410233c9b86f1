from __future__ import annotations

from pants_backend_zero.service.base_image import DebianMirrors


def test_a_mirror_serves_the_archives_that_its_address_says():
    mirrors = DebianMirrors(
        (
            "https://one.example/debian",
            "https://all.example/{archive}",
            "https://odd.example/{suite}/{archive}",
        )
    )
    assert mirrors.of("debian") == (
        "https://one.example/debian",
        "https://all.example/debian",
        "https://odd.example/{suite}/debian",  # no such thing is known: it fails as a mirror does, not Zero
    )
    assert mirrors.of("debian-security") == (
        "https://all.example/debian-security",
        "https://odd.example/{suite}/debian-security",
    )
