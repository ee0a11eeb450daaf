import { expect, test } from "vitest";
import { isRegisteredRedirect, redirectUriFault } from "#lib/redirect-uri.ts";

test("https, the user's own machine and schemes that are a domain name backwards may be registered", () => {
  for (const uri of [
    "https://planner.example/callback",
    "https://planner.example",
    "https://planner.example:8443/cb?tenant=1",
    "http://127.0.0.1/callback",
    "http://[::1]:3000/callback",
    "http://localhost:8000",
    "com.example.planner:/callback",
    "com.example.planner://callback",
  ])
    expect(redirectUriFault(uri), uri).toBeNull();
});

test.each([
  ["http://planner.example/callback", "not-https"],
  ["http://127.0.0.2/callback", "not-https"],
  ["http://localhost.example/callback", "not-https"],
  ["https://planner.example/callback#", "has-fragment"],
  ["https://planner.example/callback#x", "has-fragment"],
  ["https://user@planner.example/callback", "has-credentials"],
  ["https://@planner.example/callback", "has-credentials"],
  ["https://PLANNER.example/callback", "malformed"],
  ["https://planner.example:443/callback", "malformed"],
  ["https://planner.example/a/../callback", "malformed"],
  ["https://*.planner.example/callback", "malformed"],
  ["https://planner.example\\@evil.example/", "malformed"],
  ["https://planner.example/call back", "malformed"],
  ["/callback", "malformed"],
  ["javascript:alert(1)", "scheme-not-private-use"],
  ["data:text/html,x", "scheme-not-private-use"],
  ["planner:/callback", "scheme-not-private-use"],
  ["file:///etc/passwd", "scheme-not-private-use"],
  [`https://planner.example/${"x".repeat(2048)}`, "malformed"],
])("%s may not be registered: %s", (uri, fault) => {
  expect(redirectUriFault(uri)).toBe(fault);
});

const registered = [
  "https://planner.example/callback",
  "http://127.0.0.1/cb",
  "http://[::1]:9/cb",
  "com.example.planner:/cb",
];

test("a redirect is one that is registered, in its text, but for the port of a loopback address", () => {
  for (const uri of [...registered, "http://127.0.0.1:51234/cb", "http://[::1]:51234/cb", "http://[::1]/cb"])
    expect(isRegisteredRedirect(uri, registered), uri).toBe(true);
  for (const uri of [
    "https://planner.example/callback/",
    "https://planner.example/callback/deeper",
    "https://planner.example/callbac",
    "https://planner.example/CALLBACK",
    "https://planner.example:8443/callback",
    "https://planner.example/callback?x=1",
    "https://planner.example/callback#x",
    "https://evil.example/https://planner.example/callback",
    "https://planner.example.evil.example/callback",
    "http://planner.example/callback",
    "http://127.0.0.1/cb/",
    "http://127.0.0.1:51234/other",
    "http://127.0.0.1:99999/cb",
    "http://127.0.0.1:51234@evil.example/cb",
    "http://127.0.0.1:51234/cb#x",
    "http://localhost:51234/cb",
    "https://127.0.0.1:51234/cb",
    "com.example.planner:/cb2",
    "",
  ])
    expect(isRegisteredRedirect(uri, registered), uri).toBe(false);
});
