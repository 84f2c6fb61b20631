#!/usr/bin/env python3
"""Reads the instructions of the lanes out of a program: instructions.py PROGRAM. Valgrind knows no AVX-512, and its bodies are
those of AVX2 but for the multiplication.

- No function divides, or gathers from addresses that a vector holds.
- Nothing moves from a vector or a mask to a register or a flag: so no branch and no address depends on a value in a lane. Secrets
  are loaded into lanes, and what comes out is stored.
- A ladder, where the bits of the one secret that all lanes have are in a register, has one branch, that of its counter; and a
  multiplication has none."""

import re
import subprocess
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <(?:.*::)?lanes::(ifma::four|ifma::eight|avx2)::(.*)>:$")
INSTRUCTION = re.compile(r"^ +[0-9a-f]+:\t(\S+) *(.*)$")
NEVER = re.compile(r"v?p?gather.*|v?i?div.*")
OUT_OF_VECTORS = re.compile(r"k?ortest.|ktest.|v?ptest|vtestp.|v?pextr.|vp?movmsk.*|v?movmskp.|v?comis.|v?ucomis.|vcvtt?s[sd]2u?si")
REGISTER = re.compile(r"%(?:[er]?(?:[abcd]x|[sd]i|[bs]p)|r(?:\d+)[dwb]?|[abcd]l)$")
CONDITIONAL = re.compile(r"j(?!mp).*")
# These work on public points alone.
PUBLIC = ("Table::of", "EdwardsPoint::with_u", "EdwardsPoint::to_affine")
# The most branches a function may have; the others have those of their loops, over how many products there are.
BRANCHES = (("climb", 1), ("FieldElement::squared_times", 1), ("FieldElement::pow22501", 1), ("FieldElement::", 0), ("EdwardsPoint::double", 0))


def functions(program):
    text = subprocess.run(["objdump", "-d", "-C", "--no-show-raw-insn", program], check=True, capture_output=True, text=True)
    found, inside = {}, None
    for line in text.stdout.splitlines():
        if line.endswith(">:"):
            begins = FUNCTION.match(line)
            inside = found.setdefault(f"{begins[1]}::{begins[2]}", []) if begins else None
        elif inside is not None and (instruction := INSTRUCTION.match(line)):
            inside.append(instruction.groups())
    return found


def faults(name, instructions):
    for mnemonic, operands in instructions:
        target = operands.split("#")[0].strip()
        leaves = mnemonic in ("vmovd", "vmovq", "kmovb", "kmovw", "kmovd", "kmovq") and REGISTER.search(target)
        if NEVER.fullmatch(mnemonic) or OUT_OF_VECTORS.fullmatch(mnemonic) or leaves:
            yield f"{mnemonic} {target}"
    branches = sum(1 for mnemonic, _ in instructions if CONDITIONAL.fullmatch(mnemonic))
    most = next((most for part, most in BRANCHES if part in name), None)
    if most is not None and branches > most:
        yield f"{branches} conditional branches"


def main():
    found = {name: code for name, code in functions(sys.argv[1]).items() if not any(part in name for part in PUBLIC)}
    for path in ("ifma::four", "ifma::eight", "avx2"):
        if f"{path}::climb" not in found:
            sys.exit(f"the program has no ladder of {path}")
    wrong = [f"FAIL {name}: {fault}" for name, code in sorted(found.items()) for fault in faults(name, code)]
    print("\n".join(wrong) or f"PASS {len(found)} functions, {sum(map(len, found.values()))} instructions")
    sys.exit(bool(wrong))


main()
