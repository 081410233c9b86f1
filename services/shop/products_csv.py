"""Products as CSV: what staff downloads, changes in a spreadsheet and uploads again."""

import csv
import io
from collections.abc import AsyncIterator, Iterable

import msgspec
from shop.shop_api import PutProductRequest
from shop.shop_model import ProductModel

from zero_runtime.errors import FieldError, InvalidArgument

_COLUMNS = ("sku", "name", "category", "price", "weight", "stock")
_CATEGORIES = ("books", "games", "tools")


async def write(products: ProductModel) -> AsyncIterator[bytes]:
    """All products, one category after the other, so that they are never in memory together."""
    yield _lines([_COLUMNS])
    for category in _CATEGORIES:
        rows = await products.find_many_by_category(category)
        yield _lines([getattr(row, column) for column in _COLUMNS] for row in rows)


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
