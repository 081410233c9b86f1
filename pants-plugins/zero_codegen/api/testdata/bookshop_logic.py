"""A bookshop that keeps everything in memory: what tests serve `bookshop.api` with."""

from __future__ import annotations

import builtins
import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from zero_runtime import rest
from zero_runtime.errors import NotFound, ResourceExhausted

from bookshop_api import (
    AddRequest,
    Book,
    BookRequest,
    Books,
    BookshopApi,
    Cover,
    CoverRequest,
    Event,
    Isbns,
    ListRequest,
    Prices,
    Purchase,
    PurchaseId,
    PurchaseRequest,
    SalesRequest,
    SearchRequest,
)


class BookshopLogic(BookshopApi):
    def __init__(self) -> None:
        self._books: dict[str, Book] = {}
        self._purchases: dict[str, Purchase] = {}
        self.audited: list[str] = []
        """What the audit has seen: method, path and status."""

    async def search(self, request: SearchRequest) -> Books:
        found = [book for book in self._books.values() if _matches(book, request)]
        start = (request.number - 1) * request.size
        return Books(books=found[start : start + request.size], total=len(found))

    async def get(self, request: BookRequest) -> Book:
        return self._book(request.isbn)

    async def list(self, request: ListRequest) -> builtins.list[Book]:
        return sorted(
            map(self._book, request.isbns),
            key=lambda book: (book.price.amount if request.order.by == "price" else 0, book.title),
            reverse=request.order.descending,
        )

    async def prices(self, request: Isbns) -> Prices:
        return {isbn: self._book(isbn).price for isbn in request}

    async def suggest(self, request: dict[str, int]) -> dict[str, builtins.list[str]]:
        return {
            word: [book.title for book in self._books.values() if word in book.title][
                : max(count, 0)
            ]
            for word, count in request.items()
        }

    async def newest(self) -> datetime:
        if not self._books:
            raise NotFound("there are no books")
        return max(book.published for book in self._books.values())

    async def echo(self, request: Any) -> Any:
        return request

    async def open(self) -> None:
        return None

    async def purchase_create(self, request: PurchaseRequest, claims: rest.Claims) -> Purchase:
        purchase = self._purchases[request.key] = Purchase(
            id=request.key,
            buyer=str(claims.get("name", "")),
            lines=request.lines,
            region=request.region,
            paid=request.pin > 0,
            address=request.address,
        )
        return purchase

    async def purchase_get(self, request: PurchaseId, claims: rest.Claims) -> Purchase:
        return self._purchase(request, claims)

    async def purchase_cancel(self, request: PurchaseId, claims: rest.Claims) -> None:
        del self._purchases[self._purchase(request, claims).id]

    async def purchase_watch(
        self, request: PurchaseId, claims: rest.Claims
    ) -> AsyncIterator[Event]:
        self._purchase(request, claims)
        start = datetime(2026, 1, 1, tzinfo=UTC)
        yield Event(number=1, state="paid", at=start)
        yield Event(number=2, state="sent", at=start + timedelta(days=1), note="by bicycle")

    async def admin_add(self, request: AddRequest, claims: rest.Claims) -> Book:
        book = self._books[request.isbn] = Book(
            id=2**60 + len(self._books),
            isbn=request.isbn,
            title=f"{request.title}, edition {request.edition}",
            authors=request.authors,
            price=request.price,
            published=request.published,
            stock=request.stock,
        )
        return book

    async def admin_cover(self, request: CoverRequest, claims: rest.Claims) -> Cover:
        files = [request.front, *request.samples, *([request.back] if request.back else [])]
        return Cover(
            name=request.front.filename,
            type=request.front.content_type,
            bytes=sum(len(file.content) for file in files),
            files=len(files),
        )

    async def admin_sales(self, request: SalesRequest, claims: rest.Claims) -> rest.Content:
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(["isbn", "year"])
        table.writerows(
            [line.isbn, request.year] for each in self._purchases.values() for line in each.lines
        )
        return text.getvalue()

    async def audit_middleware(
        self, request: rest.Request, proceed: rest.Endpoint
    ) -> rest.Response:
        response = await proceed(request)
        self.audited.append(f"{request.method} {request.path} {response.status}")
        return response

    async def quota_middleware(
        self, request: rest.Request, proceed: rest.Endpoint
    ) -> rest.Response:
        if request.claims.get("name") == "mallory":
            raise ResourceExhausted("mallory has bought enough")
        return await proceed(request)

    def _book(self, isbn: str) -> Book:
        if isbn not in self._books:
            raise NotFound(f"there is no book {isbn}")
        return self._books[isbn]

    def _purchase(self, request: PurchaseId, claims: rest.Claims) -> Purchase:
        purchase = self._purchases.get(request.id)
        if purchase is None or purchase.buyer != claims.get("name", ""):
            raise NotFound(f"there is no purchase {request.id}")
        return purchase


def _matches(book: Book, request: SearchRequest) -> bool:
    return (
        (not request.author or request.author in book.authors)
        and (request.since is None or book.published >= request.since)
        and (request.max_price is None or book.price.amount <= request.max_price)
        and all(tag in book.title for tag in request.tags)
    )
