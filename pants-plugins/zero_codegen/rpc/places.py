"""Places in a proto, as protoc counts them."""

_TAB = 8
"""Protoc's tokenizer moves to the next multiple of this many columns at a tab."""


def character_column(text: str, column: int) -> int:
    """The index of the character at protoc's column of a line (from 0, in bytes, with tab stops)."""
    at = 0
    for index, char in enumerate(text):
        if at >= column:
            return index
        at = at + _TAB - at % _TAB if char == "\t" else at + len(char.encode())
    return len(text)
