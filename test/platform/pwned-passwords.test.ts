import { afterEach, expect, test, vi } from "vitest";
import { breachAnswer } from "#platform/pwned-passwords.ts";
import { testEnv } from "#test/env.ts";
import { envWith } from "#test/world.ts";

// As the stand-in has them (test/pwned-server.ts), which runs in Node.
const breached = "Zebra-Crossing-4-Tigers";
const padded = "Tiger-Crossing-4-Zebras";
// Of "password", from the API's own documentation.
const password = "password";
const prefix = "5BAA6";
const suffix = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function answering(body: BodyInit | null, init: ResponseInit = {}): void {
  vi.stubGlobal("fetch", async () => new Response(body, init));
}

test("a breached password is known, in whatever form it is typed; others and rows of padding are clear", async () => {
  expect(await breachAnswer(testEnv(), breached)).toBe("breached");
  expect(await breachAnswer(testEnv(), "Ｚebra-Crossing-４-Tigers")).toBe("breached");
  expect(await breachAnswer(testEnv(), padded)).toBe("clear");
  expect(await breachAnswer(testEnv(), `${breached}!`)).toBe("clear");
});

test("five digits of its SHA-1 are all of a password that leaves, and the answer's size is asked to be hidden", async () => {
  await asked();
  expect(await breachAnswer(testEnv(), password)).toBe("clear");
  expect(await asked()).toEqual([
    {
      url: `https://api.pwnedpasswords.com/range/${prefix}`,
      method: "GET",
      headers: expect.objectContaining({ "add-padding": "true", "user-agent": "Keyline" }),
      body: "",
    },
  ]);
  await breachAnswer(testEnv(), password);
  const all = JSON.stringify(await asked()).toUpperCase();
  expect(all).toContain(prefix);
  for (const secret of ['PASSWORD"', suffix, suffix.slice(0, 4), btoa(password).toUpperCase()])
    expect(all).not.toContain(secret);
});

test("it is the configured service that is asked, with or without a slash at its end", async () => {
  const urls: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    urls.push(url);
    return new Response(`${suffix}:1`);
  });
  for (const url of ["https://mirror.example/pwned/range", "https://mirror.example/pwned/range/"])
    expect(await breachAnswer(envWith({ PWNED_PASSWORDS_URL: url }), password)).toBe("breached");
  expect(urls).toEqual(Array(2).fill(`https://mirror.example/pwned/range/${prefix}`));
});

test("rows end as the API ends them, or as others would", async () => {
  const other = `${"0".repeat(35)}:7`;
  for (const end of ["\n", "\r\n"])
    for (const [body, answer] of [
      [`${other}${end}${suffix}:1`, "breached"],
      [`${suffix}:10434004${end}${other}${end}`, "breached"],
      [`${other}${end}${suffix}:0`, "clear"],
      [`${suffix}:0${end}${suffix}:2`, "breached"],
      [other, "clear"],
    ] as const) {
      answering(body);
      expect(await breachAnswer(testEnv(), password), JSON.stringify(body)).toBe(answer);
    }
});

const malformed: Readonly<Record<string, string | Uint8Array>> = {
  nothing: "",
  "a line's end only": "\r\n",
  "a page": "<!doctype html><title>Sign in to the hotel's network</title>",
  JSON: `{"${suffix}":0}`,
  "a row without a count": `${suffix}`,
  "a row with an empty count": `${suffix}:`,
  "a negative count": `${suffix}:-1`,
  "a fraction": `${suffix}:1.5`,
  "an endless count": `${suffix}:${"9".repeat(13)}`,
  "small letters": `${suffix.toLowerCase()}:0`,
  "a whole hash": `${prefix}${suffix}:0`,
  "a short suffix": `${suffix.slice(1)}:0`,
  "an empty row between others": `${suffix}:1\r\n\r\n${suffix}:1`,
  "one bad row after a good one": `${suffix}:1\r\nfoo`,
  "what is no UTF-8": new Uint8Array([0xff, 0xfe]),
  "more than half a megabyte": `${suffix}:0\r\n`.repeat(14_000),
};
for (const [what, body] of Object.entries(malformed)) {
  test(`a service that answers ${what} is unavailable`, async () => {
    answering(body);
    expect(await breachAnswer(testEnv(), password)).toBe("unavailable");
  });
}

test("a service that answers another status, redirects or cannot be reached is unavailable", async () => {
  for (const status of [204, 302, 400, 403, 404, 429, 500, 503]) {
    answering(status === 204 ? null : `${suffix}:0`, { status });
    expect(await breachAnswer(testEnv(), password), String(status)).toBe("unavailable");
  }
  vi.unstubAllGlobals();
  const moved = `https://moved.example/redirect?to=${testEnv().PWNED_PASSWORDS_URL}`;
  for (const url of ["https://down.example/status/503", moved, "nowhere", ""])
    expect(await breachAnswer(envWith({ PWNED_PASSWORDS_URL: url }), password), url).toBe("unavailable");
});

test("who does not answer, or does not end its answer, within two seconds is given up", async () => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  const aborted = (signal: AbortSignal, fail: (reason: unknown) => void) =>
    signal.addEventListener("abort", () => fail(signal.reason));
  const services = {
    silent: ({ signal }: { signal: AbortSignal }) =>
      new Promise<Response>((_resolve, reject) => aborted(signal, reject)),
    stalling: async ({ signal }: { signal: AbortSignal }) =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode(`${suffix}:1\r\n`));
            aborted(signal, (reason) => controller.error(reason));
          },
        }),
      ),
  };
  for (const [what, service] of Object.entries(services)) {
    vi.stubGlobal("fetch", (_url: string, init: { signal: AbortSignal }) => service(init));
    const answer = breachAnswer(testEnv(), password);
    let isOver = false;
    void answer.then(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(1_999);
    expect(isOver, what).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await answer, what).toBe("unavailable");
  }
});

test("what is logged of a failure says nothing of the password", async () => {
  const said = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  answering("nonsense");
  await breachAnswer(testEnv(), password);
  vi.stubGlobal("fetch", async (url: string) => Promise.reject(new TypeError(`cannot reach ${url}`)));
  await breachAnswer(testEnv(), password);
  expect(said.mock.calls.map(([line]) => JSON.parse(String(line)).reason)).toEqual([
    "malformed",
    "no answer",
  ]);
  expect(JSON.stringify(said.mock.calls)).not.toMatch(new RegExp(`${prefix}|${suffix}`, "i"));
});

async function asked(): Promise<unknown> {
  return await (await fetch("https://api.pwnedpasswords.com/asked")).json();
}
