"""Products as CSV: what staff downloads, changes in a spreadsheet and uploads again."""

import csv
import io
from collections.abc import AsyncIterator, Iterable

import msgspec
from shop.shop_api import PutProductRequest
from shop.shop_model import ProductModel

from zero_runtime.errors import FieldError, InvalidArgument

_COLUMNS = ("sku", "name", "category", "price", "weight", "stock")

_PAGE = 1000
"""How many products are in memory at a time."""


async def write(products: ProductModel) -> AsyncIterator[bytes]:
    """All products. Page by page, so that no connection to the database waits for a slow download."""
    yield _lines([_COLUMNS])
    after: str | None = None
    while True:
        page = await products.list(after=after, limit=_PAGE)
        yield _lines([getattr(row, column) for column in _COLUMNS] for row in page.rows)
        if (after := page.next) is None:
            return


def read(content: bytes) -> list[PutProductRequest]:
    """The products of a file. Raises InvalidArgument that names every line with a mistake."""
    products: list[PutProductRequest] = []
    problems: list[FieldError] = []
    try:
        lines = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        for row in lines:
            try:
                products.append(msgspec.convert(row, PutProductRequest, strict=False))
            except msgspec.ValidationError as error:
                problems.append(FieldError(f"file[{lines.line_num}]", str(error)))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidArgument(f"the file is no CSV in UTF-8: {error}") from error
    if problems:
        raise InvalidArgument("the file has mistakes; nothing of it was stored", fields=problems)
    return products


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
