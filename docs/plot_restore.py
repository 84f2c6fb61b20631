#!/usr/bin/env python3
"""Measures time and peak memory of `strongroom rescue` over growing backups and draws them.

    python3 docs/plot_restore.py [--sessions 1000,20000,100000,420000] [--runs 5] [--work DIR]

Writes docs/restore.svg and prints the table as Markdown. Needs Linux, Python and Rust and nothing else, and about
700 MB below target/ for the backups, which are kept for another run. The runs are interleaved, and
each figure is a median, so that another program on the machine disturbs all sizes alike.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
RELEASE = TARGET / "release"


def build():
    for names in ["--example", "make_backup"], ["-p", "strongroom-cli"]:
        subprocess.run(["cargo", "build", "--release", *names], cwd=ROOT, check=True)


def make(folder, sessions):
    if (folder / "sessions.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    command = [RELEASE / "examples" / "make_backup", "--sessions", str(sessions), "--out", folder]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def restore(folder):
    """Seconds and peak resident memory, in MiB, of one run."""
    command = [RELEASE / "strongroom", "rescue", "--format", "json", "--out", folder / "out.json", "--force"]
    command += ["--from", folder / "backup_info.json", "--from", folder / "room_keys.json"]
    command += ["--recovery-key-file", folder / "recovery_key.txt"]
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while child.poll() is None:
        # What wait4 returns would count the memory of this script, from before the program was started.
        peak = max(peak, high_water_mark(child.pid))
        time.sleep(0.002)
    seconds = time.monotonic() - start
    if child.returncode != 0:
        sys.exit(f"rescue failed for {folder}")
    return seconds, peak / 1024


def high_water_mark(pid):
    """Peak resident memory of a running process so far, in KiB; 0 once it is over."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def measure(folders, runs):
    """Medians by sessions."""
    samples = {}
    for _ in range(runs):
        for sessions, folder in folders.items():
            samples.setdefault(sessions, []).append(restore(folder))
    return {
        key: tuple(statistics.median(column) for column in zip(*values))
        for key, values in samples.items()
    }


def table(results, sizes):
    yield "| sessions | s | µs a session | peak, MiB |"
    yield "|--:" * 4 + "|"
    for sessions in sizes:
        seconds, memory = results[sessions]
        cells = [f"{sessions:,}", f"{seconds:.2f}", f"{seconds / sessions * 1e6:.1f}", f"{memory:.1f}"]
        yield "| " + " | ".join(cells) + " |"


WIDTH, HEIGHT, LEFT, TOP, PLOT_W, PLOT_H = 760, 300, 62, 40, 270, 200
COLOUR = "#2563eb"
GREY = "#808080"


def text(x, y, content, anchor="middle", **extra):
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in extra.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{content}</text>'


def chart(left, title, values, sizes, top_value, labels):
    """One chart: sessions on a linear axis against values."""

    def place(sessions, value):
        return left + sessions / max(sizes) * PLOT_W, TOP + PLOT_H - value / top_value * PLOT_H

    yield text(left + PLOT_W / 2, TOP - 16, title, font_weight="bold")
    for label in labels:
        _, y = place(0, label)
        yield f'<path d="M{left} {y:.1f}h{PLOT_W}" stroke="{GREY}" stroke-opacity=".35"/>'
        yield text(left - 6, y + 4, f"{label:g}", "end")
    for sessions in (0, 100_000, 200_000, 300_000, 420_000):
        if sessions <= max(sizes):
            x, y = place(sessions, 0)
            yield text(x, y + 18, f"{sessions // 1000}k" if sessions else "0")
    yield text(left + PLOT_W / 2, TOP + PLOT_H + 38, "sessions")
    points = [place(sessions, value) for sessions, value in zip(sizes, values)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{path}" fill="none" stroke="{COLOUR}" stroke-width="2"/>'
    yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOUR}"/>' for x, y in points)


def axis(largest, step):
    """Labels from 0 over the largest value."""
    return [step * number for number in range(int(largest / step) + 2)]


def draw(results, sizes):
    seconds, memory = zip(*(results[sessions] for sessions in sizes))
    longest = max(seconds)
    time_labels = axis(longest, max(1, round(longest / 5)))
    memory_labels = [0, 12, 24, 36, 48]
    if max(memory) > 48:
        memory_labels = axis(max(memory), 24)
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
    yield 'aria-label="Time and peak memory of a restore against the number of sessions">'
    yield f"<style>text{{font:12px sans-serif;fill:{GREY}}}</style>"
    yield from chart(LEFT, "seconds", seconds, sizes, time_labels[-1], time_labels)
    right = LEFT + WIDTH // 2
    yield from chart(right, "peak memory, MiB", memory, sizes, memory_labels[-1], memory_labels)
    yield "</svg>"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", default="1000,20000,100000,420000")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--work", type=Path, default=TARGET / "plot")
    options = parser.parse_args()
    sizes = sorted(int(size) for size in options.sessions.split(","))
    build()
    folders = {sessions: options.work / str(sessions) for sessions in sizes}
    for sessions, folder in folders.items():
        make(folder, sessions)
    results = measure(folders, options.runs)
    svg = "\n".join(draw(results, sizes)) + "\n"
    (ROOT / "docs" / "restore.svg").write_text(svg, encoding="utf-8")
    print("\n".join(table(results, sizes)))


if __name__ == "__main__":
    main()
