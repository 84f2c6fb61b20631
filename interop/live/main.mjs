// Runs the scenarios with one client over one homeserver: `interop/run` starts it. They are JavaScript since matrix-js-sdk, which most
// users have, runs in the process that asks; devices of other makes are processes of their own that are asked from here.
const { INTEROP_CLIENT: client, INTEROP_SERVER: server, INTEROP_ONLY: only = "", INTEROP_AT_ONCE: atOnce = "2" } = process.env;
const { Theirs } = await import(`./clients/${client}.mjs`);
const all = [
  "recover_from_ours", "recover_from_theirs", "share_secrets", "verify", "change", "complete", "account_data", "rescue", "repair", "secrets_bundle",
];
for (const topic of client === "mautrix" ? ["account_data_of_mautrix"] : all) await import(`./scenarios/${topic}.mjs`);
const { runAll } = await import("./support/report.mjs");
process.exit((await runAll(Theirs, { server, only, atOnce: Number(atOnce) })) ? 0 : 1);
