#!/usr/bin/env python3
"""Records real runs of `strongroom` on a terminal and draws them.

    python3 docs/record.py [SCENE…]

Writes docs/demo.svg, docs/rescue.svg and docs/diagnose.svg: every line as the program printed it, in its colours, one after the
other. What is typed is typed. Needs Linux or macOS, Python and Rust and nothing else. A viewer that does not animate shows the end.
"""

import argparse
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import time
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VECTORS = ROOT / "tests" / "vectors" / "js-sdk"

CHAR, LINE, PAD, BAR, COLUMNS = 7.83, 19, 18, 30, 100
COLOURS = {"31": "#f87171", "32": "#4ade80", "33": "#facc15", "36": "#22d3ee"}
# How long a line stays the last one, in seconds: time to read it.
PAUSE_PER_WORD = 0.12
SGR = re.compile(r"\x1b\[([0-9;]*)m")
# What moves the cursor or clears a line.
MOVES = re.compile(r"\x1b\[[0-9;?]*[A-LN-Za-ln-z]")


def snapshot(folder):
    """What was saved of an account, without what a person knows; returns that."""
    account = json.loads((VECTORS / "random.json").read_text())
    known = account.pop("recovery_key")
    for member in ["passphrase", "backup_decryption_key_base64", "exported_room_keys"]:
        account.pop(member)
    (folder / "snapshot").mkdir()
    (folder / "snapshot" / "account.json").write_text(json.dumps(account))
    return known


def demo(_):
    return "a device is lost, and its message history is not", ["demo"], []


def rescue(folder):
    key = snapshot(folder)
    command = ["rescue", "--from", "snapshot", "--out", "keys.txt"]
    return "message keys out of a backup into a file", command, [key, "for one import", "for one import"]


def diagnose(folder):
    snapshot(folder)
    other = json.loads((VECTORS / "passphrase.json").read_text())["recovery_key"]
    return "the recovery key of another account", ["diagnose", "--from", "snapshot"], [other]


SCENES = {"demo": demo, "rescue": rescue, "diagnose": diagnose}


def program():
    command = ["cargo", "build", "--release", "--quiet", "-p", "strongroom-cli"]
    subprocess.run(command, cwd=ROOT, check=True)
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release" / "strongroom"


def record(arguments, typed, folder):
    """What the program writes to a terminal, on which this is typed at its prompts, one after the other."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [program(), *arguments],
        cwd=folder,
        stdin=child,
        stdout=child,
        # The progress bars would be gone before anybody could read them; prompts are read.
        stderr=child if typed else subprocess.DEVNULL,
        start_new_session=True,
        env={"PATH": os.environ["PATH"], "TERM": "xterm-256color"},
    )
    os.close(child)
    written, waiting = bytearray(), list(typed)
    while True:
        try:
            piece = os.read(parent, 4096)
        except OSError:  # Linux says so when the other end is closed.
            break
        if not piece:
            break
        written += piece
        if waiting and written.endswith(b": "):
            # What is typed before the terminal hides it is thrown away.
            time.sleep(0.3)
            os.write(parent, waiting.pop(0).encode() + b"\n")
    if process.wait() not in (0, 3) or waiting:
        sys.exit(written.decode() + f"{arguments[0]} failed")
    return shown(written.decode())


def shown(text):
    """The lines that are left when the program has ended."""
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    return [wrapped for line in lines for wrapped in fitting(MOVES.sub("", line.split("\r")[-1]))]


def fitting(line):
    """A line as a terminal of some width breaks it, between words."""
    rows, width = [""], 0
    for word in re.split(r"(?<= )", line):
        length = len(SGR.sub("", word))
        if width and width + length > COLUMNS:
            rows.append("")
            width = 0
        rows[-1] += word
        width += length
    return rows


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


def svg(title, command, lines):
    lines = [f"$ strongroom {command}", ""] + lines
    columns = max(len(SGR.sub("", line)) for line in lines)
    width, height = 2 * PAD + columns * CHAR, BAR + PAD + len(lines) * LINE
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}"'
        f' height="{height}" role="img" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">'
    )
    yield f"<title>strongroom {command.split()[0]}: {title}</title>"
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
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=", ".join(SCENES))
    for name in parser.parse_args().scenes or SCENES:
        with tempfile.TemporaryDirectory() as folder:
            title, command, typed = SCENES[name](Path(folder))
            lines = record(command, typed, folder)
        path = ROOT / "docs" / f"{name}.svg"
        path.write_text("\n".join(svg(title, " ".join(command), lines)) + "\n", encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
