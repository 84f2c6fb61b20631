// A device of ours.
import { Driven } from "./driven.mjs";
import { server } from "./server.mjs";
import { until } from "./wait.mjs";

export class Ours extends Driven {
    static async logIn(account, device, { pins = true } = {}) {
        const ours = new Ours("strongroom", process.env.INTEROP_OURS);
        Object.assign(ours, account, { device });
        ours.token = (await ours.ask("log_in", { homeserver: server.url, ...account, device })).token;
        if (pins) await ours.ask("pin_master_key");
        return ours;
    }

    /** A new account, whose cross-signing keys are ours. */
    static async first(account) {
        const ours = await Ours.logIn(account, "OURS", { pins: false });
        ours.master = await ours.ask("cross_sign");
        return ours;
    }

    /** A device that has recovered, verified itself, and goes on with the backup. */
    static async recovered(account, typed, device = "OURS") {
        const ours = await Ours.logIn(account, device);
        await ours.ask("recover", { typed });
        await ours.ask("verify_device", { device });
        await ours.ask("start_machine");
        await ours.running();
        return ours;
    }

    sessions() {
        return this.ask("export_sessions");
    }

    /** Lets the machine work until this is true of it; what it says last if that never happens. */
    async runUntil(isTrue, patience = 20_000) {
        const end = Date.now() + patience;
        for (;;) {
            const state = await this.ask("run_machine", { ms: 300 });
            if (isTrue(state) || Date.now() > end) return state;
        }
    }

    /** The backup is in use and has every session. */
    running() {
        return this.runUntil(({ stage, not_stored }) => stage === "Running" && not_stored === 0);
    }

    /** The user is to be asked. */
    asked(question) {
        return this.runUntil(({ open }) => open.some((it) => it.question === question));
    }

    diagnosis(typed) {
        return until("a diagnosis", () => this.ask("diagnose", { typed }));
    }
}

export const isRunning = ({ stage, not_stored }) => stage === "Running" && not_stored === 0;
