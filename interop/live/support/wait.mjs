// Waiting for what another program does in its own time.
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until the answer is truthy, and returns it. */
export async function until(what, ask, patience = 30_000) {
    const end = Date.now() + patience;
    let last;
    for (;;) {
        try {
            const answer = await ask();
            if (answer) return answer;
        } catch (error) {
            last = error;
        }
        if (Date.now() > end) throw new Error(`it never came true: ${what}${last ? ` (${last.message ?? last})` : ""}`);
        await sleep(150);
    }
}
