// Secrets over Olm, from one device of the user to another.
import { Ours } from "../support/ours.mjs";
import { scenario } from "../support/report.mjs";
import { server } from "../support/server.mjs";
import { difference } from "../support/sessions.mjs";
import { first } from "../support/theirs.mjs";
import { until } from "../support/wait.mjs";

const BACKUP_KEY = "m.megolm_backup.v1";
const NAMES = [BACKUP_KEY, "m.cross_signing.master", "m.cross_signing.self_signing", "m.cross_signing.user_signing"];

scenario("theirs_shares_secrets_with_ours", async (t, Theirs) => {
    const { account, theirs } = await first(t, Theirs);
    const ours = t.using(await Ours.logIn(account, "OURS"));
    const refused = await theirs.during(ours.ask("ask_for_secrets", { names: [BACKUP_KEY], ms: 3_000 }));
    t.check("a device that is not verified gets nothing", refused.secrets.length === 0, refused);
    await theirs.verify("OURS");
    const got = await theirs.during(ours.ask("ask_for_secrets", { names: NAMES, ms: 20_000 }));
    t.check("ours has every secret", got.secrets.length === 4 && got.missing.length === 0, got);
    await ours.ask("fetch_everything");
    await ours.ask("run_machine", { ms: 2_000 });
    const unlike = difference(await theirs.sessions(), await ours.sessions());
    t.check("ours opens the backup with it", !unlike, unlike);
});

scenario("ours_shares_secrets_with_theirs", async (t, Theirs) => {
    if (!Theirs.prototype.askForSecrets) return t.note("it asks only after a verification by emoji, which this device of ours has not");
    const account = await server.account();
    const ours = t.using(await Ours.first(account));
    const { recovery_key: typed } = await ours.ask("set_up");
    await ours.ask("recover", { typed });
    await ours.ask("add_sessions", { count: 5, rooms: await server.rooms(ours.token, 1) });
    await ours.running();
    const theirs = t.using(await Theirs.logIn(account, "THEIRS"));
    await theirs.askForSecrets();
    const refused = await ours.ask("answer_requests", { ms: 2_000 });
    t.check("a device that is not verified gets nothing", !refused.some((it) => it.startsWith("sent")), refused);
    await ours.ask("verify_device", { device: "THEIRS" });
    await until("it knows", () => theirs.sees("THEIRS"));
    await theirs.askForSecrets();
    const log = await ours.ask("answer_requests", { ms: 5_000 });
    const have = await until("theirs has the secrets", () => theirs.secrets(), 10_000).catch((error) => error);
    const want = (await ours.ask("secrets"))[BACKUP_KEY].replace(/=+$/, "");
    t.check("theirs has every secret", have === want, log);
});
