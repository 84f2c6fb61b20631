// Ours sets up storage, cross-signing and backup, and uploads; theirs recovers on a new device.
import { isRunning, Ours } from "../support/ours.mjs";
import { scenario } from "../support/report.mjs";
import { server } from "../support/server.mjs";
import { difference, recorded } from "../support/sessions.mjs";
import { until } from "../support/wait.mjs";

const PASSPHRASE = "correct horse ünï";

async function setUp(t, passphrase) {
    const account = await server.account();
    const ours = t.using(await Ours.first(account));
    const rooms = await server.rooms(ours.token, 3);
    const messages = await ours.ask("add_sessions", { count: 12, rooms, send: server.hasRooms });
    const made = await ours.ask("set_up", { passphrase, name: "the user's" });
    const state = await ours.running();
    t.check("ours uploads every session", isRunning(state), state);
    return { account, ours, rooms, messages, made };
}

async function recover(t, Theirs, { account, ours, messages, made }, device, typed) {
    const theirs = t.using(await Theirs.logIn(account, device));
    const got = await theirs.recover(typed);
    t.check(`${device}: it trusts nothing before a key is entered`, !got.trustedBefore, got);
    t.check(`${device}: it takes the cross-signing keys`, got.hasCrossSigning, got);
    t.check(`${device}: it trusts the backup, by key and by signature`, got.trusted && got.signedByMasterKey, got);
    t.check(`${device}: it uses the backup`, got.version === made.trusted.version, got);
    t.check(`${device}: it restores everything`, got.everything, got);
    const unlike = difference(await ours.sessions(), await theirs.sessions());
    t.check(`${device}: the sessions are equal`, !unlike, unlike);
    t.check(`${device}: it sees our device as verified`, await until("verified", () => theirs.sees("OURS")));
    if (Theirs.readsWithoutRooms || server.hasRooms) {
        const bodies = await theirs.read(messages);
        t.check(`${device}: it decrypts the messages`, messages.every(({ body }) => bodies.includes(body)), bodies);
    } else t.note("no message decrypted: the homeserver has no rooms");
    return theirs;
}

scenario("ours_sets_up_and_theirs_recovers_by_recovery_key_and_passphrase", async (t, Theirs) => {
    const made = await setUp(t, PASSPHRASE);
    await recover(t, Theirs, made, "BYKEY", made.made.recovery_key);
    const theirs = await recover(t, Theirs, made, "BYPASSPHRASE", PASSPHRASE);
    // Theirs goes on with the backup, and a new device of ours has what it adds.
    if (server.hasRooms) await theirs.makeSessions(made.rooms.slice(0, 1), 3);
    else await theirs.importSessions(recorded());
    const all = await theirs.sessions();
    await until("it uploads", async () => (await server.backup(theirs.token)).count >= all.length);
    const another = t.using(await Ours.recovered(made.account, made.made.recovery_key, "ANOTHER"));
    const unlike = difference(all, await another.sessions());
    t.check("what theirs adds comes back in ours", all.length > 12 && !unlike, unlike);
    for (const typed of [made.made.recovery_key, PASSPHRASE]) {
        const diagnosis = await another.diagnosis(typed);
        t.check("nothing is wrong with the account", diagnosis.is_well, diagnosis);
    }
});

scenario("ours_sets_up_with_a_drawn_key_and_theirs_recovers", async (t, Theirs) => {
    const made = await setUp(t, undefined);
    await recover(t, Theirs, made, "THEIRS", made.made.recovery_key);
});
