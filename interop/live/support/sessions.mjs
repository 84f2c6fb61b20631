// What must be equal of a session on both sides.
import { readFileSync } from "node:fs";

const compared = (session) => ({
    algorithm: session.algorithm,
    room_id: session.room_id,
    session_id: session.session_id,
    session_key: session.session_key,
    sender_key: session.sender_key,
    claimed: Object.entries(session.sender_claimed_keys ?? {}).sort(),
    chain: session.forwarding_curve25519_key_chain ?? [],
    // matrix-sdk-crypto writes the second name, and older versions the third.
    shared: session.shared_history ?? session["m.shared_history"] ?? session["org.matrix.msc3061.shared_history"] ?? false,
});

/** Why two exports are not of the same sessions; nothing if they are. */
export function difference(one, other) {
    const index = (sessions) => new Map(sessions.map((it) => [`${it.room_id} ${it.session_id}`, JSON.stringify(compared(it))]));
    const [here, there] = [index(one), index(other)];
    const missing = [...here.keys()].filter((id) => !there.has(id));
    const added = [...there.keys()].filter((id) => !here.has(id));
    const unlike = [...here.keys()].filter((id) => there.has(id) && here.get(id) !== there.get(id));
    if (missing.length + added.length + unlike.length === 0) return undefined;
    const example = unlike.length ? `: ${without(here.get(unlike[0]))} is not ${without(there.get(unlike[0]))}` : "";
    return `of ${here.size} sessions ${missing.length} are missing, ${added.length} added, ${unlike.length} unlike${example}`;
}

/** Sessions of a real client, for where no messages can be sent. */
export function recorded() {
    return JSON.parse(readFileSync(process.env.INTEROP_RECORDED)).exported_room_keys;
}

const without = (session) => session.replace(/"session_key":"[^"]*"/, '"session_key":"…"');
