"""How a process of a service or of a job begins: command line, configuration, what may keep it from
starting, and the signals that end it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from zero_runtime import config, logs
from zero_runtime.errors import ZeroError

if TYPE_CHECKING:
    from zero_runtime.workers import Post

FAILED = 1
"""The exit status of what cannot start, and of a job that has failed."""

MISCONFIGURED = 2
"""The exit status of what has a wrong configuration: to start it again is of no use."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger("zero.service")

C = TypeVar("C", bound=config.ServiceConf)


def configured(kind: type[C]) -> C:
    """The configuration of type ``kind``, from the file given by ``-f`` or the environment variable
    ZERO_CONFIG. Ends the process when it is wrong; else what is logged goes where it says from now on.
    """
    parser = argparse.ArgumentParser(description=kind.__doc__)
    parser.add_argument(
        "-f",
        "--config",
        metavar="FILE",
        type=Path,
        default=os.environ.get("ZERO_CONFIG") or None,
        help="YAML file of configuration (default: $ZERO_CONFIG, else embedded defaults)",
    )
    file = parser.parse_args().config
    try:
        conf = config.load(kind, file)
        logs.configure(conf.log, conf.name)
    except (config.ConfigError, config.InvalidValue) as error:
        print(error, file=sys.stderr)
        sys.exit(MISCONFIGURED)
    _log.info("%s starts with %s", conf.name, file or "embedded defaults")
    return conf


class CannotStart(Exception):
    """The process ends with ``status``; the log tells why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@contextmanager
def starting() -> Iterator[None]:
    """What is done in here belongs to the start: what it raises is logged, and becomes `CannotStart`."""
    try:
        yield
    except config.InvalidValue as error:
        _log.critical("the configuration cannot be used: %s", error)
        raise CannotStart(MISCONFIGURED) from None
    except (OSError, ZeroError) as error:
        _log.critical("cannot start: %s", error)
        raise CannotStart(FAILED) from None
    except Exception:
        _log.critical("cannot start", exc_info=True)
        raise CannotStart(FAILED) from None


class Stop:
    """Cancels the task that makes it at the first signal; the one after that ends the process.

    As one of several processes: the end of the keeper counts as a signal, and those of the terminal are for
    the keeper.
    """

    def __init__(self, post: Post | None = None) -> None:
        self.signal: signal.Signals | None = None
        """The one that has come."""
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._post = post
        self._awaited = _SIGNALS if post is None else _SIGNALS[:1]
        for number in self._awaited:
            self._loop.add_signal_handler(number, self._cancel, number)
        if post is not None:
            self._loop.add_reader(post.life, self._cancel, signal.SIGTERM)

    def _cancel(self, came: signal.Signals) -> None:
        if self._post is not None:
            self._loop.remove_reader(self._post.life)
        for number in self._awaited:
            self._loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        self.signal = came
        self._task.cancel()
