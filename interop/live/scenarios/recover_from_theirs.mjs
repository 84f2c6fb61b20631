// Theirs sets up and uploads; ours recovers on a new device, and goes on with the backup.
import { isRunning, Ours } from "../support/ours.mjs";
import { scenario } from "../support/report.mjs";
import { server } from "../support/server.mjs";
import { difference } from "../support/sessions.mjs";
import { until } from "../support/wait.mjs";
import { first } from "../support/theirs.mjs";

async function recover(t, { account, theirs }, device, typed) {
    const ours = t.using(await Ours.logIn(account, device));
    const got = await ours.ask("recover", { typed });
    t.check(`${device}: every secret opens`, got.secrets.length === 4 && got.secrets.every((it) => it.is_open), got.secrets);
    const keys = got.secrets.filter(({ name }) => name.startsWith("m.cross_signing."));
    t.check(`${device}: the seeds are of the user's keys`, keys.every((it) => it.belongs_to_public_key), keys);
    t.check(`${device}: it restores everything`, got.fetched?.is_everything, got);
    t.check(`${device}: it trusts the backup`, got.trusted, got);
    const unlike = difference(await theirs.sessions(), await ours.sessions());
    t.check(`${device}: the sessions are equal`, !unlike, unlike);
    const diagnosis = await ours.diagnosis(typed);
    t.check(`${device}: nothing is wrong with the account`, diagnosis.is_well, diagnosis);
    return ours;
}

async function goOn(t, Theirs, { account, theirs, rooms }, ours) {
    await ours.ask("verify_device", { device: "BYKEY" });
    t.check("theirs sees our device as verified", await until("verified", () => theirs.sees("BYKEY")));
    await ours.ask("start_machine");
    await ours.ask("add_sessions", { count: 5, rooms });
    const state = await ours.running();
    t.check("ours adds to the backup", isRunning(state), state);
    const third = t.using(await Theirs.logIn(account, "THIRD"));
    await third.recover(theirs.recoveryKey);
    const unlike = difference(await ours.sessions(), await third.sessions());
    t.check("a third device of theirs has the sessions of both", !unlike, unlike);
}

scenario("theirs_sets_up_and_ours_recovers_by_recovery_key_and_passphrase", async (t, Theirs) => {
    const made = await first(t, Theirs, { passphrase: "correct horse ünï" });
    const ours = await recover(t, made, "BYKEY", made.theirs.recoveryKey);
    await recover(t, made, "BYPASSPHRASE", "correct horse ünï");
    await goOn(t, Theirs, made, ours);
});

scenario("theirs_sets_up_with_a_drawn_key_and_ours_recovers", async (t, Theirs) => {
    const made = await first(t, Theirs);
    await recover(t, made, "BYKEY", made.theirs.recoveryKey);
});
