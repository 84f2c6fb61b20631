#!/usr/bin/env python3
"""Measures sealing and opening on every path of this processor, and draws them over the size of a batch.

    python3 docs/plot_speed.py [--rounds 3] [--again]

Writes docs/speed.svg and prints the tables of docs/speed.md. Needs Linux, Python, Rust and a C compiler; takes about eight
minutes once everything is built; `--again` takes what the last run left instead. Every ratio is to the rival of the same run of the same program. The programs are
run in turns, and each figure is a median over the turns, so that what else the machine does disturbs all of them alike.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
from pathlib import Path

from plot_restore import COLOUR, GREY, ROOT, TARGET, text

BACKENDS = {"": "fastest", "_avx2": "held to AVX2", "_portable": "portable"}
COLOURS = {"": COLOUR, "_avx2": "#0d9488", "_portable": "#d97706"}
SIZES = [1 << power for power in range(11)]
QUICK = ["--sample-size", "20", "--warm-up-time", "0.2", "--measurement-time", "0.5", "--noplot"]
CLOCK_CYCLES = 4_000


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--again", action="store_true")
    return parser.parse_args()


def bench(suffix, *arguments):
    """Runs benches for a backend; medians in nanoseconds by name, as criterion leaves them."""
    home = TARGET / "speed" / (suffix or "_fastest").lstrip("_")
    environment = dict(os.environ, CRITERION_HOME=str(home), CARGO_TARGET_DIR=str(TARGET))
    if suffix in COLOURS and suffix:
        environment["RUSTC_WORKSPACE_WRAPPER"] = str(ROOT / ".ci" / "backend" / suffix.lstrip("_"))
    command = ["cargo", "bench", "--locked", *arguments]
    if not OPTIONS.again:
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return {
        str(path.parent.parent.relative_to(home)): json.loads(path.read_text())["median"]["point_estimate"]
        for path in home.glob("**/new/estimates.json")
    }


def session_rounds(rounds):
    """For each backend, what each of its runs measured."""
    results = {suffix: [] for suffix in BACKENDS}
    for _ in range(rounds):
        for suffix, runs in results.items():
            runs.append(bench(suffix, "--bench", "seal_open", "--", *QUICK))
    for suffix, runs in results.items():
        restored = bench(suffix, "--bench", "restore", "--", "--warm-up-time", "0.5", "--noplot")
        for run in runs:
            run.update({name: value for name, value in restored.items() if name.startswith("restore/")})
    return results


def median(runs, name, count=1):
    return statistics.median(run[name] for run in runs) / count


def ratio(runs, name, rival, count):
    return statistics.median(run[rival] / (run[name] / count) for run in runs)


ROWS = [
    ("seal one session", "seal/one", 1, "seal/vodozemac"),
    ("seal 16 at once", "seal/batch_16", 16, "seal/vodozemac"),
    ("seal 256 at once", "seal/batch_256", 256, "seal/vodozemac"),
    ("the same, with the key's table built inside", "seal/batch_256_cold", 256, "seal/vodozemac"),
    ("seal 256 at once, two cores", "seal/batch_256_parallel", 256, "seal/vodozemac"),
    ("open one session", "open/one", 1, "open/vodozemac"),
    ("open 16 at once", "open/batch_16", 16, "open/vodozemac"),
    ("open 256 at once", "open/batch_256", 256, "open/vodozemac"),
    ("the same, with the key made inside", "open/batch_256_cold", 256, "open/vodozemac"),
    ("open 256 at once, two cores", "open/batch_256_parallel", 256, "open/vodozemac"),
    ("a response of 20,000 sessions", "restore/stream_20000", 20_000, "restore/whole_20000_vodozemac"),
    ("the same, two cores", "restore/stream_20000_parallel", 20_000, "restore/whole_20000_vodozemac"),
]


def session_table(results):
    yield "| µs a session | " + " | ".join(BACKENDS.values()) + " | vodozemac |"
    yield "|---" + "|--:" * 4 + "|"
    for title, name, count, rival in ROWS:
        per_rival = count if rival.startswith("restore/") else 1
        cells = []
        for suffix, runs in results.items():
            if name + suffix not in runs[0]:
                cells.append("–")
                continue
            each = median(runs, name + suffix, count) / 1000
            times = ratio(runs, name + suffix, rival, count) / per_rival
            cells.append(f"{each:.1f} ({times:.1f} ×)")
        everything = [run for runs in results.values() for run in runs if rival in run]
        if not everything:
            continue
        cells.append(f"{median(everything, rival, per_rival) / 1000:.1f}")
        yield f"| {title} (`{name}`) | " + " | ".join(cells) + " |"


def operation_table(runs):
    """µs, ratio to x25519-dalek and cycles of one agreement, of one of 256, and of one pair of 256."""
    yield "| | one agreement | one of 256 with one secret | one pair of 256 |"
    yield "|---|--:|--:|--:|"
    groups = [("one", 1), ("one_secret", 256), ("pairs", 256)]
    names = [name.split("/")[1] for name in runs[0] if name.startswith("one/")]
    for name in sorted(names, key=lambda name: -median(runs, f"one_secret/{name}")):
        cells = []
        for group, count in groups:
            each = median(runs, f"{group}/{name}", count)
            times = statistics.median(run[f"{group}/x25519-dalek"] / run[f"{group}/{name}"] for run in runs)
            cycles = statistics.median(run[f"{group}/{name}"] / run["clock"] for run in runs) * CLOCK_CYCLES / count
            cells.append(f"{each / 1000:.2f} µs, {times:.1f} ×, {round(cycles, -2):,.0f} cycles")
        yield f"| {name} | " + " | ".join(cells) + " |"
    yield f"\nClock: {CLOCK_CYCLES / median(runs, 'clock'):.2f} GHz."


WIDTH, HEIGHT, LEFT, TOP, PLOT_W, PLOT_H = 760, 320, 62, 40, 270, 200
MICROSECONDS = (0.5, 100)


def chart(left, operation, results):
    """One chart: the size of a batch against µs a session, both logarithmic."""

    def place(size, each):
        low, high = MICROSECONDS
        across = math.log2(size) / math.log2(SIZES[-1])
        return left + across * PLOT_W, TOP + PLOT_H - math.log(each / low) / math.log(high / low) * PLOT_H

    yield text(left + PLOT_W / 2, TOP - 16, f"{operation}, µs a session", font_weight="bold")
    for label in (0.5, 1, 2, 5, 10, 20, 50, 100):
        _, y = place(1, label)
        yield f'<path d="M{left} {y:.1f}h{PLOT_W}" stroke="{GREY}" stroke-opacity=".35"/>'
        yield text(left - 6, y + 4, f"{label:g}", "end")
    for size in SIZES[::2]:
        x, _ = place(size, 1)
        yield text(x, TOP + PLOT_H + 18, f"{size:,}")
    yield text(left + PLOT_W / 2, TOP + PLOT_H + 38, "sessions at once")
    for suffix, runs in results.items():
        points = [place(size, median(runs, f"{operation}/batch_{size}{suffix}", size) / 1000) for size in SIZES]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{COLOURS[suffix]}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOURS[suffix]}"/>' for x, y in points)
    everything = [run for runs in results.values() for run in runs]
    _, y = place(1, median(everything, f"{operation}/vodozemac") / 1000)
    yield f'<path d="M{left} {y:.1f}h{PLOT_W}" stroke="{GREY}" stroke-width="2" stroke-dasharray="6 4"/>'


def draw(results):
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
    yield 'aria-label="Time for a session against the sessions sealed or opened at once">'
    yield f"<style>text{{font:12px sans-serif;fill:{GREY}}}</style>"
    yield from chart(LEFT, "seal", results)
    yield from chart(LEFT + WIDTH // 2, "open", results)
    legend = [(BACKENDS[suffix], COLOURS[suffix], "") for suffix in BACKENDS]
    legend.append(("vodozemac", GREY, ' stroke-dasharray="6 4"'))
    for number, (title, colour, dashes) in enumerate(legend):
        x = LEFT + number * 160
        yield f'<path d="M{x} {HEIGHT - 16}h24" stroke="{colour}" stroke-width="2"{dashes}/>'
        yield text(x + 32, HEIGHT - 12, title, "start")
    yield "</svg>"


def processor():
    lines = Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
    return next(line.split(": ")[1] for line in lines if line.startswith("model name"))


def main():
    results = session_rounds(OPTIONS.rounds)
    manifest = ROOT / "interop" / "x25519" / "Cargo.toml"
    operations = [
        bench("_operations", "--manifest-path", manifest, "--", *QUICK) for _ in range(OPTIONS.rounds)
    ]
    svg = "\n".join(draw(results)) + "\n"
    (ROOT / "docs" / "speed.svg").write_text(svg, encoding="utf-8")
    print(processor(), *session_table(results), "", *operation_table(operations), sep="\n")


if __name__ == "__main__":
    OPTIONS = options()
    main()
