// The stored key of the backup is another one. The repair of theirs deletes every version; ours loses nothing.
import { Program } from "../support/program.mjs";
import { scenario } from "../support/report.mjs";
import { server } from "../support/server.mjs";
import { difference } from "../support/sessions.mjs";
import { first } from "../support/theirs.mjs";

/** An account whose only device is gone, and what its user has: the recovery key, and an old copy of the key of the backup. */
async function mismatched(t, Theirs) {
    const { account, theirs } = await first(t, Theirs);
    const sessions = await theirs.sessions();
    const { recoveryKey } = theirs;
    const oldKey = await theirs.secret("m.megolm_backup.v1");
    await theirs.storeSecret("m.megolm_backup.v1", Buffer.alloc(32, 7).toString("base64"));
    await theirs.stop();
    return { account, recoveryKey, oldKey, sessions };
}

scenario("the_program_repairs_what_the_repair_of_theirs_would_delete", async (t, Theirs) => {
    if (!Theirs.prototype.recoverAndFix) return t.note("it repairs nothing by itself");
    const lost = await mismatched(t, Theirs);
    const fixed = t.using(await Theirs.logIn(lost.account, "FIXED"));
    await fixed.recoverAndFix(lost.recoveryKey);
    const { count } = await server.backup(fixed.token);
    t.check("their repair leaves no session", count === 0, count);

    const kept = await mismatched(t, Theirs);
    const program = t.using(new Program());
    const [login, folder, said] = ["login.json", "repair", "said.txt"].map((name) => program.file(name));
    const password = program.file("password.txt", kept.account.password);
    const key = program.file("key.txt", kept.recoveryKey);
    const old = program.file("old.txt", kept.oldKey);
    await program.run("login", "--user", kept.account.user, "--homeserver", server.url, "--password-file", password, "--to", login);
    await program.run("repair", "--login", login, "--recovery-key-file", key, "--recovery-key-file", old, "--to", folder);
    await program.run("apply", folder, "--login", login, "--yes");
    await program.run("logout", "--login", login);
    const next = t.using(await Theirs.logIn(kept.account, "NEXT"));
    const recovered = await next.recover(kept.recoveryKey);
    t.check("a new device trusts the backup", recovered.trusted, recovered);
    const unlike = difference(kept.sessions, await next.sessions());
    t.check("a new device has every session", !unlike, unlike);
});
