import { contactsOf } from "#lib/security-txt.ts";
import { type Asked, ask } from "./ask.ts";
import { type Finding, graded, red, unseen } from "./finding.ts";

/** What the address answered; null of what it has no way to be asked. */
export interface TransportFacts {
  readonly origin: string;
  /** `/healthz` and a page, by path. */
  readonly answers: Readonly<Record<string, Asked>>;
  readonly ready: Asked;
  readonly securityTxt: Asked;
  /** A page and an operation over plain http. */
  readonly plain: { readonly page: Asked; readonly api: Asked } | null;
  /** The same by a version of TLS below the least one; null where that is not to be tried. */
  readonly oldTls: Asked | null;
}

const page = "/docs";
const api = "/v1/tenants/nobody/orders";
const required: Readonly<Record<string, RegExp>> = {
  "strict-transport-security": /max-age=(?:[3-9]\d{7}|\d{9,})/,
  "x-content-type-options": /^nosniff$/,
  "content-security-policy": /default-src '(?:none|self)'/,
  "referrer-policy": /^(?:no-referrer|same-origin|strict-origin)$/,
  "cross-origin-resource-policy": /^same-origin$/,
};
const older = { "1.3": "TLSv1.2", "1.2": "TLSv1.1" } as const;

export async function transportFacts(url: string, minTls: unknown): Promise<TransportFacts> {
  const { origin, protocol, hostname, port } = new URL(url);
  const isTls = protocol === "https:";
  const least = minTls === "1.2" ? "1.2" : "1.3";
  const [health, shown, ready, securityTxt] = await Promise.all(
    ["/healthz", page, "/readyz", "/.well-known/security.txt"].map((path) => ask(origin + path)),
  );
  // Plain http is asked for where browsers would: an address with a port of its own has no other.
  const plain =
    isTls && port === ""
      ? { page: await ask(`http://${hostname}${page}`), api: await ask(`http://${hostname}${api}`) }
      : null;
  const none = { status: 0, headers: {}, text: "not asked" };
  return {
    origin,
    answers: { "/healthz": health ?? none, [page]: shown ?? none },
    ready: ready ?? none,
    securityTxt: securityTxt ?? none,
    plain,
    oldTls: isTls ? await ask(`${origin}/healthz`, older[least]) : null,
  };
}

export function judgeTransport(facts: TransportFacts, now: number): Finding[] {
  const { origin, answers, ready, securityTxt, plain, oldTls } = facts;
  return [
    ...Object.entries(answers).map(([path, answer]) => judgeAnswer(path, answer)),
    judgeReady(ready),
    judgeSecurityTxt(securityTxt, origin, now),
    ...judgePlain(plain, origin),
    judgeTls(oldTls, origin),
  ];
}

function judgeTls(oldTls: TransportFacts["oldTls"], origin: string): Finding {
  if (oldTls === null) return unseen("The least version of TLS", `${origin} speaks none`);
  const isRefusedAtOnce =
    oldTls.status === 0 && /alert (?:protocol version|handshake failure)/i.test(oldTls.text);
  if (oldTls.status === 0 && !isRefusedAtOnce) return unseen("A version of TLS below MIN_TLS", oldTls.text);
  return graded(
    isRefusedAtOnce || isRefused(oldTls),
    "A version of TLS below MIN_TLS is refused.",
    `A version of TLS below MIN_TLS is answered with ${oldTls.status}.`,
    "set the zone's minimum TLS version at Cloudflare, and MIN_TLS in wrangler.toml",
  );
}

function judgeAnswer(path: string, { status, headers, text }: Asked): Finding {
  if (status !== 200)
    return red(`${path} ${told(status, text)}.`, "see whether the route is deployed, and its log");
  const weak = Object.entries(required).filter(([name, good]) => !good.test(headers[name] ?? ""));
  return graded(
    weak.length === 0,
    `${path} bears HSTS, nosniff, a CSP, a referrer policy and CORP.`,
    `${path} lacks, or weakens: ${weak.map(([name]) => name).join(", ")}.`,
    "see whether a rule of the zone rewrites headers; Keyline sets them on every answer",
  );
}

function judgeReady({ status, text }: Asked): Finding {
  const failed = [...text.matchAll(/"parameter":"([^"]+)"/g)].map(([, name]) => name).join(", ");
  return graded(
    status === 200,
    "/readyz says that it is ready.",
    `/readyz ${told(status, text)}${failed && `: ${failed}`}.`,
    "do what its answer says of each check; the log has the causes",
  );
}

function judgeSecurityTxt({ status, text }: Asked, origin: string, now: number): Finding {
  const values = (field: string) =>
    [...text.matchAll(new RegExp(`^${field}: (.+)$`, "gim"))].map(([, value = ""]) => value.trim());
  const contacts = contactsOf(values("Contact").join(), origin);
  const expires = Date.parse(values("Expires")[0] ?? "");
  if (status !== 200)
    return red(`security.txt ${told(status, text)}.`, "set SECURITY_CONTACT in wrangler.toml");
  if (contacts.length === 0)
    return red("security.txt names nobody to tell.", "set SECURITY_CONTACT in wrangler.toml");
  return graded(
    expires > now,
    `security.txt names ${contacts.join(", ")}.`,
    "security.txt has expired, or does not say when it does.",
    "see whether something keeps an old copy of it: each answer is good for some 90 days",
  );
}

function judgePlain(plain: TransportFacts["plain"], origin: string): Finding[] {
  if (plain === null) return [unseen("Plain http", `${origin} has none of its own`)];
  const { page: shown, api: called } = plain;
  // The zone's own redirect is as good for a page as ours.
  const isLed = [301, 308].includes(shown.status) && (shown.headers.location ?? "").startsWith(`${origin}/`);
  return [
    shown.status === 0
      ? unseen("A page over plain http", shown.text)
      : graded(
          isLed,
          "A page over plain http leads to https.",
          `A page over plain http ${told(shown.status, shown.text)}.`,
          "see whether the route takes http, and what rules the zone has",
        ),
    called.status === 0
      ? unseen("The API over plain http", called.text)
      : graded(
          isRefused(called),
          "The API over plain http is refused.",
          `The API over plain http ${told(called.status, called.text)}, so nobody notices a key that was sent so.`,
          "switch the zone's Always Use HTTPS off for /v1/*: Keyline refuses it",
        ),
  ];
}

function isRefused({ status, text }: Asked): boolean {
  return status >= 400 && status < 500 && text.includes("https-required");
}

function told(status: number, text: string): string {
  return status === 0 ? `could not be asked (${text})` : `answers ${status}`;
}
