"""Answers that are read while they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from time import perf_counter

from zero_runtime.model.server import Lender
from zero_runtime.model.session import Parameters, Session
from zero_runtime.model.statement import Statement
from zero_runtime.model.values import Row

CHUNK = 500
"""Rows that are in memory at a time."""


class Stream:
    """The rows of one answer. It has its connection until it is closed."""

    def __init__(
        self, lender: Lender, session: Session, first: list[Row], rest: AsyncGenerator[list[Row], None]
    ) -> None:
        self._lender = lender
        self._session = session
        self._first = first
        self._rest = rest

    @classmethod
    async def open(cls, lender: Lender, statement: Statement, parameters: Parameters) -> Stream:
        """Asks for the rows, and waits for the first of them. What is observed is the time that these take:
        how long the others take is up to the one who reads them."""
        session, waited = await lender.acquire(statement)
        begun = perf_counter()
        chunks = session.stream(statement, parameters, CHUNK)
        try:
            first: list[Row] = await anext(chunks, [])
        except BaseException as error:
            lender.give(session)
            lender.ended(statement, begun, waited, error)
            raise
        lender.ended(statement, begun, waited, None)
        return cls(lender, session, first, chunks)

    async def rows(self) -> AsyncGenerator[Row, None]:
        """The rows; once."""
        for row in self._first:
            yield row
        async for chunk in self._rest:
            for row in chunk:
                yield row

    async def close(self) -> None:
        """Lets the rest go."""
        try:
            await self._rest.aclose()
        finally:
            self._lender.give(self._session)
