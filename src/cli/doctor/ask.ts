import { request as requestPlain } from "node:http";
import { request as requestSafely } from "node:https";

export interface Asked {
  /** 0 where nobody answered, and then `text` says why. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

const patienceMs = 10_000;
const mostCharacters = 100_000;

/** What a GET of this answers, without following it anywhere; by no version of TLS above this one, where one is given. */
export async function ask(url: string, newestTls?: "TLSv1.2" | "TLSv1.1"): Promise<Asked> {
  const request = url.startsWith("https:") ? requestSafely : requestPlain;
  // OpenSSL itself speaks what is older than 1.2 only at its lowest level.
  const tls = newestTls
    ? { maxVersion: newestTls, minVersion: "TLSv1" as const, ciphers: "DEFAULT@SECLEVEL=0" }
    : {};
  return await new Promise((resolve) => {
    const failed = (error: Error) => resolve({ status: 0, headers: {}, text: error.message || error.name });
    const sent = request(url, { ...tls, timeout: patienceMs }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += text.length < mostCharacters ? chunk : ""));
      response.on("error", failed);
      response.on("end", () => {
        const headers = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
        resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(headers), text });
      });
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer within 10 s")));
    sent.on("error", failed);
    sent.end();
  });
}
