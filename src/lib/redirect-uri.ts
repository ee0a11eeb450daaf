export type RedirectUriFault =
  | "malformed"
  | "has-fragment"
  | "has-credentials"
  | "not-https"
  | "scheme-not-private-use";

const mostCharacters = 2048;
const loopbacks = ["127.0.0.1", "[::1]", "localhost"];

/**
 * May a client be answered here (RFC 6749 section 3.1.2, RFC 8252): https anywhere; http on the user's own machine
 * alone; a scheme of its own that is a domain name backwards. In its one spelling, as it is compared by its text.
 */
export function redirectUriFault(text: string): RedirectUriFault | null {
  if (text.length > mostCharacters || /[^\x21-\x7e]|[\\"<>^`{|}*]/.test(text)) return "malformed";
  if (!URL.canParse(text)) return "malformed";
  const url = new URL(text);
  if (text.includes("#")) return "has-fragment";
  if (url.protocol === "https:" || url.protocol === "http:") {
    if (url.username !== "" || url.password !== "" || /^https?:\/\/[^/?]*@/i.test(text))
      return "has-credentials";
    if (url.href !== text && url.href !== `${text}/`) return "malformed";
    return url.protocol === "https:" || isLoopback(url) ? null : "not-https";
  }
  // RFC 8252 section 7.1; without a dot it could be a scheme that browsers or others know, such as javascript.
  return /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+:\/[!-~]*$/.test(text) ? null : "scheme-not-private-use";
}

/** Exactly one of these, but for the port of a loopback address, which an app takes as it gets it (RFC 8252, 7.3). */
export function isRegisteredRedirect(asked: string, registered: readonly string[]): boolean {
  if (registered.includes(asked)) return true;
  const portless = withoutLoopbackPort(asked);
  return portless !== null && registered.some((each) => withoutLoopbackPort(each) === portless);
}

function withoutLoopbackPort(text: string): string | null {
  const [, host, port, rest] =
    /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::([0-9]{1,5}))?((?:[/?][!-~]*)?)$/.exec(text) ?? [];
  if (host === undefined || rest === undefined || rest.includes("#")) return null;
  return port !== undefined && Number(port) > 65_535 ? null : `http://${host}${rest}`;
}

function isLoopback(url: URL): boolean {
  return loopbacks.includes(url.hostname);
}
