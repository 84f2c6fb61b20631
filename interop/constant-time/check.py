#!/usr/bin/env python3
"""Compares what memcheck reports with what is known, and fails on what is not: check.py CASE REPORT.

A report is known by the innermost file of this project that it comes from, and by the function, of whatever crate, that has the
branch or the address."""

import re
import sys
from pathlib import Path

REPORT = re.compile(r"==\d+== (Conditional jump|Use of uninitialised|Syscall param|Invalid)")
FRAME = re.compile(r"==\d+==\s+(?:at|by) 0x[0-9A-F]+: (.*) \((?:in )?([^()]*)\)$")
OURS = re.compile(rf"^(?:{re.escape(str(Path(__file__).resolve().parents[2]))}/)?(src/\S+\.rs):\d+$")


def reports(text):
    """The kind of each report, the function it is in, and the innermost file of this project."""
    kind, frames = None, []
    for line in text.splitlines() + ["==0== Conditional jump"]:
        begins = REPORT.match(line)
        if begins:
            if kind:
                places = (OURS.match(place) for _, place in frames)
                ours = next((place[1] for place in places if place), "elsewhere")
                yield kind, frames[0][0] if frames else "?", ours
            kind, frames = begins[1], []
        elif frame := FRAME.match(line):
            frames.append((frame[1], frame[2]))


def known(folder):
    for line in (folder / "known.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def main():
    case, path = sys.argv[1], Path(sys.argv[2])
    text, rules, unknown, count = path.read_text(errors="replace"), list(known(Path(__file__).parent)), 0, 0
    if "ERROR SUMMARY" not in text:
        sys.exit(f"{case}: it did not run to its end")
    for kind, function, file in sorted(set(reports(text))):
        fits = [why for cases, ours, there, why in rules
                if re.fullmatch(cases, case) and re.fullmatch(ours, file) and re.search(there, function)]
        count += 1
        if not fits:
            unknown += 1
            print(f"UNKNOWN {case}: {kind} in {function[:100]}, from {file}")
    print(f"{'FAIL' if unknown else 'PASS'} {case}: {count} places depend on a secret, {unknown} of them unknown")
    sys.exit(unknown > 0)


main()
