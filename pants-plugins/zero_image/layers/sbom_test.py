from __future__ import annotations

import json

from zero_image.layers.sbom import Package, cyclonedx


def test_packages_are_named_by_purl() -> None:
    assert Package.pypi("Typing_Extensions", "4.0+local").purl == "pkg:pypi/typing-extensions@4.0%2Blocal"
    deb = Package.deb("libstdc++6", "1:12.2.0-14+deb12u1", "amd64", "debian-12")
    assert deb.purl == ("pkg:deb/debian/libstdc%2B%2B6@1%3A12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12")
    assert Package.from_json(deb.to_json()) == deb


def test_the_bill_is_sorted_and_names_each_once() -> None:
    b, a = Package.pypi("b", "1"), Package.pypi("a", "2")
    bill = cyclonedx([b, a, b])
    assert bill == cyclonedx([a, b])
    document = json.loads(bill)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["components"] == [
        {"type": "library", "bom-ref": "pkg:pypi/a@2", "name": "a", "version": "2", "purl": "pkg:pypi/a@2"},
        {"type": "library", "bom-ref": "pkg:pypi/b@1", "name": "b", "version": "1", "purl": "pkg:pypi/b@1"},
    ]
