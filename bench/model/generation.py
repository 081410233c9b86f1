"""How long the generator takes for a contract of 500 tables."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.http.environment import REPOSITORY

TABLES = 500

_TABLE = """\
CREATE TABLE `table_{number}` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `tenant_id` bigint unsigned NOT NULL COMMENT 'whose it is',
  `code` varchar(64) NOT NULL,
  `title` varchar(255) NOT NULL DEFAULT '',
  `kind` enum('small', 'large', 'other') NOT NULL DEFAULT 'other',
  `amount` decimal(12,2) NOT NULL DEFAULT '0.00',
  `share` double,
  `extra` json,
  `content` mediumblob,
  `day` date,
  `active` bool NOT NULL DEFAULT TRUE,
  `version` int NOT NULL DEFAULT 0,
  `create_time` timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  `update_time` timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (`id`),
  UNIQUE KEY `uniq_code` (`tenant_id`, `code`),
  KEY `idx_kind` (`kind`, `day`){reference}
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='one of many';
"""


def contract() -> Iterator[str]:
    """The statements; every table but the first refers to the one before it."""
    for number in range(TABLES):
        reference = f",\n  FOREIGN KEY (`tenant_id`) REFERENCES `table_{number - 1}` (`id`)" if number else ""
        yield _TABLE.format(number=number, reference=reference)


def seconds(folder: Path) -> tuple[float, float]:
    """CPU and wall-clock seconds of one run of the generator."""
    (folder / "many.sql").write_text("\n".join(contract()))
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "zero_codegen", "model", "generate", "--out", "out", "many.sql"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "pants-plugins"), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - start
