// mautrix in Python, which knows secret storage and cross-signing, and no backup.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { server } from "../support/server.mjs";

const script = fileURLToPath(new URL("secret_storage.py", import.meta.url));

export class Theirs {
    static client = "mautrix";

    static async logIn(account, device) {
        const { access_token: token, user_id: user } = await server.logIn(account, device);
        return Object.assign(new Theirs(), { token, user, device });
    }

    generate = async (passphrase = "") => (await this.#run("generate", passphrase)).recovery_key;
    verify = async (recoveryKey) => (await this.#run("verify", recoveryKey)).master;
    secrets = async (passphrase) => (await this.#run("passphrase", passphrase)).secrets;
    stop() {}

    async #run(command, typed) {
        const args = [script, command, server.url, this.user, this.token, this.device, typed];
        const { stdout } = await promisify(execFile)(process.env.INTEROP_PYTHON, args).catch((error) => {
            // The last line of a traceback says what went wrong.
            throw new Error(`mautrix, ${command}: ${error.stderr.trim().split("\n").at(-1)}`);
        });
        return JSON.parse(stdout.trim().split("\n").at(-1));
    }
}
