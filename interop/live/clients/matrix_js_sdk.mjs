// matrix-js-sdk with its Rust crypto, in memory.
import { readFileSync } from "node:fs";
import { OlmMachine } from "@matrix-org/matrix-sdk-crypto-wasm";
import * as sdk from "matrix-js-sdk";
import { decodeRecoveryKey } from "matrix-js-sdk/lib/crypto-api/index.js";
import { deriveRecoveryKeyFromPassphrase } from "matrix-js-sdk/lib/crypto-api/key-passphrase.js";
import { logger } from "matrix-js-sdk/lib/logger.js";
import { server } from "../support/server.mjs";
import { until } from "../support/wait.mjs";

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, getChild: () => silent };
logger.setLevel?.("silent", false);
if (!process.env.INTEROP_VERBOSE) for (const level of ["trace", "debug", "log", "info", "warn", "error"]) console[level] = () => {};

export class Theirs {
    static client = "matrix-js-sdk";
    static readsWithoutRooms = true;

    static async logIn(account, device) {
        const theirs = new Theirs();
        const { access_token: token, user_id: user } = await server.logIn(account, device);
        Object.assign(theirs, account, { user, device, token });
        theirs.client = sdk.createClient({
            baseUrl: server.url,
            logger: silent,
            userId: user,
            deviceId: device,
            accessToken: token,
            cryptoCallbacks: {
                getSecretStorageKey: ({ keys }) => theirs.#storageKey(keys),
                cacheSecretStorageKey: (id, _, key) => (theirs.cached = [id, key]),
            },
        });
        await theirs.client.initRustCrypto({ useIndexedDB: false });
        theirs.crypto = theirs.client.getCrypto();
        await theirs.client.startClient({ initialSyncLimit: 5 });
        await until("the first sync of matrix-js-sdk", () => theirs.client.isInitialSyncComplete());
        // It imports cross-signing keys only if it has the user's public ones by then, for which it asks in its own time.
        await theirs.crypto.userHasCrossSigningKeys(user, true);
        return theirs;
    }

    /** Cross-signing, secret storage and backup; returns the recovery key. */
    async setUp(passphrase) {
        await this.crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: this.#password });
        await this.changeKey(passphrase, { setupNewKeyBackup: true });
        await until("the backup is in use", () => this.crypto.getActiveSessionBackupVersion());
        return this.recoveryKey;
    }

    /** A new secret storage; the backup stays. */
    async changeKey(passphrase, options = {}) {
        const made = await this.crypto.createRecoveryKeyFromPassphrase(passphrase);
        const createSecretStorageKey = async () => made;
        await this.crypto.bootstrapSecretStorage({ createSecretStorageKey, setupNewSecretStorage: true, ...options });
        return (this.recoveryKey = made.encodedPrivateKey);
    }

    /** Sessions of its own, by messages if there are rooms. */
    async makeSessions(rooms, count) {
        for (const room of rooms) {
            await until("the room is encrypted", async () => this.client.getRoom(room) && this.crypto.isEncryptionEnabledInRoom(room));
            for (let number = 0; number < count; number++) {
                await this.client.sendTextMessage(room, `message ${number}`);
                await this.crypto.forceDiscardSession(room);
            }
        }
    }

    importSessions(sessions) {
        return this.crypto.importRoomKeys(sessions);
    }

    /** A key file, as Element imports it. */
    importFile(file, passphrase) {
        return this.crypto.importRoomKeysAsJson(OlmMachine.decryptExportedRoomKeys(readFileSync(file, "utf8"), passphrase));
    }

    sessions() {
        return this.crypto.exportRoomKeys();
    }

    /** What a user does on a new device with the recovery key or passphrase; returns what came of it. */
    async recover(typed) {
        this.typed = typed;
        const info = await this.crypto.getKeyBackupInfo();
        const before = await this.crypto.isKeyBackupTrusted(info);
        await this.crypto.bootstrapCrossSigning({
            authUploadDeviceSigningKeys: () => Promise.reject(new Error("it wants new cross-signing keys")),
        });
        await this.crypto.loadSessionBackupPrivateKeyFromSecretStorage();
        const after = await this.crypto.isKeyBackupTrusted(info);
        const { userState } = await this.crypto.olmMachine.verifyBackup(info);
        await this.crypto.checkKeyBackupAndEnable();
        const restored = await this.crypto.restoreKeyBackup();
        const status = await this.crypto.getCrossSigningStatus();
        return {
            trustedBefore: before.trusted || before.matchesDecryptionKey,
            trusted: after.trusted && after.matchesDecryptionKey,
            signedByMasterKey: userState === SIGNED_AND_TRUSTED,
            version: await this.crypto.getActiveSessionBackupVersion(),
            hasCrossSigning: Object.values(status.privateKeysCachedLocally).every(Boolean),
            everything: restored.imported === restored.total,
        };
    }

    /** The bodies of these messages. */
    async read(messages) {
        return Promise.all(messages.map(async (message) => {
            const sent = message.event_id
                ? await server.message(this.token, message)
                : { ...message, type: "m.room.encrypted", event_id: "$event", sender: this.user, origin_server_ts: 0 };
            const event = new sdk.MatrixEvent(sent);
            await this.client.decryptEventIfNeeded(event);
            return event.getContent().body;
        }));
    }

    sees = async (device) => (await this.crypto.getDeviceVerificationStatus(this.user, device))?.crossSigningVerified;

    /** Whether the self-signing key has signed a device, whatever this one thinks of that key. */
    isSigned = async (device) => (await this.crypto.getDeviceVerificationStatus(this.user, device))?.signedByOwner;

    fingerprint = async () => (await this.crypto.getOwnDeviceKeys()).ed25519;

    /** The user has compared the keys of another device. */
    async verify(device) {
        const known = async () => (await this.crypto.getUserDeviceInfo([this.user], true)).get(this.user)?.has(device);
        await until("it knows the device", known);
        await this.crypto.crossSignDevice(device);
        // It refuses what the device asks for until it has read its own signature back.
        const status = () => this.crypto.getDeviceVerificationStatus(this.user, device);
        await until("it trusts the device", async () => (await status())?.signedByOwner);
    }

    /** The user has compared the identity of the account; it asks for what it lacks. */
    async askForSecrets() {
        const machine = this.crypto.olmMachine;
        const identity = await machine.getIdentity(machine.userId);
        await this.crypto.outgoingRequestProcessor.makeOutgoingRequest(await identity.verify());
        await machine.requestMissingSecretsIfNeeded();
        this.crypto.outgoingRequestsManager.doProcessOutgoingRequests().catch(() => {});
    }

    /** The text of the backup's key, once all secrets have come. */
    async secrets() {
        const { privateKeysCachedLocally: keys } = await this.crypto.getCrossSigningStatus();
        const backup = await this.crypto.getSessionBackupPrivateKey();
        if (!keys.selfSigningKey || !keys.userSigningKey || !backup) return undefined;
        return Buffer.from(backup).toString("base64").replace(/=+$/, "");
    }

    /** The secrets bundle, as the device hands it over at a login by QR code. */
    exportBundle() {
        return this.crypto.exportSecretsBundle();
    }

    /** A new device takes it; returns what it has then. */
    async importBundle(bundle) {
        await this.crypto.importSecretsBundle(bundle);
        await this.crypto.crossSignDevice(this.device);
        await this.crypto.checkKeyBackupAndEnable();
        const { privateKeysCachedLocally: keys } = await this.crypto.getCrossSigningStatus();
        const backup = await this.crypto.isKeyBackupTrusted(await this.crypto.getKeyBackupInfo());
        return {
            hasCrossSigning: Object.values(keys).every(Boolean),
            trusted: backup.trusted && backup.matchesDecryptionKey,
        };
    }

    /** Whether it comes to see another device as verified. */
    async becomesVerified(device) {
        await this.crypto.getUserDeviceInfo([this.user], true);
        return until("it sees the device as verified", () => this.sees(device)).catch(() => false);
    }

    /** It works by itself while another one is waited for. */
    during = (promise) => promise;

    async resetBackup() {
        await this.crypto.resetKeyBackup();
        return (await server.backup(this.token)).version;
    }

    deleteBackup = async () => this.crypto.deleteKeyBackupVersion((await server.backup(this.token)).version);
    disable = () => this.crypto.disableKeyStorage();
    resetIdentity = () => this.crypto.resetEncryption(this.#password);

    /** Whether it sees a secret storage that has all it wants. */
    isReady = () => this.crypto.isSecretStorageReady();

    /** Whether it sees neither a secret storage nor a backup. */
    async isOff() {
        await this.crypto.checkKeyBackupAndEnable();
        const [key, version] = [await this.client.secretStorage.getDefaultKeyId(), await this.crypto.getActiveSessionBackupVersion()];
        return !key && !version && !(await this.crypto.getKeyBackupInfo()) && !(await this.isReady());
    }

    /** Whether it has looked again, and uses this version now; nothing is for none. */
    async notices(version) {
        await this.crypto.checkKeyBackupAndEnable();
        return ((await this.crypto.getActiveSessionBackupVersion()) ?? undefined) === version;
    }

    storeSecret = (name, value) => this.client.secretStorage.store(name, value);
    secret = (name) => this.client.secretStorage.get(name);
    stop = () => this.client.stopClient();

    /** As Element does: a passphrase is derived by what the description of the key says. */
    async #storageKey(keys) {
        if (!this.typed) return this.cached ?? null;
        for (const [id, info] of Object.entries(keys)) {
            const key = await keyOf(this.typed, info);
            if (key && (await this.client.secretStorage.checkKey(key, info))) return [id, key];
        }
        return null;
    }

    #password = (makeRequest) =>
        makeRequest({ type: "m.login.password", identifier: { type: "m.id.user", user: this.user }, password: this.password });
}

async function keyOf(typed, { passphrase }) {
    try {
        return decodeRecoveryKey(typed);
    } catch {
        if (!passphrase) return null;
        return deriveRecoveryKeyFromPassphrase(typed, passphrase.salt, passphrase.iterations, passphrase.bits);
    }
}

/** `SignatureState.ValidAndTrusted` of matrix-sdk-crypto-wasm. */
const SIGNED_AND_TRUSTED = 3;
