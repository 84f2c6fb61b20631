// The command line of ours.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** The program, and a folder for its files. */
export class Program {
    constructor() {
        this.folder = mkdtempSync(join(tmpdir(), "interop-"));
    }

    file(name, text) {
        const path = join(this.folder, name);
        if (text !== undefined) writeFileSync(path, text, { mode: 0o600 });
        return path;
    }

    /** What it prints; a failure says what it has said. */
    run = async (...flags) => (await promisify(execFile)(process.env.INTEROP_STRONGROOM, flags)).stdout;

    stop() {
        rmSync(this.folder, { recursive: true });
    }
}
