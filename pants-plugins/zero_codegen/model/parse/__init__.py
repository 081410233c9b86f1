"""From the text of a contract to what it says, word for word (`zero_codegen.model.syntax`)."""

from zero_codegen.model.parse.file import parse

__all__ = ["parse"]
