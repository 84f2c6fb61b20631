// The homeserver as it is for everybody: accounts, account data, rooms.
import { randomBytes } from "node:crypto";

const url = process.env.INTEROP_HOMESERVER;
const percent = encodeURIComponent;

async function call(method, path, token, body) {
    const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
    const request = () => fetch(`${url}/_matrix/client/v3${path}`, { method, headers, body: body && JSON.stringify(body) });
    // A homeserver may close an idle connection just when the next request is sent.
    const response = await request().catch(request);
    return { status: response.status, body: await response.json() };
}

async function must(...request) {
    const { status, body } = await call(...request);
    if (status !== 200) throw new Error(`${request[0]} ${request[1]}: ${status} ${JSON.stringify(body)}`);
    return body;
}

export const server = {
    url,
    /** Whether messages can be sent: the in-memory homeserver knows no rooms. */
    hasRooms: process.env.INTEROP_ROOMS === "yes",

    async account() {
        const [username, password] = [`u${randomBytes(5).toString("hex")}`, randomBytes(8).toString("hex")];
        const auth = { type: "m.login.dummy" };
        const { user_id: user } = await must("POST", "/register", null, { username, password, auth, inhibit_login: true });
        return { user, password };
    },

    logIn: ({ user, password }, device) =>
        must("POST", "/login", null, {
            type: "m.login.password",
            identifier: { type: "m.id.user", user },
            password,
            device_id: device,
        }),

    /** The user's signatures of their master key, by label. */
    async signersOfMasterKey(token, user) {
        const { master_keys } = await must("POST", "/keys/query", token, { device_keys: { [user]: [] } });
        return master_keys[user].signatures[user];
    },

    devices: async (token) => (await must("GET", "/devices", token)).devices,

    /** The current version of the backup; nothing if there is none. */
    async backup(token) {
        const { status, body } = await call("GET", "/room_keys/version", token);
        return status === 200 ? body : undefined;
    },

    backedUpRooms: async (token, version) =>
        Object.keys((await must("GET", `/room_keys/keys?version=${percent(version)}`, token)).rooms),

    event: async (token, user, type) => {
        const { status, body } = await call("GET", `/user/${percent(user)}/account_data/${percent(type)}`, token);
        return status === 200 ? body : undefined;
    },

    putEvent: (token, user, type, content) =>
        must("PUT", `/user/${percent(user)}/account_data/${percent(type)}`, token, content),

    /**
     * All account data by type. Synapse answers an equal first /sync for two minutes with what it said before, so each one
     * is made unlike.
     */
    async accountData(token) {
        const filter = { room: { rooms: [`!${randomBytes(5).toString("hex")}:localhost`] }, presence: { types: [] } };
        const body = await must("GET", `/sync?timeout=0&filter=${percent(JSON.stringify(filter))}`, token);
        return Object.fromEntries((body.account_data?.events ?? []).map(({ type, content }) => [type, content]));
    },

    /** Encrypted rooms; where there are none, IDs of rooms. */
    async rooms(token, count) {
        if (!this.hasRooms) return Array.from({ length: count }, (_, number) => `!room${number}:localhost`);
        const content = { algorithm: "m.megolm.v1.aes-sha2" };
        const initial_state = [{ type: "m.room.encryption", state_key: "", content }];
        const made = Array.from({ length: count }, (_, number) =>
            must("POST", "/createRoom", token, { name: `room ${number}`, preset: "private_chat", initial_state }),
        );
        return (await Promise.all(made)).map(({ room_id }) => room_id);
    },

    message: (token, { room_id, event_id }) => must("GET", `/rooms/${percent(room_id)}/event/${percent(event_id)}`, token),
};
