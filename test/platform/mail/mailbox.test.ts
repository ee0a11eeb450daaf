import { beforeAll, expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { newId } from "#platform/ids.ts";
import { mailboxMails } from "#platform/mail/mailbox.ts";
import { mailerOf } from "#platform/mail/mailer.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { deliver, newAddress, newMail, resetMail, storedMail } from "#test/mail/kit.ts";
import { envWith } from "#test/world.ts";

const { call } = clientOf();

beforeAll(() => ensureDirectoryKeys(testEnv(), Date.now()));

test("a mail of a deployment under development is on the page, its link to be followed, and nowhere else", async () => {
  const mail = resetMail(newAddress());
  const id = await newMail(mail);
  await deliver(id);
  expect(await storedMail(id)).toEqual([]);
  const page = await call("mail.mailbox");
  expect(page.status).toBe(200);
  expect(page.text).toContain(`<b>${mail.to}</b>`);
  expect(page.text).toContain(`<a href="${mail.data.link}">`);
  expect(page.text).not.toContain("<script");
});

test("the page runs nothing, is kept nowhere, and no other origin may read it", async () => {
  const { headers } = await call("mail.mailbox", { headers: { Origin: "https://elsewhere.example" } });
  expect(headers.get("content-security-policy")).toBe(
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  expect(headers.get("cache-control")).toBe("no-store");
  expect(headers.get("access-control-allow-origin")).toBe("http://localhost:8787");
});

test("markup in a mail is text on the page", async () => {
  const mailer = mailerOf(testEnv());
  const text = `</div><script>alert(1)</script> https://k.example/"onclick=alert(1)`;
  await mailer.send({ id: newId("eml"), to: "<b>@mail.example", subject: "<img src=x>", text, html: "" });
  const { text: page } = await call("mail.mailbox");
  expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  expect(page).toContain("&lt;img src=x&gt;");
  expect(page).not.toMatch(/<script|<img|<b>@mail|" *onclick/);
});

test("the last hundred are kept, newest first, and a mail that is sent again stands there once", async () => {
  const mailer = mailerOf(testEnv());
  const ids = Array.from({ length: 103 }, () => newId("eml"));
  for (const id of [...ids, ids[102] ?? ""])
    await mailer.send({ id, to: newAddress(), subject: "One of many", text: "", html: "" });
  const kept = await mailboxMails(testEnv());
  expect(kept?.map(({ id }) => id)).toEqual(ids.slice(3).toReversed());
});

test("there is no mailbox but where MAIL names it and the origin is of this machine", async () => {
  const shown = { MAIL: "mailbox", PUBLIC_ORIGIN: "http://127.0.0.1:8787" };
  expect((await call("mail.mailbox", { env: envWith(shown) })).status).toBe(200);
  const elsewhere = ["https://api.keyline.example", "https://localhost.keyline.example", "not a URL"];
  for (const PUBLIC_ORIGIN of elsewhere) {
    const env = envWith({ ...shown, PUBLIC_ORIGIN });
    expect(await mailboxMails(env), PUBLIC_ORIGIN).toBeNull();
    expect(() => mailerOf(env), PUBLIC_ORIGIN).toThrow("No mail can leave: the mailbox is for development");
  }
  const answers = await Promise.all([
    call("mail.mailbox", { env: envWith({ ...shown, PUBLIC_ORIGIN: "https://api.keyline.example" }) }),
    ...["cloudflare", "postmark", undefined].map((MAIL) =>
      call("mail.mailbox", { env: envWith({ ...shown, MAIL }) }),
    ),
  ]);
  for (const { status, json } of answers) expect([status, json.type]).toEqual([404, "/problems/not-found"]);
});
