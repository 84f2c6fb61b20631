// A device in a process of its own, which takes one command a line and gives one answer a line, both JSON.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export class Driven {
    #waiting = [];

    constructor(name, program) {
        this.name = name;
        const output = process.env.INTEROP_VERBOSE ? "inherit" : "ignore";
        this.child = spawn(program, [], { stdio: ["pipe", "pipe", output] });
        createInterface({ input: this.child.stdout }).on("line", (line) => this.#waiting.shift()?.(JSON.parse(line)));
        const ended = (how) => this.#waiting.splice(0).forEach((tell) => tell({ error: `its process ended (${how})` }));
        this.child.on("exit", ended).on("error", ended);
        this.child.stdin.on("error", () => {});
    }

    ask(command, members = {}) {
        return new Promise((resolve, reject) => {
            this.#waiting.push((answer) =>
                "error" in answer ? reject(new Error(`${this.name}, ${command}: ${answer.error}`)) : resolve(answer.ok),
            );
            this.child.stdin.write(JSON.stringify({ command, ...members }) + "\n");
        });
    }

    stop() {
        this.child.stdin.end();
    }
}
