import { TextAnswer } from "#http/text-answer.ts";
import { timestamp } from "#lib/time.ts";
import type { Env } from "#platform/env.ts";
import { type MailboxMail, mailboxMails } from "#platform/mail/mailbox.ts";

/** The mailbox of a deployment under development; null elsewhere. */
export async function mailboxPage(env: Env): Promise<TextAnswer | null> {
  const mails = await mailboxMails(env);
  if (mails === null) return null;
  return new TextAnswer(`<!doctype html>${(<Mailbox mails={mails} />).toString()}`, {
    "Content-Security-Policy":
      "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    // Mails hold links that sign people in: no other page of the developer's browser may read them.
    "Access-Control-Allow-Origin": env.PUBLIC_ORIGIN,
  });
}

function Mailbox({ mails }: { mails: readonly MailboxMail[] }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Mailbox · Keyline</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/docs/assets/style.css" />
      </head>
      <body>
        <main class="mailbox">
          <header>
            <p class="kicker">In development</p>
            <h1>Mailbox</h1>
            <p class="lead">
              {mails.length === 0
                ? "Mail that this deployment sends comes here and goes nowhere else. There is none yet."
                : "Mail that this deployment sends comes here and goes nowhere else. The newest is first."}
            </p>
          </header>
          {mails.map((mail, index) => (
            <Mail mail={mail} isOpen={index === 0} />
          ))}
        </main>
      </body>
    </html>
  );
}

function Mail({ mail: { atMs, from, to, subject, text }, isOpen }: { mail: MailboxMail; isOpen: boolean }) {
  const at = timestamp(atMs);
  return (
    <details class="mail" open={isOpen}>
      <summary>
        <h2>{subject}</h2>
        <span class="whom">
          {from} to <b>{to}</b>
        </span>
        <time datetime={at}>{`${at.slice(0, 10)} ${at.slice(11, 19)} UTC`}</time>
      </summary>
      <div class="words">
        {text
          .split(/(https?:\/\/\S+)/)
          .map((words, index) => (index % 2 === 1 ? <a href={words}>{words}</a> : words))}
      </div>
    </details>
  );
}
