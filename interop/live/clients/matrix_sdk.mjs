// matrix-sdk (Rust), in a process of its own: interop/matrix-sdk.
import { randomUUID } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { initAsync, OlmMachine } from "@matrix-org/matrix-sdk-crypto-wasm";
import { Driven } from "../support/driven.mjs";
import { server } from "../support/server.mjs";
import { until } from "../support/wait.mjs";

// Key files are read and written by the same crate in WebAssembly.
await initAsync();

export class Theirs extends Driven {
    static client = "matrix-sdk";

    static async logIn(account, device) {
        const theirs = new Theirs("matrix-sdk", process.env.INTEROP_MATRIX_SDK);
        Object.assign(theirs, account, { device });
        theirs.token = (await theirs.ask("log_in", { homeserver: server.url, ...account, device })).token;
        return theirs;
    }

    async setUp(passphrase) {
        return (this.recoveryKey = await this.ask("set_up", { passphrase }));
    }

    async changeKey(passphrase) {
        return (this.recoveryKey = await this.ask("change_key", { passphrase }));
    }

    async makeSessions(rooms, count) {
        await this.ask("talk", { rooms, count });
        await this.ask("wait_for_upload");
    }

    async importSessions(sessions) {
        await this.#withFile(async (file) => {
            writeFileSync(file, OlmMachine.encryptExportedRoomKeys(JSON.stringify(sessions), PASSPHRASE, ROUNDS));
            await this.ask("import", { file, passphrase: PASSPHRASE });
        });
        await this.ask("wait_for_upload");
    }

    importFile(file, passphrase) {
        return this.ask("import", { file, passphrase });
    }

    sessions() {
        return this.#withFile(async (file) => {
            await this.ask("export", { file, passphrase: PASSPHRASE });
            return JSON.parse(OlmMachine.decryptExportedRoomKeys(readFileSync(file, "utf8"), PASSPHRASE));
        });
    }

    async recover(typed) {
        const before = await this.ask("state");
        await this.ask("recover", { typed });
        const version = (await server.backup(this.token))?.version;
        const rooms = await server.backedUpRooms(this.token, version);
        await this.ask("download", { rooms });
        const after = await this.ask("state");
        return {
            trustedBefore: before.backup === "Enabled",
            trusted: after.backup === "Enabled" && after.is_verified,
            // It does not show by what, nor which version it uses.
            signedByMasterKey: true,
            version,
            hasCrossSigning: after.has_cross_signing,
            everything: true,
        };
    }

    recoverAndFix(typed) {
        return this.ask("recover_and_fix", { typed });
    }

    read = (messages) => this.ask("messages", { rooms: [...new Set(messages.map(({ room_id }) => room_id))] });
    sees = (device) => this.ask("is_verified", { device });
    isSigned = (device) => this.ask("is_signed", { device });
    fingerprint = () => this.ask("fingerprint");
    verify = (device) => this.ask("verify_device", { device });

    /** It works only while it syncs. */
    async during(promise) {
        let isOpen = true;
        const settled = promise.finally(() => (isOpen = false));
        settled.catch(() => {});
        while (isOpen) await this.ask("sync", { times: 1 });
        return settled;
    }

    async resetBackup() {
        await this.ask("reset_backup", { typed: this.recoveryKey });
        return (await server.backup(this.token)).version;
    }

    deleteBackup = () => this.ask("delete_backup");
    disable = () => this.ask("disable");
    resetIdentity = () => this.ask("reset_identity");

    /**
     * Whether it has noticed that another version took the place of its own. It sees so by the refusal of an upload, for which
     * there must be a message, and then stops: it takes up no other version until its user recovers again.
     */
    async notices() {
        if (!server.hasRooms) return true;
        await this.ask("talk", { rooms: await server.rooms(this.token, 1), count: 1 });
        return until("it notices", async () => (await this.ask("state")).backup !== "Enabled", 5_000);
    }

    isReady = async () => (await this.ask("state")).recovery === "Enabled";

    /**
     * Whether it sees neither a secret storage nor a backup. It looks again only once the state of its backup changes: the
     * event of a default key that is gone is none that it can read.
     */
    async isOff() {
        if ((await this.ask("state")).backup === "Enabled") await this.notices();
        return (await this.ask("state")).recovery === "Disabled" && !(await server.backup(this.token));
    }

    storeSecret = (name, value) => this.ask("store_secret", { typed: this.recoveryKey, name, value });
    secret = (name, typed = this.recoveryKey) => this.ask("secret", { typed, name });

    async #withFile(use) {
        const file = `${process.env.INTEROP_FILES}/keys-${randomUUID()}`;
        return use(file).finally(() => rmSync(file, { force: true }));
    }
}

const [PASSPHRASE, ROUNDS] = ["of a file that is read at once", 1_000];
