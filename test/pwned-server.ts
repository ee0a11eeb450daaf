import { createHash, randomBytes, randomInt } from "node:crypto";

// Have I Been Pwned's range API as the Worker under test meets it, in Node, behind real fetches: as
// https://haveibeenpwned.com/API/v3#PwnedPasswords says. A test reads at /asked what it was asked.

export const pwnedHost = "api.pwnedpasswords.com";
/** Strong by every other rule. */
const breachedPassword = "Zebra-Crossing-4-Tigers";
/** Comes as a row of padding for its prefix: never seen in a breach. */
const paddedPassword = "Tiger-Crossing-4-Zebras";

let asked: { url: string; method: string; headers: Record<string, string>; body: string }[] = [];

export async function pwnedServer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/asked") {
    const said = asked;
    asked = [];
    return Response.json(said);
  }
  const headers = Object.fromEntries(request.headers);
  asked.push({ url: request.url, method: request.method, headers, body: await request.text() });
  const prefix = /^\/range\/([0-9A-F]{5})$/.exec(pathname)?.[1];
  if (!request.headers.has("user-agent")) return new Response("user agent needed", { status: 403 });
  if (prefix === undefined) return new Response("The hash format was not valid", { status: 400 });
  const isPadded = request.headers.get("add-padding") === "true";
  const rows = [
    ...rowOf(prefix, breachedPassword, 3861),
    ...Array.from({ length: 20 }, () => `${suffix()}:${randomInt(1, 100_000)}`),
    ...(isPadded ? [...rowOf(prefix, paddedPassword, 0), ...padding()] : []),
  ];
  return new Response(rows.toSorted().join("\r\n"), { headers: { "Content-Type": "text/plain" } });
}

function rowOf(prefix: string, password: string, count: number): string[] {
  const hash = createHash("sha1").update(password).digest("hex").toUpperCase();
  return hash.startsWith(prefix) ? [`${hash.slice(5)}:${count}`] : [];
}

function padding(): string[] {
  return Array.from({ length: randomInt(800, 1000) }, () => `${suffix()}:0`);
}

function suffix(): string {
  return randomBytes(18).toString("hex").toUpperCase().slice(1);
}
