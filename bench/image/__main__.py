"""What an image of a service costs, beside Dockerfiles of the same service on the same base.

    python3 -m bench.image [--rounds 3] [--starts 5]

Pants packages `user-api`, and a second service that needs the same distributions, in every form that the
contenders take: that is not timed. Then each makes the image, from nothing, after one line of logic, and of
the second service, and pushes it to a registry, whose growth is what had to be sent. At last the processes of
the images are started.

* Zero: `python -m zero_image`, the commands that `./pants package` runs, one after the other.
* layered: the Dockerfile that Pants' documentation recommends, of a PEX of distributions and one of sources.
* plain: `COPY app.pex`.

CPU is that of all processes, user and system: on a shared machine it says more than the clock. Ratios are to
the layered Dockerfile (of starts, to the zipapp), medians of those within a round. Zero's build ends with an
archive; Podman's with an image in its own storage, which it packs when it is pushed. Needs what Pants needs,
and Debian's podman, runc, skopeo and docker-registry.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.image.contenders import BASE, LAYERED, PLAIN, Contender, Dockerfile, Zero
from bench.image.engine import Engine, Registry, copy, registry
from bench.image.start import start, without_bytecode
from bench.image.subject import FIRST, SECOND, Parts, Subject, subject
from bench.package import Cost, children_cpu


@dataclass(frozen=True)
class Made:
    """An image that was made and pushed, and what was new about it to the registry."""

    build: Cost
    push: Cost
    sent: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.image", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="of builds (default: 3)")
    parser.add_argument("--starts", type=int, default=5, help="per contender (default: 5)")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        subjects = stack.enter_context(subject())
        engine = stack.enter_context(Engine(folder))
        to = stack.enter_context(registry(folder))
        parts = subjects.package(FIRST)
        zero = Zero(folder / "zero")
        base = zero.adopt(parts.archive)
        engine.pull(f"oci:{base}", BASE)
        # Each way of pushing packs the base in its own way: to either it is nothing new then.
        engine.push(BASE, to)
        copy(f"oci:{base}", to, BASE)
        layered = Dockerfile(
            "layered",
            LAYERED,
            lambda parts: {"deps.pex": parts.distributions, "srcs.pex": parts.sources},
            engine,
            folder / "layered",
        )
        plain, packed = (
            Dockerfile(name, PLAIN, content, engine, folder / name)
            for name, content in (
                ("plain", lambda parts: {"app.pex": parts.zipapp}),
                ("packed", lambda parts: {"app.pex": parts.packed}),
            )
        )
        _builds([layered, plain, zero], subjects, parts, to, options.rounds)
        if options.starts:
            for contender in (zero, layered, plain, packed):
                contender.prepare(parts)
                contender.build(parts, afresh=False)
            engine.pull(f"oci-archive:{zero.archive}", "zero")
            images = {
                "Zero": "zero",
                "venv, compiled": layered.image(parts),
                "packed PEX": packed.image(parts),
                "zipapp": plain.image(parts),
            }
            _starts(engine, images, folder / "roots", options.starts)


def _builds(contenders: list[Contender], subjects: Subject, first: Parts, to: Registry, rounds: int) -> None:
    def edited(number: int) -> Parts:
        subjects.edit(FIRST, number)
        return subjects.package(FIRST)

    cases: dict[str, tuple[Callable[[int], Parts], bool, int]] = {
        "from nothing": (lambda _: first, True, rounds),
        "after one line of logic": (edited, False, rounds),
        "a second service": (lambda _: subjects.package(SECOND), False, 1),
    }
    for title, (package, afresh, times) in cases.items():
        made: dict[str, list[Made]] = {contender.name: [] for contender in contenders}
        for number in range(times):
            parts = package(number)
            for contender in contenders:
                contender.prepare(parts)
                made[contender.name].append(_made(contender, parts, to, afresh=afresh))
        print(_table(title, made), flush=True)


def _made(contender: Contender, parts: Parts, to: Registry, *, afresh: bool) -> Made:
    before = to.bytes
    build = _cost(lambda: contender.build(parts, afresh=afresh))
    push = _cost(lambda: contender.push(parts, to))
    return Made(build, push, to.bytes - before)


def _cost(work: Callable[[], None]) -> Cost:
    cpu, wall = children_cpu(), time.monotonic()
    work()
    return Cost(time.monotonic() - wall, children_cpu() - cpu)


def _table(title: str, made: dict[str, list[Made]]) -> str:
    """Medians, and ratios to the first contender; of what was sent, the most: equal images are sent once."""
    columns = ("build CPU s", "x", "wall s", "x", "push CPU s", "wall s", "sent, bytes")
    lines = [f"\n{title}", f"  {'':12}" + "".join(f"{column:>12}" for column in columns)]
    base = next(iter(made.values()))
    for name, rounds in made.items():
        builds = _compared([one.build for one in rounds], [one.build for one in base])
        pushes = [statistics.median(getattr(one.push, what) for one in rounds) for what in ("cpu", "wall")]
        cells = [*(f"{median:12.2f}{ratio:12.3f}" for median, ratio in builds)]
        cells += [*(f"{median:12.2f}" for median in pushes), f"{max(one.sent for one in rounds):12,}"]
        lines.append(f"  {name:12}" + "".join(cells))
    return "\n".join(lines)


def _compared(own: list[Cost], base: list[Cost]) -> list[tuple[float, float]]:
    """Of CPU and of time, the median, and that of the ratios to others in the same rounds."""
    return [
        (
            statistics.median(getattr(cost, what) for cost in own),
            statistics.median(getattr(a, what) / getattr(b, what) for a, b in zip(own, base, strict=True)),
        )
        for what in ("cpu", "wall")
    ]


def _starts(engine: Engine, images: dict[str, str], folder: Path, times: int) -> None:
    """Each image in turn; the last is what the others are compared with."""
    roots = {}
    for name, image in images.items():
        root = folder / image
        engine.unpack(image, root)
        roots[name] = (root, engine.config(image))
        if name == "venv, compiled":
            roots["venv, not compiled"] = (without_bytecode(root), engine.config(image))
    costs: dict[str, list[Cost]] = {name: [] for name in roots}
    for number in range(times + 1):
        for name, (root, config) in roots.items():
            cost = start(root, config)
            if number:
                costs[name].append(cost)
    print(f"\nfrom exec until it listens\n  {'':20}{'CPU ms':>10}{'x':>8}{'wall ms':>10}{'x':>8}")
    last = list(costs.values())[-1]
    for name, own in costs.items():
        cells = [f"{1000 * median:10.0f}{ratio:8.2f}" for median, ratio in _compared(own, last)]
        print(f"  {name:20}" + "".join(cells), flush=True)


if __name__ == "__main__":
    main()
