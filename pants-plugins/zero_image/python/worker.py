"""Compiles and compresses, run by the base image's own Python and never by the one that builds.

The image's Python decides the bytecode and its zlib the compressed bytes, so that both are the same whatever
builds the image. It starts with next to no standard library, so everything here is built in or frozen.

A request on standard input is an operation (one byte), the lengths of a name and a body (four bytes each,
big-endian), the name and the body. The answer on standard output is ``+`` or ``-``, a length and a body.
"""

import _frozen_importlib_external
import _imp
import _warnings
import marshal
import sys
import zlib

_GZIP = 31  # zlib's window size for a gzip stream with an empty header: no name, no time
_LEVEL = 6
_UNCHECKED_HASH = b"\1\0\0\0"  # PEP 552: hash-based, and never compared with the source at import


def compiled(name: bytes, source: bytes) -> bytes:
    code = compile(source, name.decode(), "exec", dont_inherit=True, optimize=0)
    magic = _frozen_importlib_external.MAGIC_NUMBER
    source_hash = _imp.source_hash(int.from_bytes(magic, "little"), source)
    return magic + _UNCHECKED_HASH + source_hash + marshal.dumps(code)


def described() -> bytes:
    import posix

    facts = (
        ".".join(map(str, sys.version_info[:3])),
        _imp.extension_suffixes()[0].removeprefix(".").removesuffix(".so"),
        str(sys.implementation.cache_tag),
        str(posix.confstr("CS_GNU_LIBC_VERSION")),
    )
    return "\n".join(facts).encode()


def serve() -> None:
    # What compiling warns of, such as odd escapes, is for the code's authors. -W would need more modules.
    _warnings.filters[:] = [("ignore", None, Warning, None, 0)]
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    while head := requests.read(9):
        name = requests.read(int.from_bytes(head[1:5], "big"))
        body = requests.read(int.from_bytes(head[5:9], "big"))
        status = b"+"
        match head[:1]:
            case b"c":
                try:
                    answer = compiled(name, body)
                except SyntaxError as error:
                    status, answer = (
                        b"-",
                        f"{max(error.lineno or 1, 1)}:{max(error.offset or 1, 1)}: {error.msg}".encode(),
                    )
                except (ValueError, RecursionError, MemoryError) as error:
                    status, answer = b"-", f"1:1: {error}".encode()
            case b"z":
                answer = stream.compress(body)
            case b"f":
                answer = stream.flush()
                stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
            case _:
                answer = described()
        answers.write(status + len(answer).to_bytes(4, "big") + answer)
        answers.flush()


if __name__ == "__main__":
    serve()
