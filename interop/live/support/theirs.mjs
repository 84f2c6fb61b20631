// Accounts that theirs has set up.
import { Ours } from "./ours.mjs";
import { server } from "./server.mjs";
import { recorded } from "./sessions.mjs";
import { until } from "./wait.mjs";

/** The first device of an account, with sessions in its backup. */
export async function first(t, Theirs, { passphrase } = {}) {
    const account = await server.account();
    const theirs = t.using(await Theirs.logIn(account, "THEIRS"));
    await theirs.setUp(passphrase);
    const rooms = await server.rooms(theirs.token, 2);
    if (server.hasRooms) await theirs.makeSessions(rooms, 3);
    else await theirs.importSessions(recorded());
    const count = (await theirs.sessions()).length;
    await until("it uploads", () => theirs.during(server.backup(theirs.token).then((backup) => backup.count >= count)));
    return { account, theirs, rooms };
}

/** The same with a device of ours that goes on with the backup. */
export async function both(t, Theirs) {
    const made = await first(t, Theirs);
    const ours = t.using(await Ours.recovered(made.account, made.theirs.recoveryKey));
    return { ...made, ours, version: (await server.backup(ours.token)).version };
}
