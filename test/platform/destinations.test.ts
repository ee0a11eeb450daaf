import { afterEach, expect, test, vi } from "vitest";
import { type DestinationFault, destinationFault } from "#platform/destinations.ts";
import { addressesOf, textsOf } from "#platform/dns.ts";
import { testEnv } from "#test/env.ts";
import { astray, sound, spellings } from "#test/url-spellings.ts";
import { envWith } from "#test/world.ts";

afterEach(() => void vi.unstubAllGlobals());

for (const [fault, names] of Object.entries(astray)) {
  test(`every name that ${fault} is refused as that`, async () => {
    for (const name of names) {
      const url = `https://${name}.dns.example/`;
      expect([name, await destinationFault(testEnv(), url)]).toEqual([name, fault as DestinationFault]);
    }
  });
}

test("a name whose every address is public is let through, by whatever alias", async () => {
  for (const url of [...sound, "https://alias.dns.example/", "https://a-8-8-8-8-end.dns.example/"])
    expect(await destinationFault(testEnv(), url), url).toBeNull();
});

test("what its text gives away is never looked up", async () => {
  const asked = vi.fn(() => Promise.reject(new Error("The resolver was asked.")));
  vi.stubGlobal("fetch", asked);
  for (const [fault, texts] of Object.entries(spellings))
    for (const text of texts)
      expect(await destinationFault(testEnv(), text.replaceAll("{port}", "8080")), text).toBe(fault);
  expect(asked).not.toHaveBeenCalled();
});

test("a name is looked up each time, so one that changes is found out", async () => {
  const url = "https://rebinding7.dns.example/";
  expect(await destinationFault(testEnv(), url)).toBeNull();
  expect(await destinationFault(testEnv(), url)).toBe("resolves-privately");
});

test("both families are asked of the configured resolver, as DNS over HTTPS in JSON", async () => {
  const asked: Request[] = [];
  vi.stubGlobal("fetch", (input: RequestInfo | URL, init?: RequestInit) => {
    asked.push(new Request(input, init));
    return Promise.resolve(Response.json({ Status: 0, Answer: [] }));
  });
  expect(await addressesOf(envWith({ DOH_URL: "https://resolver.example/q?tag=1" }), "shop.example")).toEqual(
    [],
  );
  expect(asked.map(({ url }) => url)).toEqual([
    "https://resolver.example/q?tag=1&name=shop.example&type=A",
    "https://resolver.example/q?tag=1&name=shop.example&type=AAAA",
  ]);
  for (const request of asked) expect(request.headers.get("accept")).toBe("application/dns-json");
});

test("a name's texts are asked for as TXT records, and only those are read", async () => {
  const answer = (data: object) => vi.stubGlobal("fetch", () => Promise.resolve(Response.json(data)));
  const texts = () => textsOf(testEnv(), "_keyline.harbour.example");
  answer({
    Status: 0,
    Answer: [
      { type: 5, data: "elsewhere.example." },
      { type: 16, data: '"one " "text"' },
      { type: 16, data: "bare" },
      { type: 1, data: "93.184.215.14" },
    ],
  });
  expect(await texts()).toEqual(["one text", "bare"]);
  answer({ Status: 3 });
  expect(await texts()).toEqual([]);
  for (const amiss of [{ Status: 2 }, { Status: 0, TC: true, Answer: [] }, ["nothing of a resolver"]]) {
    answer(amiss);
    await expect(texts()).rejects.toThrow();
  }
});

test("localhost is a destination only where the variable says so and the origin is local too", async () => {
  const url = "http://localhost:3000/hooks";
  const ask = (changes: Record<string, string>) => destinationFault(envWith(changes), url);
  const local = "http://localhost:8787";
  expect(await ask({ WEBHOOKS_TO_LOCALHOST: "true", PUBLIC_ORIGIN: local })).toBeNull();
  expect(await ask({ PUBLIC_ORIGIN: local })).toBe("not-https");
  for (const WEBHOOKS_TO_LOCALHOST of ["", "false", "1", "TRUE"])
    expect(await ask({ WEBHOOKS_TO_LOCALHOST, PUBLIC_ORIGIN: local })).toBe("not-https");
  expect(await ask({ WEBHOOKS_TO_LOCALHOST: "true", PUBLIC_ORIGIN: "https://api.example" })).toBe(
    "not-https",
  );
});
