// Secret storage that ours has written and mautrix opens, and the other way round.
import { isRunning, Ours } from "../support/ours.mjs";
import { scenario } from "../support/report.mjs";
import { server } from "../support/server.mjs";

const BACKUP_KEY = "m.megolm_backup.v1";
const PASSPHRASE = "correct horse ünï";

scenario("ours_sets_up_and_theirs_opens_every_secret", async (t, Theirs) => {
    const account = await server.account();
    const ours = t.using(await Ours.first(account));
    const made = await ours.ask("set_up", { passphrase: PASSPHRASE });
    await ours.ask("recover", { typed: made.recovery_key });
    const theirs = await Theirs.logIn(account, "THEIRS");
    t.check("it signs itself by the recovery key", (await theirs.verify(made.recovery_key)) === ours.master);
    const opened = await (await Theirs.logIn(account, "BYPASSPHRASE")).secrets(PASSPHRASE);
    for (const [name, text] of Object.entries(await ours.ask("secrets"))) {
        t.check(`it reads ${name} by passphrase`, opened[name] === text.replace(/=+$/, ""), opened[name]);
    }
    const diagnosis = await ours.diagnosis(made.recovery_key);
    t.check("nothing is wrong with the account", diagnosis.is_well, diagnosis);
});

scenario("theirs_sets_up_and_ours_completes_it", async (t, Theirs) => {
    const account = await server.account();
    const theirs = await Theirs.logIn(account, "THEIRS");
    const recoveryKey = await theirs.generate();
    const before = await server.accountData(theirs.token);
    const ours = t.using(await Ours.logIn(account, "OURS"));
    await ours.ask("recover", { typed: recoveryKey });
    await ours.ask("verify_device", { device: "OURS" });
    const made = await ours.ask("complete");
    t.check("it makes a backup, and shows no other key", made.trusted && !made.recovery_key, made);
    const after = await server.accountData(theirs.token);
    const unlike = Object.keys(before).filter((type) => JSON.stringify(before[type]) !== JSON.stringify(after[type]));
    t.check("what they wrote is as it was", unlike.length === 0, unlike);
    const diagnosis = await ours.diagnosis(recoveryKey);
    t.check("nothing is wrong with the account", diagnosis.is_well, diagnosis);
});

for (const passphrase of [undefined, PASSPHRASE]) {
    scenario(`theirs_sets_up_with_a_${passphrase ? "passphrase" : "drawn_key"}_and_ours_adds_a_backup`, async (t, Theirs) => {
        const account = await server.account();
        const theirs = await Theirs.logIn(account, "THEIRS");
        const recoveryKey = await theirs.generate(passphrase);
        const before = await server.accountData(theirs.token);
        const ours = t.using(await Ours.logIn(account, "OURS"));
        const got = await ours.ask("recover", { typed: passphrase ?? recoveryKey });
        const isWhole = ({ is_open, belongs_to_public_key }) => is_open && belongs_to_public_key;
        t.check("every secret opens", got.secrets.length >= 3 && got.secrets.every(isWhole), got.secrets);
        await ours.ask("verify_device", { device: "OURS" });
        await ours.ask("start_machine");
        await ours.ask("add_sessions", { count: 3, rooms: ["!room:localhost"] });
        await ours.asked("SetUp");
        await ours.ask("reply", { reply: "create" });
        const state = await ours.running();
        t.check("it makes a backup in their storage", isRunning(state), state);
        const after = await server.accountData(theirs.token);
        const unlike = Object.keys(before).filter((type) => JSON.stringify(before[type]) !== JSON.stringify(after[type]));
        t.check("what they wrote is as it was", unlike.length === 0, unlike);
        const diagnosis = await ours.diagnosis(recoveryKey);
        t.check("nothing is wrong with the account", diagnosis.is_well, diagnosis);
        const again = await Theirs.logIn(account, "AGAIN");
        t.check("they sign another device by their key", await again.verify(recoveryKey));
        if (passphrase) {
            await ours.ask("recover", { typed: passphrase });
            const [read, stored] = [await again.secrets(passphrase), await ours.ask("secrets")];
            t.check("they read the backup's key", read[BACKUP_KEY] === stored[BACKUP_KEY].replace(/=+$/, ""), read);
        }
    });
}
