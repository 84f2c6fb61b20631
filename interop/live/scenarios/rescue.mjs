// Theirs sets up and uploads; the program fetches, rescues and writes a key file; theirs imports it into another account.
import { Program } from "../support/program.mjs";
import { scenario } from "../support/report.mjs";
import { server } from "../support/server.mjs";
import { difference } from "../support/sessions.mjs";
import { first } from "../support/theirs.mjs";

async function check(t, Theirs, theirs, file) {
    const other = t.using(await Theirs.logIn(await server.account(), "NEXT"));
    await other.importFile(file, EXPORT);
    const unlike = difference(await theirs.sessions(), await other.sessions());
    t.check("another account has exactly the sessions of the first", !unlike, unlike);
}

scenario("the_program_fetches_and_rescues_what_theirs_imports", async (t, Theirs) => {
    const { account, theirs } = await first(t, Theirs);
    const program = t.using(new Program());
    const [login, snapshot, keys, direct] = ["login.json", "snapshot", "a.txt", "b.txt"].map((name) => program.file(name));
    const key = ["--recovery-key-file", program.file("key.txt", theirs.recoveryKey)];
    const out = ["--export-passphrase-file", program.file("export.txt", EXPORT), "--rounds", "100000", "--json"];
    const password = program.file("password.txt", account.password);
    const who = ["--user", account.user, "--homeserver", server.url, "--password-file", password];

    await program.run("login", ...who, "--to", login);
    await program.run("fetch", "--login", login, "--to", snapshot);
    const report = JSON.parse(await program.run("rescue", "--from", snapshot, ...key, "--out", keys, ...out));
    t.check("everything is rescued", report.complete && report.failed === 0, report);
    await check(t, Theirs, theirs, keys);
    await program.run("secrets", "--from", snapshot, ...key);
    await program.run("logout", "--login", login);
    t.check("the login is gone", (await server.devices(theirs.token)).length === 1);

    // The same without a file in between.
    await program.run("rescue", ...who, ...key, "--out", direct, ...out);
    t.check("no device stays", (await server.devices(theirs.token)).length === 1);
    await check(t, Theirs, theirs, direct);
});

scenario("the_program_uploads_what_theirs_restores_in_another_account", async (t, Theirs) => {
    const { account, theirs } = await first(t, Theirs);
    const next = await server.account();
    const other = t.using(await Theirs.logIn(next, "OTHER"));
    await other.setUp();
    const program = t.using(new Program());
    const who = ({ user, password }, name) =>
        ["--user", user, "--homeserver", server.url, "--password-file", program.file(name, password)];
    const [login, snapshot] = ["login.json", "snapshot"].map((name) => program.file(name));
    const key = (it, name) => ["--recovery-key-file", program.file(name, it.recoveryKey)];
    await program.run("login", ...who(account, "a.txt"), "--to", login);
    await program.run("fetch", "--login", login, "--to", snapshot);

    const upload = ["upload", "--from", snapshot, ...who(next, "b.txt"), ...key(theirs, "from.txt"), ...key(other, "to.txt"), "--json"];
    const report = JSON.parse(await program.run(...upload));
    const expected = await theirs.sessions();
    t.check("everything is stored", report.stored === expected.length && report.count === report.stored, report);
    const again = JSON.parse(await program.run(...upload));
    t.check("nothing is stored twice", again.stored === 0 && again.already_there === expected.length, again);
    const restored = t.using(await Theirs.logIn(next, "NEXT"));
    await restored.recover(other.recoveryKey);
    const unlike = difference(expected, await restored.sessions());
    t.check("the other account restores exactly these", !unlike, unlike);
    t.check("no device of the program stays", (await server.devices(restored.token)).length === 2);
});

const EXPORT = "gr\u00fc\u00dfe";
