// What is missing of key storage is added by ours and used by theirs, and what ours turns off is off for theirs.
import { isRunning, Ours } from "../support/ours.mjs";
import { scenario } from "../support/report.mjs";
import { server } from "../support/server.mjs";
import { difference } from "../support/sessions.mjs";
import { both } from "../support/theirs.mjs";
import { until } from "../support/wait.mjs";

const USER_SIGNING = "m.cross_signing.user_signing";
const DEFAULT_KEY = "m.secret_storage.default_key";

scenario("ours_adds_a_secret_storage_to_its_backup", async (t, Theirs) => {
    const account = await server.account();
    const ours = t.using(await Ours.first(account));
    await ours.ask("start_machine");
    await ours.ask("add_sessions", { count: 4, rooms: await server.rooms(ours.token, 1) });
    await ours.asked("SetUp");
    await ours.ask("reply", { reply: "create" });
    const { trusted } = await ours.running();
    const made = await ours.ask("complete");
    t.check("the backup stays, and a recovery key is shown", made.trusted?.version === trusted.version && made.recovery_key, made);
    const theirs = t.using(await Theirs.logIn(account, "THEIRS"));
    const got = await theirs.recover(made.recovery_key);
    t.check("theirs recovers by the key", got.trusted && got.hasCrossSigning && got.version === trusted.version, got);
    t.check("it sees the storage as ready", await until("it is ready", () => theirs.isReady()));
    const unlike = difference(await ours.sessions(), await theirs.sessions());
    t.check("the sessions are equal", !unlike, unlike);
    const diagnosis = await ours.diagnosis(made.recovery_key);
    t.check("nothing is wrong with the account", diagnosis.is_well, diagnosis);
});

scenario("ours_adds_a_backup_to_the_storage_of_theirs", async (t, Theirs) => {
    const { account, theirs, ours } = await both(t, Theirs);
    await theirs.deleteBackup();
    const made = await ours.ask("complete");
    t.check("there is a new backup, and no other recovery key", made.trusted && !made.recovery_key, made);
    const state = await ours.running();
    t.check("it has all", isRunning(state), state);
    const another = t.using(await Theirs.logIn(account, "ANOTHER"));
    const got = await another.recover(theirs.recoveryKey);
    t.check("a new device of theirs restores it", got.trusted && got.version === made.trusted.version, got);
    const unlike = difference(await ours.sessions(), await another.sessions());
    t.check("the sessions are equal", !unlike, unlike);
});

scenario("ours_heals_a_secret_that_is_missing_in_the_storage_of_theirs", async (t, Theirs) => {
    const { account, theirs, ours } = await both(t, Theirs);
    await server.putEvent(ours.token, account.user, USER_SIGNING, {});
    const before = await server.backup(ours.token);
    await ours.ask("complete");
    t.check("the backup is as it was", (await server.backup(ours.token)).version === before.version);
    const another = t.using(await Theirs.logIn(account, "ANOTHER"));
    const got = await another.recover(theirs.recoveryKey);
    t.check("a new device of theirs has every secret", got.hasCrossSigning && got.trusted, got);
    const diagnosis = await ours.diagnosis(theirs.recoveryKey);
    t.check("nothing is wrong with the account", diagnosis.is_well, diagnosis);
});

scenario("ours_turns_key_storage_off", async (t, Theirs) => {
    const { account, theirs, ours } = await both(t, Theirs);
    const off = await ours.ask("turn_off");
    t.check("nothing is left", off.stage === "Off" && !off.left && off.notes === "[]", off);
    t.check("no version is left", !(await server.backup(ours.token)));
    const data = await server.accountData(ours.token);
    t.check("the account says that none is wanted", data["m.key_backup"]?.enabled === false, data["m.key_backup"]);
    t.check("there is no default key", JSON.stringify(data[DEFAULT_KEY] ?? {}) === "{}", data[DEFAULT_KEY]);
    t.check("theirs sees so", await until("it is off", () => theirs.isOff()));
    const another = t.using(await Theirs.logIn(account, "ANOTHER"));
    t.check("and so does a new device of theirs", await until("it is off", () => another.isOff()));
});
