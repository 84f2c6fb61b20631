// Scenarios and their rows.
const scenarios = [];

/** `run` gets the checks, and the class of the other client; one row is printed for all of its checks. */
export const scenario = (name, run) => scenarios.push({ name, run });

class Checks {
    passed = 0;
    failed = [];
    notes = [];
    open = [];

    check(what, isTrue, evidence) {
        if (isTrue) this.passed += 1;
        else this.failed.push(evidence === undefined ? what : `${what}: ${short(evidence)}`);
        return isTrue;
    }

    /** What of it is not tried here, and why. */
    note(text) {
        if (!this.notes.includes(text)) this.notes.push(text);
    }

    /** Stops a device at the end, however that comes. */
    using(device) {
        this.open.push(device);
        return device;
    }
}

/** Runs those that are wanted, a few at once: most of the time they wait. Returns whether none has failed. */
export async function runAll(Theirs, { server, only, atOnce }) {
    const wanted = scenarios.filter(({ name }) => `${name} ${Theirs.client} ${server}`.includes(only));
    let isGood = true;
    const work = async () => {
        for (let next = wanted.shift(); next; next = wanted.shift()) isGood = (await one(next, Theirs, server)) && isGood;
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return isGood;
}

async function one({ name, run }, Theirs, server) {
    const [checks, start] = [new Checks(), Date.now()];
    try {
        await within(PATIENCE_MS, run(checks, Theirs));
    } catch (error) {
        checks.failed.push(process.env.INTEROP_VERBOSE ? error.stack : String(error.message ?? error));
    }
    for (const device of checks.open) await Promise.resolve(device.stop()).catch(() => {});
    const seconds = `${((Date.now() - start) / 1000).toFixed(0)} s`;
    const isGood = checks.failed.length === 0;
    const verdict = !isGood ? "FAIL" : checks.passed === 0 ? "SKIP" : "PASS";
    const passed = verdict === "PASS" ? [`${checks.passed} checks`] : [];
    const detail = [...checks.failed, ...passed, ...checks.notes, seconds];
    process.stdout.write(`${verdict} ${name} ${Theirs.client} ${server} ${detail.join("; ").replaceAll("\n", " ")}\n`);
    return isGood;
}

async function within(ms, promise) {
    let timer;
    const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`it took more than ${ms / 1000} s`)), ms)));
    await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function short(evidence) {
    const text = evidence instanceof Error ? evidence.message : typeof evidence === "string" ? evidence : JSON.stringify(evidence);
    return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

const PATIENCE_MS = 300_000;
