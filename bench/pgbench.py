"""Runs a script under pgbench and reads what each of its transactions took."""

import re
import subprocess
import tempfile
import time
from pathlib import Path

from bench.cpu import Meter, spent_ms
from bench.load import Load, Run
from bench.stock_ground import Ground

THREADS = 2
_PROCESSED = re.compile(r"number of transactions actually processed: (\d+)")
_FAILED = re.compile(r"number of failed transactions: (\d+)")


class PgbenchFailed(RuntimeError):
    """It ended with an error, or a transaction did; the text says which."""


def run(where: Ground, script: Path, load: Load) -> Run:
    """Let the callers repeat a script, which may use `:low` and `:high`.

    Raises:
        PgbenchFailed: names what went wrong.
    """
    meter, began = Meter({"server": where.pid}), time.time()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        process = subprocess.Popen(  # noqa: S603 our own command, no shell
            [
                where.programs / "pgbench", "--no-vacuum", "--protocol=prepared",
                f"--client={load.callers}", f"--jobs={min(load.callers, THREADS)}",
                f"--time={round(load.warm_s + load.seconds)}", f"--file={script}",
                f"--define=low={load.low}", f"--define=high={load.high}",
                "--log", f"--log-prefix={folder}/log", where.conninfo,
            ],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(load.warm_s)
        # without a warm-up all of it counts, however late this process is about to look
        warm, before = time.time() if load.warm_s else began, meter.read_s()
        said, complaint = process.communicate()
        spent = spent_ms(before, meter.read_s())["server"]
        ended = _ended(Path(folder))
    processed, failed = _PROCESSED.search(said), _FAILED.search(said)
    if process.returncode or processed is None or failed is None or int(failed[1]):
        raise PgbenchFailed(f"pgbench over {script.name} failed:\n{said}{complaint}")
    if int(processed[1]) != len(ended):
        raise PgbenchFailed(f"pgbench logged {len(ended)} transactions of {processed[1]}")
    return Run.of(ended, warm, spent)


def _ended(folder: Path) -> list[tuple[float, float]]:
    """When each transaction ended and how long it took, in seconds.

    A line is: client, transaction, time in microseconds, script, seconds and microseconds of its
    end (PostgreSQL's documentation of pgbench, "Per-Transaction Logging").
    """
    texts = (log.read_text(encoding="utf-8") for log in folder.iterdir())
    lines = [line.split() for text in texts for line in text.splitlines()]
    return [(int(line[4]) + int(line[5]) / 1e6, int(line[2]) / 1e6) for line in lines]
