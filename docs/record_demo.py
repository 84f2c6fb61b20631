#!/usr/bin/env python3
"""Records a real run of `strongroom demo` on a terminal and draws it.

    python3 docs/record_demo.py [--sessions 1000]

Writes docs/demo.svg: every line as the program printed it, in its colours, one after the other. Needs Linux or macOS, Python
and Rust and nothing else. A viewer that does not animate shows the end.
"""

import argparse
import os
import pty
import re
import subprocess
import sys
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CHAR, LINE, PAD, BAR = 7.83, 19, 18, 30
COLOURS = {"31": "#f87171", "32": "#4ade80", "33": "#facc15", "36": "#22d3ee"}
# How long a line stays the last one, in seconds: time to read it.
PAUSE_PER_WORD = 0.12
SGR = re.compile(r"\x1b\[([0-9;]*)m")


def record(sessions):
    """What the program writes to a terminal."""
    command = ["cargo", "build", "--release", "--quiet", "-p", "strongroom-cli"]
    subprocess.run(command, cwd=ROOT, check=True)
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
    parent, child = pty.openpty()
    program = subprocess.Popen(
        [target / "release" / "strongroom", "demo", "--sessions", str(sessions)],
        stdout=child,
        # The progress bars would be gone before anybody could read them.
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "TERM": "xterm-256color"},
    )
    os.close(child)
    written = bytearray()
    while True:
        try:
            piece = os.read(parent, 4096)
        except OSError:  # Linux says so when the other end is closed.
            break
        if not piece:
            break
        written += piece
    if program.wait() != 0:
        sys.exit("the demo failed")
    return written.decode().replace("\r\n", "\n").rstrip("\n").split("\n")


def spans(line):
    """Pieces of a line with their column, style and text."""
    column, codes = 0, []
    for index, part in enumerate(SGR.split(line)):
        if index % 2 == 1:
            reset = part in ("", "0")
            codes = [] if reset else codes + part.split(";")
        elif part:
            yield column, codes, part
            column += len(part)


def drawn(line):
    for column, codes, part in spans(line):
        style = "".join(f' fill="{COLOURS[code]}"' for code in codes if code in COLOURS)
        style += ' font-weight="bold"' if "1" in codes else ""
        style += ' opacity="0.6"' if "2" in codes else ""
        x = PAD + column * CHAR
        length = f' textLength="{len(part) * CHAR:.1f}" lengthAdjust="spacingAndGlyphs"'
        yield f'<tspan x="{x:.1f}"{style}{length} xml:space="preserve">{escape(part)}</tspan>'


def svg(lines):
    command = "$ strongroom demo"
    lines = [command, ""] + lines
    columns = max(len(SGR.sub("", line)) for line in lines)
    width, height = 2 * PAD + columns * CHAR, BAR + PAD + len(lines) * LINE
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}"'
        f' height="{height}" role="img" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">'
    )
    yield "<title>strongroom demo: a device is lost, and its message history is not</title>"
    yield "<style>@media (prefers-reduced-motion: no-preference) { .line { animation: show 0.2s backwards; } }"
    yield "@keyframes show { from { opacity: 0; } }</style>"
    yield f'<rect width="{width:.0f}" height="{height}" rx="8" fill="#111827"/>'
    for index, colour in enumerate(["#f87171", "#facc15", "#4ade80"]):
        yield f'<circle cx="{PAD + 4 + index * 18}" cy="18" r="5" fill="{colour}"/>'
    delay = 0.0
    for number, line in enumerate(lines):
        if not line:
            continue
        y = BAR + (number + 1) * LINE
        text = "".join(drawn(line))
        yield (
            f'<text class="line" y="{y}" fill="#e5e7eb" style="animation-delay:{delay:.2f}s">{text}</text>'
        )
        delay += max(0.3, PAUSE_PER_WORD * len(line.split()))
    yield "</svg>"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sessions", type=int, default=1000)
    options = parser.parse_args()
    lines = record(options.sessions)
    path = ROOT / "docs" / "demo.svg"
    path.write_text("\n".join(svg(lines)) + "\n", encoding="utf-8")
    print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
