from __future__ import annotations

from pathlib import Path

import pytest

from zero_runtime import config, model

SHOP = "postgresql://zero@db/shop"


@pytest.mark.parametrize(
    ("source", "replicas", "message"),
    [
        ("postgres://zero@db", [], "DataSource: it has no name of the database"),
        (SHOP, [SHOP, "mysql://db/shop"], "Database.Replicas[1]: it has no user"),
        (
            SHOP,
            ["mysql://zero@db/shop"],
            "Database.Replicas[0]: mysql://zero@db:3306/shop cannot be a replica of",
        ),
        ("sqlite://", ["sqlite://"], "Database.Replicas[0]: sqlite://"),
    ],
)
def test_a_wrong_source_is_told_with_its_key(source: str, replicas: list[str], message: str) -> None:
    with pytest.raises(model.SourceError) as caught:
        model.open_database(source, config.DatabaseConf(replicas=replicas))
    assert str(caught.value).startswith(message)


def test_a_file_of_certificates_that_is_not_there_is_told_with_the_key(tmp_path: Path) -> None:
    replica = f"{SHOP}?sslmode=verify-full&sslrootcert={tmp_path}/none.pem"
    with pytest.raises(model.SourceError) as caught:
        model.open_database(SHOP, config.DatabaseConf(replicas=[replica]))
    assert str(caught.value).startswith("Database.Replicas[0]: parameter sslrootcert: ")
