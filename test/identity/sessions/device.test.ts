import fc from "fast-check";
import { expect, test } from "vitest";
import { deviceOf } from "#identity/sessions/device.ts";

const devices: Readonly<Record<string, string>> = {
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0": "Firefox on Windows",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 14.7; rv:144.0) Gecko/20100101 Firefox/144.0": "Firefox on Mac",
  "Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0": "Firefox on Android",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/144.0 Mobile/15E148 Safari/605.1.15":
    "Firefox on iPhone",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":
    "Chrome on Windows",
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":
    "Chrome on Linux",
  "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":
    "Chrome on ChromeOS",
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36":
    "Chrome on Android",
  "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.0.0 Mobile/15E148 Safari/604.1":
    "Chrome on iPad",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0":
    "Edge on Windows",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 OPR/124.0.0.0":
    "Opera on Windows",
  "Mozilla/5.0 (Linux; Android 15; SM-S931B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36":
    "Samsung Internet on Android",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15":
    "Safari on Mac",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1":
    "Safari on iPhone",
  "keyline-cli/0.1.0": "Keyline CLI",
  "curl/8.11.1": "curl",
  "Wget/1.25.0": "Wget",
  "PostmanRuntime/7.49.0": "Postman",
  "python-requests/2.32.5": "Python",
  "Go-http-client/2.0": "Go",
  node: "Node.js",
  "okhttp/5.1.0": "Android app",
  "Lynx/2.9.2 libwww-FM/2.14": "Unknown device",
  "Some TV (Linux; aarch64)": "Linux",
  "Firefox/1": "Firefox",
  "nodejs-lookalike": "Unknown device",
  "": "Unknown device",
};

test("a device is called as its owner would", () => {
  for (const [userAgent, device] of Object.entries(devices))
    expect(deviceOf(userAgent), userAgent).toBe(device);
  expect(deviceOf(null)).toBe("Unknown device");
});

test("whatever is sent, a device has a short name of ours, and nothing of what was sent", () => {
  const words = fc.constantFrom(
    ...Object.keys(devices).flatMap((text) => text.split(/[ /;()]/)),
    "<script>",
    "\0",
  );
  const texts = fc.oneof(
    fc.string({ unit: "binary", maxLength: 2000 }),
    fc.array(words, { maxLength: 30 }).map((all) => all.join("/")),
    fc.array(words, { maxLength: 30 }).map((all) => all.join(" ")),
  );
  const parts = new Set<string>();
  fc.assert(
    fc.property(texts, (text) => {
      const device = deviceOf(text);
      expect(device).toMatch(/^[A-Za-z.]+( [A-Za-z.]+){0,3}$/);
      expect(device.length).toBeLessThanOrEqual(60);
      parts.add(device);
    }),
    { numRuns: 1000 },
  );
  expect(parts.size).toBeGreaterThan(10);
});

test("only the beginning of a text is read", () => {
  expect(deviceOf(`${" ".repeat(500)}curl/8.0`)).toBe("curl");
  expect(deviceOf(`${" ".repeat(512)}curl/8.0`)).toBe("Unknown device");
});
