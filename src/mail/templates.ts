import { alertWords } from "./alert-words.ts";
import { type MailData, type MailKind, mailVariables } from "./kinds.ts";
import type { Letter, Site } from "./letter.ts";

/** What is looked at when a mail is about to leave, and not before. */
interface Reader {
  /** The address has an account. */
  readonly isRegistered: boolean;
}

type Template<K extends MailKind> = (data: MailData<K>, site: Site, reader: Reader) => Letter | null;

/** Null: such a mail never leaves. */
const templates: { readonly [K in MailKind]: Template<K> | null } = {
  // Whose mailbox it is learns which of the two is so, and nobody else.
  "sign-up": (data, site, { isRegistered }) =>
    isRegistered ? alreadyRegistered(data, site) : addressToConfirm(data, site),
  // An address that is somebody's account already is not to be had: nothing leaves, and who asked learns nothing.
  "verify-email": (data, site, { isRegistered }) => (isRegistered ? null : addressToConfirm(data, site)),
  "reset-password": ({ link, validMinutes }, { name }) => ({
    subject: `Choose a new password for ${name}`,
    parts: [
      `Somebody, hopefully you, asked for a new password for your account at ${name}.`,
      { label: "Choose a new password", link },
      `The link works once, for ${spanOf(validMinutes)}. If it was not you, do nothing: your password stays as it is.`,
    ],
  }),
  "reset-unknown": null,
  "password-changed": ({ at, resetLink }, { name }) => ({
    subject: `Your password for ${name} was changed`,
    parts: [
      `The password of your account at ${name} was changed, and its other sessions were ended.`,
      { facts: [["When", instant(at)]] },
      "If it was not you, choose a new password at once:",
      { label: "Choose a new password", link: resetLink },
    ],
  }),
  "email-changed": ({ at }, { name }) => ({
    subject: `Your e-mail address at ${name} was changed`,
    parts: [
      `Your account at ${name} has another e-mail address now, and this one opens it no longer.`,
      { facts: [["When", instant(at)]] },
      "If it was not you, somebody else may have your account: answer this mail at once.",
    ],
  }),
  "new-device": ({ at, device, place, sessionsLink }, { name }) => ({
    subject: `A new sign-in to your account at ${name}`,
    parts: [
      `Somebody, hopefully you, signed in to your account at ${name} from a device that we had not seen before.`,
      {
        facts: [
          ["When", instant(at)],
          ["Device", device],
          ["Place", place],
        ],
      },
      "If it was not you, end that session and change your password:",
      { label: "Look at your sessions", link: sessionsLink },
    ],
  }),
  "locked-out": ({ link, validMinutes }, { name }) => ({
    subject: `Sign in to ${name} again`,
    parts: [
      `There were many failed attempts to sign in to your account at ${name}, so we let nobody try for a while. You need not wait:`,
      { label: "Let me sign in", link },
      `The link works once, for ${spanOf(validMinutes)}. If the attempts were not yours, your account is safe as long as your password is known to you alone.`,
    ],
  }),
  "arrival-code": ({ code, validMinutes }, { name }) => ({
    subject: `Your code for ${name}`,
    parts: [
      `Somebody, hopefully you, signs in to ${name} by another account and gave this address. To prove that it is theirs, they type this code on the page where they began:`,
      { facts: [["Code", code]] },
      `It works once, for ${spanOf(validMinutes)}. Give it to nobody: if it was not you, do nothing, and nothing happens.`,
    ],
  }),
  "identity-changed": ({ at, issuer, change, accountLink }, { name }) => ({
    subject: `Another way to sign in to ${name} was ${change}`,
    parts: [
      `The ways to sign in to your account at ${name} have changed.`,
      {
        facts: [
          ["What", `${issuer} ${change}`],
          ["When", instant(at)],
        ],
      },
      "If it was not you, take it back and change your password:",
      { label: "Look at your account", link: accountLink },
    ],
  }),
  invitation: ({ link, validMinutes, business }, { name }) => ({
    subject: `${business} invites you to ${name}`,
    parts: [
      `The business ${business} asks you to join it at ${name}, with an account of this address.`,
      { label: "Look at the invitation", link },
      `The link works once, for ${spanOf(validMinutes)}. Whoever has no account yet signs up with this address first, and opens the link again.`,
      "If you do not know that business, do nothing: nobody is told that you read this.",
    ],
  }),
  "key-leaked": ({ at, business, keyId, homeLink }, { name }) => ({
    subject: `A key of ${business} leaked and was revoked`,
    parts: [
      `Somebody reported that an API key of your business ${business} at ${name} is where it should not be. It was revoked at once: whatever still uses it is refused.`,
      {
        facts: [
          ["Key", keyId],
          ["When", instant(at)],
        ],
      },
      "Make another key for the program that used it, take the old one out of wherever it was found, and look in the audit at what it did of late.",
      { label: "Go to your businesses", link: homeLink },
    ],
  }),
  alert: ({ kind, business, subjectId, otherIds, count, from, to, homeLink }, { name }) => {
    const { title, what, advice } = alertWords[kind];
    const more = count - 1;
    const subjects = [...(subjectId === null ? [] : [subjectId]), ...otherIds];
    return {
      subject: `${business}: ${title}`,
      parts: [
        `This is a security alert of your business ${business} at ${name}. ${what}`,
        {
          facts: [
            ["When", instant(to)],
            ...(subjects.length === 0 ? [] : [["About", subjects.join(", ")] as const]),
            ...(more === 0 ? [] : [["And", `${more} more of these since ${instant(from)}`] as const]),
          ],
        },
        advice,
        { label: "Go to your businesses", link: homeLink },
      ],
    };
  },
  "operator-alert": ({ sourceId, kind, severity, tenantId, count, from, to }, { name }) => ({
    subject: `${name}: ${kind}${severity === "critical" ? ", which is critical" : ""}`,
    parts: [
      sourceId.startsWith("platform-")
        ? `Something is amiss with the platform of ${name} that only you can mend.`
        : `${tenantId === null ? `Several businesses at ${name} were` : `A business at ${name} was`} alerted, and so are you.`,
      {
        facts: [
          ["What", kind],
          ["Business", tenantId ?? (sourceId.startsWith("platform-") ? "none" : "several")],
          ["Times", String(count)],
          ["From", instant(from)],
          ["Until", instant(to)],
          ["Source", sourceId],
        ],
      },
      "What is behind it stands in the audit of that business, or in the platform's.",
    ],
  }),
  "recovery-code-used": ({ at, securityLink }, { name }) => ({
    subject: `A recovery code of your account at ${name} was used`,
    parts: [
      `Somebody, hopefully you, signed in to your account at ${name} with a recovery code. The other codes of that set are dead; the new set was shown once, right after.`,
      { facts: [["When", instant(at)]] },
      "If it was not you, or you did not keep the new set, look after it now:",
      { label: "Look at your security settings", link: securityLink },
    ],
  }),
  "sms-code": null,
  "factor-changed": ({ at, factor, change, securityLink }, { name }) => ({
    subject: `${factors[factor]} ${change} at ${name}`,
    parts: [
      `The ways to prove that it is you at ${name} have changed.`,
      {
        facts: [
          ["What", `${factors[factor]} ${change}`],
          ["When", instant(at)],
        ],
      },
      "If it was not you, take it back and change your password:",
      { label: "Look at your security settings", link: securityLink },
    ],
  }),
};

function addressToConfirm({ link, validMinutes }: MailData<"verify-email">, { name }: Site): Letter {
  return {
    subject: `Confirm your e-mail address for ${name}`,
    parts: [
      `Somebody, hopefully you, gave this address to ${name}. Please confirm that it is yours.`,
      { label: "Confirm this address", link },
      `The link works once, for ${spanOf(validMinutes)}. If it was not you, do nothing: without it nothing happens.`,
    ],
  };
}

function alreadyRegistered({ signInLink, resetLink }: MailData<"sign-up">, { name }: Site): Letter {
  return {
    subject: `You have an account at ${name} already`,
    parts: [
      `Somebody, perhaps you, tried to sign up at ${name} with this address. There is an account with it already, so no new one was made.`,
      { label: "Sign in", link: signInLink },
      "Should you not know your password any more, you can choose a new one:",
      { label: "Choose a new password", link: resetLink },
      "If it was not you, there is nothing to do: whoever tried learned nothing about your account.",
    ],
  };
}

const factors: Readonly<Record<MailData<"factor-changed">["factor"], string>> = {
  authenticator: "Authenticator app",
  passkey: "Passkey",
  "recovery-codes": "Recovery codes",
  "text-messages": "Text messages",
};

/**
 * The letter of a stored mail; null where its kind never leaves.
 * @throws Error where this version does not know the kind, as during a deploy, or its variables are not the kind's
 */
export function letterOf<K extends MailKind>(
  kind: K,
  data: string,
  site: Site,
  reader: Reader = { isRegistered: false },
): Letter | null {
  if (!Object.hasOwn(templates, kind)) throw new Error(`This version knows no mail of the kind ${kind}.`);
  const template: Template<K> | null = templates[kind];
  // Each kind's shape gives its own data; the compiler does not follow that through the index.
  return template?.(mailVariables[kind].parse(JSON.parse(data)) as MailData<K>, site, reader) ?? null;
}

/** `1 hour`, `2 days`: the largest unit that leaves no rest. */
function spanOf(minutes: number): string {
  const [unit, size] =
    minutes % 1440 === 0 ? ["day", 1440] : minutes % 60 === 0 ? ["hour", 60] : ["minute", 1];
  const count = minutes / Number(size);
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

/** `23 November 2026, 00:31 UTC`. */
function instant(at: string): string {
  const format = {
    day: "numeric",
    month: "long",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  } as const;
  const text = new Intl.DateTimeFormat("en-GB", { ...format, timeZone: "UTC" }).format(new Date(at));
  return `${text.replace(" at ", ", ")} UTC`;
}
