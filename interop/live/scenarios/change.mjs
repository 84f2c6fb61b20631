// One side changes the account while the other's machine runs, or is off: it notices, says the right thing, and loses nothing.
import { isRunning, Ours } from "../support/ours.mjs";
import { scenario } from "../support/report.mjs";
import { server } from "../support/server.mjs";
import { difference } from "../support/sessions.mjs";
import { both } from "../support/theirs.mjs";
import { until } from "../support/wait.mjs";

const changed = ({ open }) => open.find(({ question }) => question === "Changed");

for (const isOff of [false, true]) {
    const while_ = isOff ? "is_off" : "runs";

    scenario(`theirs_resets_the_backup_while_ours_${while_}`, async (t, Theirs) => {
        const { theirs, ours, rooms, version } = await both(t, Theirs);
        const next = await theirs.resetBackup();
        if (isOff) await ours.ask("restart_machine");
        const asked = await ours.asked("Changed");
        const { found } = changed(asked) ?? {};
        t.check("ours asks about the new version, which it trusts", next !== version && found?.version === next && !found.problem, asked);
        await ours.ask("add_sessions", { count: 3, rooms });
        await ours.ask("reply", { reply: "use" });
        const state = await ours.running();
        t.check("it goes on with it, and stores all", isRunning(state) && state.trusted.version === next, state);
        const diagnosis = await ours.diagnosis(theirs.recoveryKey);
        t.check("nothing is wrong with the account", diagnosis.is_well, diagnosis);
    });

    scenario(`theirs_deletes_the_backup_while_ours_${while_}`, async (t, Theirs) => {
        const { theirs, ours, rooms } = await both(t, Theirs);
        await theirs.deleteBackup();
        if (isOff) await ours.ask("restart_machine");
        await ours.ask("add_sessions", { count: 2, rooms });
        const asked = await ours.asked("Changed");
        t.check("ours asks, and there is none", changed(asked) && !changed(asked).found, asked);
        const { findings } = await ours.diagnosis(theirs.recoveryKey);
        t.check("the diagnosis says so", findings.some(({ code }) => code.startsWith("backup.")), findings);
        await ours.ask("reply", { reply: "create" });
        const state = await ours.running();
        t.check("it makes a new one, with all", isRunning(state), state);
        await until("theirs uses it", () => theirs.notices(state.trusted?.version));
        const { is_well, findings: after } = await ours.diagnosis(theirs.recoveryKey);
        t.check("nothing is wrong with the account", is_well, after);
    });
}

scenario("theirs_resets_the_identity_while_ours_runs", async (t, Theirs) => {
    const { theirs, ours } = await both(t, Theirs);
    await theirs.resetIdentity();
    await until("a new backup", () => server.backup(ours.token));
    const asked = await ours.runUntil((state) => changed(state)?.found?.problem);
    t.check("ours does not trust the new backup under the old master key", changed(asked)?.found?.problem, asked);
    const refused = await ours.ask("reply", { reply: "use" }).catch((error) => error);
    t.check("it is not used", refused instanceof Error, refused);
    const { findings } = await ours.diagnosis();
    t.check("the diagnosis names it a danger", findings.some(({ severity }) => severity === "danger"), findings);
});

scenario("theirs_changes_the_default_key_while_ours_runs", async (t, Theirs) => {
    const { account, theirs, ours } = await both(t, Theirs);
    const old = theirs.recoveryKey;
    const key = await theirs.changeKey("another one");
    await ours.ask("run_machine", { ms: 3_000 });
    const state = await ours.running();
    t.check("the machine goes on", isRunning(state), state);
    const before = await ours.diagnosis(old);
    const isDanger = before.findings.some(({ severity }) => severity === "danger");
    t.check("the old key is named, and is no danger", before.findings.length > 0 && !isDanger, before);
    const diagnosis = await ours.diagnosis(key);
    t.check("nothing is wrong with the new one", diagnosis.is_well, diagnosis);
    const another = t.using(await Ours.logIn(account, "ANOTHER"));
    const got = await another.ask("recover", { typed: "another one" });
    t.check("ours recovers by the new passphrase", got.fetched?.is_everything && got.secrets.every((it) => it.is_open), got);
});

scenario("theirs_disables_the_backup_while_ours_runs", async (t, Theirs) => {
    const { theirs, ours, rooms } = await both(t, Theirs);
    await theirs.disable();
    await ours.ask("add_sessions", { count: 2, rooms });
    const asked = await ours.asked("Changed");
    t.check("ours asks, and there is none", changed(asked) && !changed(asked).found, asked);
    const { "m.key_backup": standard } = await server.accountData(ours.token);
    if (standard) t.check("it says that the user wants none", changed(asked)?.preference === false, asked);
    const { findings } = await ours.diagnosis();
    t.check("the diagnosis is no alarm", !findings.some(({ severity }) => severity === "danger"), findings);
    await ours.ask("reply", { reply: "stop" });
    const state = await ours.runUntil(({ stage }) => stage === "Off");
    t.check("Stop leaves it off", state.stage === "Off" && !(await server.backup(ours.token)), state);
});

scenario("ours_rotates_the_backup_while_theirs_runs", async (t, Theirs) => {
    const { account, theirs, ours, version } = await both(t, Theirs);
    await ours.ask("rotate");
    const state = await ours.runUntil((it) => isRunning(it) && it.trusted.version !== version);
    const next = state.trusted?.version;
    t.check("ours has a new version with all", isRunning(state) && next !== version, state);
    await until("theirs notices", () => theirs.notices(next));
    const another = t.using(await Theirs.logIn(account, "ANOTHER"));
    const got = await another.recover(theirs.recoveryKey);
    t.check("a new device of theirs opens it", got.trusted && got.version === next, got);
    const unlike = difference(await ours.sessions(), await another.sessions());
    t.check("the sessions are equal", !unlike, unlike);
});

scenario("ours_rotates_everything_while_theirs_runs", async (t, Theirs) => {
    const { account, theirs, ours } = await both(t, Theirs);
    const made = await ours.ask("rotate_everything", { passphrase: "brand new" });
    const state = await ours.running();
    t.check("ours runs on the new version", isRunning(state) && state.trusted.version === made.trusted.version, state);
    const another = t.using(await Theirs.logIn(account, "ANOTHER"));
    const got = await another.recover("brand new");
    t.check("a new device of theirs recovers by the new passphrase", got.trusted && got.hasCrossSigning, got);
    const unlike = difference(await ours.sessions(), await another.sessions());
    t.check("the sessions are equal, the shared history too", !unlike, unlike);
    const outdated = t.using(await Theirs.logIn(account, "OUTDATED"));
    const refused = await outdated.recover(theirs.recoveryKey).catch((error) => error);
    t.check("the old recovery key opens nothing", refused instanceof Error, refused);
    const diagnosis = await ours.diagnosis(made.recovery_key);
    t.check("nothing is wrong with the account", diagnosis.is_well, diagnosis);
});

scenario("ours_disables_the_backup_while_theirs_runs", async (t, Theirs) => {
    const { theirs, ours } = await both(t, Theirs);
    await ours.ask("disable");
    const off = await ours.runUntil(({ stage }) => stage === "Off");
    t.check("ours is off, and no version is left", off.stage === "Off" && !(await server.backup(ours.token)), off);
    await until("theirs notices", () => theirs.notices(undefined));
    const { "m.key_backup": standard } = await server.accountData(ours.token);
    t.check("the account says that the user wants none", standard?.enabled === false, standard);
    const next = await theirs.resetBackup();
    await ours.ask("enable");
    const state = await ours.running();
    const isUsed = isRunning(state) && state.trusted.version === next;
    t.check("it goes on with the one that theirs makes, since its user wants one again", isUsed, state);
});
