"""What docs/model.md says still differs between the databases does, and no more than that."""

import asyncio
from typing import Any

import pytest

from tests.model import generated
from tests.model.places import KINDS, new_source
from zero_codegen.model.settings import Settings
from zero_runtime import errors, model

CONTRACT = """
CREATE TABLE thing (
  id int NOT NULL PRIMARY KEY,
  folded varchar(20) NOT NULL,
  exact varchar(20) COLLATE utf8mb4_bin NOT NULL,
  fixed binary(3) DEFAULT NULL
);
"""


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("things")
    return generated.load(generated.generate(folder, CONTRACT, Settings()))


@pytest.mark.parametrize("kind", KINDS)
def test_what_differs(kind: str, things: Any, request: pytest.FixtureRequest) -> None:
    async def scenario() -> None:
        async with model.open_database(new_source(kind, request)) as database:
            await database.create(things.SCHEMA)
            rows, t = things.ThingModel(database), things.ThingColumns
            await rows.insert(id=1, folded="École", exact="École ")

            async def finds(filter: Any) -> bool:
                return bool(await rows.count(filter))

            assert await finds(t.folded == "École")
            assert await finds(t.folded == "ÉCOLE") is (kind != "postgresql")
            assert await finds(t.folded.startswith("ÉCO")) is (kind != "postgresql")
            assert await finds(t.folded == "école") is (kind == "mysql"), "no letter of ASCII"
            assert await finds(t.folded == "Ecole") is (kind == "mysql")
            assert await finds(t.exact == "ÉCOLE ") is False
            assert await finds(t.exact == "École") is (kind == "mysql")

            if kind == "postgresql":
                with pytest.raises(errors.InvalidArgument):
                    await rows.insert(id=2, folded="", exact="a\0b")
            else:
                assert (await rows.insert(id=2, folded="", exact="a\0b")).exact == "a\0b"
            if kind == "mysql":
                assert (await rows.insert(id=3, folded="", exact="", fixed=b"a")).fixed == b"a\0\0"
            else:
                with pytest.raises(errors.InvalidArgument):
                    await rows.insert(id=3, folded="", exact="", fixed=b"a")

    asyncio.run(scenario())
