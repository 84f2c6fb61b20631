// Stands before the in-memory homeserver and answers what matrix-js-sdk needs and the homeserver does not know, as long as
// it does not. It goes once the homeserver answers for itself.
import http from "node:http";

const target = process.argv[2];

/** What is said where the homeserver says that it does not know a path. */
const answers = [
    [/\/v3\/pushrules/, () => ({ global: { override: [], content: [], room: [], sender: [], underride: [] } })],
    [/\/v3\/user\/[^/]+\/filter/, ({ method }) => (method === "POST" ? { filter_id: STORED_FILTER } : {})],
    [/\/v3\/capabilities$/, () => ({ capabilities: {} })],
];

const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    try {
        const { status, text } = await answer(request, Buffer.concat(chunks));
        response.writeHead(status, { "Content-Type": "application/json" }).end(text);
    } catch {
        response.writeHead(502, { "Content-Type": "application/json" }).end("{}");
    }
});

async function answer(request, body) {
    const url = new URL(request.url, target);
    if (url.searchParams.get("filter") === STORED_FILTER) url.searchParams.delete("filter");
    const sent = await send(request, url, body);
    const known = answers.find(([path]) => path.test(url.pathname));
    if (known && sent.status >= 400) return { status: 200, text: JSON.stringify(known[1](request)) };
    return url.pathname.endsWith("/v3/sync") ? waited(request, url, sent) : sent;
}

/** A client that asks again at once is held back until there is something. */
async function waited(request, url, first) {
    const end = Date.now() + Math.min(Number(url.searchParams.get("timeout") ?? 0), LONGEST_MS);
    for (let sent = first; ; sent = await send(request, url)) {
        if (!url.searchParams.has("since") || Date.now() >= end || !isEmpty(sent)) return sent;
        await new Promise((resolve) => setTimeout(resolve, 200));
    }
}

function isEmpty({ status, text }) {
    const { account_data, to_device, device_lists } = JSON.parse(text);
    return status === 200 && !account_data?.events?.length && !to_device?.events?.length && !device_lists?.changed?.length;
}

async function send({ method, headers: { authorization } }, url, body) {
    const headers = { "Content-Type": "application/json", ...(authorization && { Authorization: authorization }) };
    const hasBody = !["GET", "HEAD"].includes(method);
    const response = await fetch(url, { method, headers, body: hasBody ? body : undefined });
    return { status: response.status, text: await response.text() };
}

// A connection that is closed while a request is on its way would look like a fault.
server.keepAliveTimeout = 600_000;
server.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));

const STORED_FILTER = "stand-in";
const LONGEST_MS = 5_000;
