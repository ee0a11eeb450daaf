import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createPlainServer, type RequestListener } from "node:http";
import { createServer, globalAgent } from "node:https";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Asked } from "#cli/doctor/ask.ts";
import type { Finding } from "#cli/doctor/finding.ts";
import { judgeTransport, type TransportFacts, transportFacts } from "#cli/doctor/transport.ts";
import { securityHeaders } from "#http/security-headers.ts";
import { securityTxt } from "#lib/security-txt.ts";
import { dayMs } from "#lib/time.ts";

// What the doctor finds at an address that is not served by ourselves, and what it makes of it.

const now = Date.UTC(2026, 10, 22);
const origin = "https://api.keyline.dev";
const headers = Object.fromEntries(
  Object.entries(securityHeaders).map(([name, value]) => [name.toLowerCase(), value]),
);
const contact = securityTxt(["mailto:security@keyline.dev"], origin, now);
const refused: Asked = { status: 403, headers, text: '{"type":"/problems/https-required"}' };
const well: TransportFacts = {
  origin,
  answers: { "/healthz": answer(), "/docs": answer() },
  ready: answer(),
  securityTxt: answer({ text: contact }),
  plain: { page: answer({ status: 308, headers: { location: `${origin}/docs` } }), api: refused },
  oldTls: refused,
};

test("an address that is served as it should be is green in all of it", () => {
  assert.deepEqual(ungreen(judgeTransport(well, now)), []);
  const zone = { ...well, oldTls: gone("tlsv1 alert protocol version") };
  assert.deepEqual(ungreen(judgeTransport(zone, now)), []);
});

const ill: Readonly<
  Record<string, { facts: Partial<TransportFacts>; grade: Finding["grade"]; says: RegExp }>
> = {
  "a header that is gone": {
    facts: { answers: { "/healthz": answer({ headers: { ...headers, "x-content-type-options": "" } }) } },
    grade: "red",
    says: /^\/healthz lacks, or weakens: x-content-type-options\.$/,
  },
  "an HSTS of a day, and a CSP that allows all": {
    facts: {
      answers: {
        "/docs": answer({
          headers: {
            ...headers,
            "strict-transport-security": "max-age=86400",
            "content-security-policy": "default-src *",
          },
        }),
      },
    },
    grade: "red",
    says: /^\/docs lacks, or weakens: strict-transport-security, content-security-policy\.$/,
  },
  "a page that is not there": {
    facts: { answers: { "/docs": answer({ status: 522 }) } },
    grade: "red",
    says: /^\/docs answers 522\.$/,
  },
  "an address that nobody serves": {
    facts: { answers: { "/docs": gone("ECONNREFUSED") } },
    grade: "red",
    says: /^\/docs could not be asked \(ECONNREFUSED\)\.$/,
  },
  "a deployment that is not ready": {
    facts: {
      ready: answer({ status: 503, text: '{"errors":[{"parameter":"gates"},{"parameter":"transport"}]}' }),
    },
    grade: "red",
    says: /^\/readyz answers 503: gates, transport\.$/,
  },
  "a contact that nobody has": {
    facts: { securityTxt: answer({ text: contact.replace("keyline.dev", "example.com") }) },
    grade: "red",
    says: /names nobody/,
  },
  "a security.txt of last year": {
    facts: {
      securityTxt: answer({ text: securityTxt(["mailto:security@keyline.dev"], origin, now - 365 * dayMs) }),
    },
    grade: "red",
    says: /has expired/,
  },
  "no security.txt": {
    facts: { securityTxt: answer({ status: 404 }) },
    grade: "red",
    says: /^security\.txt answers 404\.$/,
  },
  "a page that is served over plain http": {
    facts: { plain: { page: answer(), api: refused } },
    grade: "red",
    says: /^A page over plain http answers 200\.$/,
  },
  "a page that leads elsewhere": {
    facts: {
      plain: { page: answer({ status: 308, headers: { location: "https://elsewhere.dev/" } }), api: refused },
    },
    grade: "red",
    says: /^A page over plain http answers 308\.$/,
  },
  "an API that redirects plain http": {
    facts: { plain: { page: well.plain?.page ?? answer(), api: answer({ status: 301 }) } },
    grade: "red",
    says: /^The API over plain http answers 301/,
  },
  "a port of plain http that nobody answers": {
    facts: { plain: { page: gone("ETIMEDOUT"), api: refused } },
    grade: "unseen",
    says: /^A page over plain http$/,
  },
  "an old version of TLS that is spoken": {
    facts: { oldTls: answer() },
    grade: "red",
    says: /^A version of TLS below MIN_TLS is answered with 200\.$/,
  },
  "an old version of TLS that could not be tried": {
    facts: { oldTls: gone("unsupported protocol") },
    grade: "unseen",
    says: /^A version of TLS below MIN_TLS$/,
  },
};

for (const [what, { facts, grade, says }] of Object.entries(ill)) {
  test(`${what} is ${grade}, and nothing else is`, () => {
    const [found, ...others] = ungreen(judgeTransport({ ...well, ...facts }, now));
    assert.deepEqual(others, []);
    assert.equal(found?.grade, grade);
    assert.match(found?.what ?? "", says);
  });
}

const skip = spawnSync("openssl", ["version"]).error ? "openssl is not installed" : false;

test("an address is asked by a version of TLS below the least, and whoever is not believed has told nothing", {
  skip,
}, async () => {
  const home = mkdtempSync(join(tmpdir(), "keyline-doctor-"));
  const [key, cert] = [join(home, "key.pem"), join(home, "cert.pem")];
  const made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
  execFileSync(
    "openssl",
    [...made, "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
    { stdio: "ignore" },
  );
  const pair = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(home, { recursive: true });
  const wellServed: RequestListener = (_, response) => response.writeHead(200, securityHeaders).end("{}");
  const servers = [
    createServer({ ...pair, minVersion: "TLSv1.3" }, wellServed),
    createServer({ ...pair, minVersion: "TLSv1.2" }, wellServed),
  ];
  const [strict = 0, lax = 0] = await Promise.all(servers.map(listening));
  const before = globalAgent.options.ca;
  globalAgent.options.ca = pair.cert;
  const facts = await transportFacts(`https://localhost:${strict}`, "1.3");
  const ofLax = await transportFacts(`https://localhost:${lax}`, "1.3");
  const allowed = await transportFacts(`https://localhost:${lax}`, "1.2");
  globalAgent.options.ca = before;
  const untrusted = await transportFacts(`https://localhost:${lax}`, "1.3");
  for (const server of servers) server.close();

  const tls = (each: TransportFacts) => judgeTransport(each, now).at(-1)?.grade;
  assert.deepEqual(
    [tls(facts), tls(ofLax), tls(allowed), tls(untrusted)],
    ["green", "red", "green", "unseen"],
  );
  assert.equal(facts.plain, null);
  assert.equal(judgeTransport(facts, now)[0]?.grade, "green");
  assert.match(judgeTransport(untrusted, now)[0]?.what ?? "", /could not be asked \(self-signed certificate/);
});

test("an address that answers without our headers is red, and is not followed to another", async () => {
  const server = createPlainServer((_, response) =>
    response.writeHead(302, { Location: "https://keyline.dev/" }).end(),
  );
  const port = await listening(server);
  const facts = await transportFacts(`http://localhost:${port}`, "1.3");
  server.close();
  assert.deepEqual(
    ungreen(judgeTransport(facts, now)).map(({ grade, what }) => `${grade} ${what}`),
    [
      "red /healthz answers 302.",
      "red /docs answers 302.",
      "red /readyz answers 302.",
      "red security.txt answers 302.",
      "unseen Plain http",
      "unseen The least version of TLS",
    ],
  );
});

function answer(changes: Partial<Asked> = {}): Asked {
  return { status: 200, headers, text: "{}", ...changes };
}

function gone(text: string): Asked {
  return { status: 0, headers: {}, text };
}

function ungreen(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ grade }) => grade !== "green");
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The server has no address.");
  return address.port;
}
