// Account data that one side has written and the other writes anew: no member is lost that the other needs.
import { randomBytes } from "node:crypto";
import { Ours } from "../support/ours.mjs";
import { scenario } from "../support/report.mjs";
import { server } from "../support/server.mjs";
import { difference } from "../support/sessions.mjs";
import { first } from "../support/theirs.mjs";
import { until } from "../support/wait.mjs";

const DEFAULT = "m.secret_storage.default_key";
const PREFERENCE = "m.key_backup";
const OLD_PREFERENCE = "m.org.matrix.custom.backup_disabled";
const described = (id) => `m.secret_storage.key.${id}`;
const SECRETS = ["m.megolm_backup.v1", "m.cross_signing.master", "m.cross_signing.self_signing", "m.cross_signing.user_signing"];

/** What the other client has stored in the account beside what everybody knows. */
async function addForeign({ theirs, account: { user } }) {
    const { token } = theirs;
    await theirs.storeSecret("org.matrix.msc3814", randomBytes(32).toString("base64").replace(/=+$/, ""));
    await theirs.storeSecret("com.example.mine", "some text of mine ünï");
    await server.putEvent(token, user, OLD_PREFERENCE, { disabled: false, extra: 1 });
    await server.putEvent(token, user, PREFERENCE, { enabled: true, extra: { a: 1 } });
    const { key } = await server.event(token, user, DEFAULT);
    const description = await server.event(token, user, described(key));
    const more = { ...description, name: "My key", "com.example.extra": { b: [1, 2] } };
    await server.putEvent(token, user, described(key), more);
    return more;
}

scenario("ours_recovers_and_changes_nothing_that_theirs_has_written", async (t, Theirs) => {
    const made = await first(t, Theirs, { passphrase: "correct horse" });
    await addForeign(made);
    const { account, theirs } = made;
    const [before, backup] = [await server.accountData(theirs.token), await server.backup(theirs.token)];
    const ours = t.using(await Ours.logIn(account, "OURS"));
    const got = await ours.ask("recover", { typed: "correct horse" });
    t.check("every secret opens, those of other makes too", got.secrets.every((it) => it.is_open), got.secrets);
    const after = await server.accountData(theirs.token);
    const unlike = Object.keys(before).filter((type) => JSON.stringify(before[type]) !== JSON.stringify(after[type]));
    t.check("no account data has changed", unlike.length === 0, unlike);
    const { auth_data } = await server.backup(theirs.token);
    t.check("nor has auth_data", JSON.stringify(auth_data) === JSON.stringify(backup.auth_data), auth_data);
    await ours.ask("store_secret", { name: "org.example.ours", value: "hello ünï" });
    const read = await until("it comes", () => theirs.secret("org.example.ours"));
    t.check("theirs reads what ours stores", read === "hello ünï", read);
    const diagnosis = await ours.diagnosis("correct horse");
    t.check("nothing is wrong with the account", diagnosis.is_well, diagnosis);
});

scenario("ours_rotates_everything_and_keeps_what_theirs_needs", async (t, Theirs) => {
    const made = await first(t, Theirs, { passphrase: "correct horse" });
    const foreign = await addForeign(made);
    const { account, theirs } = made;
    const { key: old } = await server.event(theirs.token, account.user, DEFAULT);
    const ours = t.using(await Ours.recovered(account, "correct horse"));
    const { recovery_key: key } = await ours.ask("rotate_everything", { passphrase: "brand new" });
    await ours.running();
    const after = await server.accountData(theirs.token);
    const [preference, older] = [after[PREFERENCE], after[OLD_PREFERENCE]];
    t.check("the preference keeps its other members", preference?.extra?.a === 1 && preference.enabled === true, preference);
    t.check("so does the older one", older?.extra === 1 && older.disabled === false, older);
    const left = after[described(old)];
    const isWhole = JSON.stringify(left) === JSON.stringify(foreign);
    t.check("the old key's description is whole or gone", isWhole || Object.keys(left ?? {}).length === 0, left);
    const another = t.using(await Theirs.logIn(account, "ANOTHER"));
    const got = await another.recover("brand new");
    t.check("theirs recovers", got.trusted && got.hasCrossSigning, got);
    for (const name of [...SECRETS, "org.matrix.msc3814", "com.example.mine"]) {
        t.check(`theirs reads ${name}`, await another.secret(name, key).catch(() => undefined));
    }
});

scenario("key_ids_with_slash_plus_and_equals_sign", async (t, Theirs) => {
    const { account, theirs } = await first(t, Theirs, { passphrase: "correct horse" });
    const id = "a/b+c==";
    await rename(theirs, id);
    const ours = t.using(await Ours.logIn(account, "OURS"));
    const got = await ours.ask("recover", { typed: "correct horse" });
    t.check("ours recovers", got.secrets.length === 4 && got.secrets.every((it) => it.is_open), got.secrets);
    await ours.ask("store_secret", { name: "org.example.ours", value: "hello" });
    const stored = await server.event(theirs.token, account.user, "org.example.ours");
    t.check("ours stores under that key", Object.keys(stored.encrypted)[0] === id, stored);
    const another = t.using(await Theirs.logIn(account, "ANOTHER"));
    const recovered = await another.recover("correct horse");
    t.check("theirs recovers", recovered.trusted && recovered.everything, recovered);
    const unlike = difference(await ours.sessions(), await another.sessions());
    t.check("the sessions are equal", !unlike, unlike);
});

scenario("several_keys_and_theirs_adds_the_second", async (t, Theirs) => {
    const { account, theirs } = await first(t, Theirs, { passphrase: "the first" });
    const old = theirs.recoveryKey;
    const ours = t.using(await Ours.recovered(account, old));
    await theirs.changeKey("the second");
    const outdated = t.using(await Ours.logIn(account, "OUTDATED"));
    const refused = await outdated.ask("recover", { typed: old }).catch((error) => error);
    const { findings } = await outdated.diagnosis(old);
    t.check("an outdated key is refused, or named", refused instanceof Error || findings.length > 0, findings);
    const another = t.using(await Ours.logIn(account, "ANOTHER"));
    const got = await another.ask("recover", { typed: "the second" });
    t.check("ours recovers by the second", got.secrets.length === 4 && got.secrets.every((it) => it.is_open), got.secrets);
    const unlike = difference(await ours.sessions(), await another.sessions());
    t.check("the sessions are equal", !unlike, unlike);
});

/** Gives the storage key of an account another ID, which no client draws and the specification allows. */
async function rename({ token, user }, id) {
    const data = await server.accountData(token);
    const { key: old } = data[DEFAULT];
    await server.putEvent(token, user, described(id), data[described(old)]);
    for (const [type, { encrypted }] of Object.entries(data)) {
        if (encrypted?.[old]) await server.putEvent(token, user, type, { encrypted: { [id]: encrypted[old] } });
    }
    await server.putEvent(token, user, DEFAULT, { key: id });
}
