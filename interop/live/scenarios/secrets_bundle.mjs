// Everything that a new device needs, in one object.
import { readFileSync } from "node:fs";
import { Program } from "../support/program.mjs";
import { scenario } from "../support/report.mjs";
import { server } from "../support/server.mjs";
import { first } from "../support/theirs.mjs";

const NONE = "no secrets bundle is tried with it";

scenario("the_program_exports_a_bundle_that_theirs_imports", async (t, Theirs) => {
    if (!Theirs.prototype.importBundle) return t.note(NONE);
    const { account, theirs } = await first(t, Theirs);
    const program = t.using(new Program());
    const [key, password] = [program.file("key.txt", theirs.recoveryKey), program.file("password.txt", account.password)];
    const who = ["--user", account.user, "--homeserver", server.url, "--password-file", password];
    const file = program.file("bundle.json");
    await program.run("bundle", "export", ...who, "--recovery-key-file", key, "--out", file);
    const ours = JSON.parse(readFileSync(file, "utf8"));
    const next = t.using(await Theirs.logIn(account, "NEXT"));
    const imported = await next.importBundle(ours);
    t.check("it has every cross-signing key", imported.hasCrossSigning, imported);
    t.check("it has the key of the backup, and trusts it", imported.trusted, imported);
    t.check("the first device sees it as verified", await theirs.becomesVerified("NEXT"));
    t.check("it exports the same", same(await next.exportBundle(), ours));
});

scenario("theirs_exports_a_bundle_that_the_program_checks_and_rescues_with", async (t, Theirs) => {
    if (!Theirs.prototype.exportBundle) return t.note(NONE);
    const { account, theirs } = await first(t, Theirs);
    const program = t.using(new Program());
    const password = program.file("password.txt", account.password);
    const who = ["--user", account.user, "--homeserver", server.url, "--password-file", password];
    const bundle = program.file("bundle.json", JSON.stringify(await theirs.exportBundle()));
    const said = await program.run("bundle", "check", "--in", bundle, ...who);
    t.check("all of it is that of the account", !/\bnot\b|\bbut\b|of no/.test(said), said);
    const [login, snapshot, keys] = ["login.json", "snapshot", "keys.json"].map((name) => program.file(name));
    await program.run("login", ...who, "--to", login);
    await program.run("fetch", "--login", login, "--to", snapshot);
    const out = ["--format", "json", "--out", keys, "--json"];
    const report = JSON.parse(await program.run("rescue", "--from", snapshot, "--from", bundle, ...out));
    t.check("its key opens everything", report.complete && report.failed === 0 && report.restored > 0, report);
    await program.run("logout", "--login", login);
});

const same = (one, other) => JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));

/** The same with its members in one order. */
const sorted = (value) =>
    value && typeof value === "object" ? Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])])) : value;
