// Devices made trusted with the recovery key.
import { Ours } from "../support/ours.mjs";
import { Program } from "../support/program.mjs";
import { scenario } from "../support/report.mjs";
import { server } from "../support/server.mjs";
import { first } from "../support/theirs.mjs";
import { until } from "../support/wait.mjs";

scenario("ours_verifies_itself_with_the_recovery_key", async (t, Theirs) => {
    const { account, theirs } = await first(t, Theirs);
    // Nobody has told it which master key is the user's.
    const ours = t.using(await Ours.logIn(account, "OURS", { pins: false }));
    await until("theirs knows our device", async () => (await theirs.isSigned("OURS")) === false);
    await ours.ask("recover", { typed: theirs.recoveryKey });
    const done = await ours.ask("verify_itself");
    t.check("the homeserver takes both signatures", done.refused === null, done);
    t.check("theirs sees our device as verified", await until("verified", () => theirs.sees("OURS")));
    const signers = Object.keys(await server.signersOfMasterKey(theirs.token, account.user));
    t.check("our device has signed the master key", signers.includes("ed25519:OURS"), signers);
});

scenario("the_program_verifies_a_device_of_theirs", async (t, Theirs) => {
    const { account, theirs } = await first(t, Theirs);
    const next = t.using(await Theirs.logIn(account, "NEXT"));
    t.check("a new device sees no signature", !(await next.isSigned("NEXT")));
    const program = t.using(new Program());
    const who = ["--user", account.user, "--homeserver", server.url, "--password-file", program.file("a.txt", account.password)];
    const key = ["--recovery-key-file", program.file("key.txt", theirs.recoveryKey)];
    const device = ["--device", "NEXT", "--fingerprint", await next.fingerprint(), "--yes"];
    const report = JSON.parse(await program.run("verify-device", ...who, ...key, ...device, "--json"));
    t.check("the program sees it as verified", report.outcome === "verified", report);
    t.check("the device sees the signature itself", await until("signed", () => next.isSigned("NEXT")));
    t.check("the first device sees it as verified", await until("verified", () => theirs.sees("NEXT")));
    t.check("no device of the program stays", (await server.devices(theirs.token)).length === 2);
});
