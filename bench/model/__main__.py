"""What rows cost: find_one, cached reads and bulk inserts of generated repositories and of others, side by
side.

    python3 -m bench.model [--rounds 7] [--finds 3000] [--rows 100000] [--only WORD]...

Everything runs in one process, in rounds in which each contender has its turn, 8 tasks at a time; the servers
are started for it. CPU is what this process used, user and system, without the servers: on a shared machine
it says more than the clock. Ratios are to the raw driver (of cached reads to a plain ``GET`` of redis-py),
medians of those within a round; less than 1 is better. Needs Debian's mariadb-server, postgresql and
redis-server.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.http import environment
from bench.http.environment import REPOSITORY

CONTRACT = "bench/model/contract.sql"


def main() -> int:
    python = environment.python("bench-model", ("aiosqlite==0.22.1",))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        variables = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([".", "pants-plugins", "runtime", folder]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        settings = Path(folder) / "settings.json"
        settings.write_text(json.dumps({CONTRACT: {"cached": ["account"]}}))
        generate = ["-m", "zero_codegen", "model", "generate", "--out", folder]
        subprocess.run(
            [str(python), *generate, "--settings", str(settings), CONTRACT],
            cwd=REPOSITORY,
            env=variables,
            check=True,
        )
        measure = [str(python), "-m", "bench.model.measure", *sys.argv[1:]]
        return subprocess.run(measure, cwd=REPOSITORY, env=variables).returncode


if __name__ == "__main__":
    sys.exit(main())
