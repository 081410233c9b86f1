"""How long a contract of 5,000 lines takes to parse, to check and to become code.

    PYTHONPATH=pants-plugins python bench/api.py [--lines 5000] [--runs 5]

Runs in an environment of 3rdparty/python/zero-codegen.lock, or under Pants: `./pants run bench/api.py`. Times are of
the CPU, the least of some runs in one process: the cost itself, without what else the machine does.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from zero_codegen import api
from zero_codegen.api.program import read_program
from zero_codegen.source import Output, read_contract

RESOURCE = """
// A thing of the kind {n}, and what is known of it.
type (
	Thing{n} {{
		Id      int64             `json:"id"`
		Name    string            `json:"name"` // as people call it
		State   string            `json:"state,options=open|closed,default=open"`
		Size    int               `json:"size,optional,range=[1:100]"`
		Labels  map[string]string `json:"labels,optional"`
		Parts   []*Thing{n}       `json:"parts,optional"`
		Changed time.Time         `json:"changed"`
	}}

	GetThing{n}Request {{
		Id   int64  `path:"id"`
		View string `form:"view,default=short,options=short|full"`
	}}

	PutThing{n}Request {{
		Id    int64     `path:"id"`
		Thing Thing{n}  `json:"thing"`
	}}
)

@server (
	prefix:  /v1/things{n}
	group:   thing{n}
	jwt:     Auth
	timeout: 3s
)
service things-api {{
	@doc "Gets a thing."
	@handler Get
	get /:id (GetThing{n}Request) returns (Thing{n})

	@doc "Makes a thing, or changes it."
	@handler Put
	put /:id (PutThing{n}Request) returns (Thing{n})

	@handler List
	get / returns ([]Thing{n})
}}
"""


def contract(lines: int) -> str:
    """A contract of at least so many lines, with a type of its own for each request."""
    resources = -(-lines // RESOURCE.count("\n"))
    return "".join(RESOURCE.format(n=number) for number in range(resources))


def least(work: Callable[[], object], runs: int) -> float:
    """Seconds of CPU."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lines", type=int, default=5000, help="lines of the contract (default: 5000)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each step (default: 5)")
    options = parser.parse_args()
    text = contract(options.lines)
    lines = text.count("\n")
    with tempfile.TemporaryDirectory(prefix="zero-bench-") as folder:
        path = Path(folder) / "things.api"
        path.write_text(text, "utf-8")
        file = read_contract(str(path), [folder])
        parsed = least(lambda: read_program(file), options.runs)
        loaded = least(lambda: api.load(file), options.runs)
        done = least(lambda: api.generate([file], Output(Path(folder) / "out")), options.runs)
    print(f"a contract of {lines} lines, {len(text) // 1024} KiB; least of {options.runs} runs\n")
    print(f"{'step':<28}{'CPU s':>8}{'lines/s':>10}")
    for step, seconds in ("parse", parsed), ("check", loaded - parsed), ("write code", done - loaded):
        print(f"{step:<28}{seconds:>8.2f}{lines / seconds:>10.0f}")
    print(f"{'all':<28}{done:>8.2f}{lines / done:>10.0f}")


if __name__ == "__main__":
    main()
