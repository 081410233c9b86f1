"""Where the products of contracts are written."""

from __future__ import annotations

import pytest
from pants.core.goals.package import OutputPathField
from pants.engine.addresses import Address

from pants_backend_zero.contracts import AllContracts
from pants_backend_zero.package import packaged_paths


@pytest.mark.parametrize(
    ("address", "paths"),
    [
        (Address("shop", target_name="http"), ["shop/http/shop.openapi.json", "shop/http/shop.ts"]),
        (Address("shop", target_name="named"), ["out/shop.openapi.json", "out/shop.ts"]),
        (
            Address("shop", target_name="all", relative_file_path="v1/user-x.api"),
            ["shop/all/v1/user-x.openapi.json", "shop/all/v1/user-x.ts"],
        ),
        (
            Address("shop", target_name="all", relative_file_path="shop.api"),
            ["shop/all/shop.openapi.json", "shop/all/shop.ts"],
        ),
        (
            Address("", target_name="root", relative_file_path="shop/v1/user-x.api"),
            ["root/shop/v1/user-x.openapi.json", "root/shop/v1/user-x.ts"],
        ),
    ],
    ids=str,
)
def test_paths(repository, address: Address, paths: list[str]) -> None:
    repository.write_files(
        {
            "BUILD": 'zero_apis(name="root", sources=["shop/**/*.api"])',
            "shop/BUILD": """
zero_api(name="http", source="shop.api")
zero_api(name="named", source="shop.api", output_path="out")
zero_apis(name="all", sources=["**/*.api"])
""",
            "shop/shop.api": "",
            "shop/v1/user-x.api": "",
        }
    )
    contract = repository.request(AllContracts, []).by_address[address]
    assert list(packaged_paths(contract, contract.target[OutputPathField]).values()) == paths
