import { html } from "hono/html";

/** A mail's content, from which its text and its HTML are both made. */
export interface Letter {
  readonly subject: string;
  readonly parts: readonly Part[];
}

/** A paragraph; the one thing to do; what happened, line by line. */
type Part =
  | string
  | { readonly label: string; readonly link: string }
  | { readonly facts: readonly (readonly [name: string, value: string])[] };

/** Who writes: the deployment's name and where it is. */
export interface Site {
  readonly name: string;
  readonly origin: string;
}

export interface WrittenMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export function written({ subject, parts }: Letter, site: Site): WrittenMail {
  return { subject, text: textOf(parts, site), html: String(pageOf({ subject, parts }, site)) };
}

function textOf(parts: Letter["parts"], site: Site): string {
  const written = parts.map((part) => {
    if (typeof part === "string") return part;
    if ("link" in part) return `${part.label}:\n${part.link}`;
    return part.facts.map(([name, value]) => `${name}: ${value}`).join("\n");
  });
  return `${["Hello,", ...written, signatureOf(site)].join("\n\n")}\n`;
}

function signatureOf({ name, origin }: Site): string {
  return `${name}\n${origin}`;
}

// Mail programs know no style sheets of their own page: each element bears its style, and nothing is loaded.
const ink = "#1c1a17";
const faint = "#635d54";
const paragraph = "margin:0 0 16px";
const button = `display:inline-block;padding:12px 20px;border-radius:8px;background:#c2410c;color:#ffffff;font-weight:600;text-decoration:none`;

function pageOf({ subject, parts }: Letter, { name, origin }: Site) {
  const card = `max-width:520px;margin:0 auto;padding:32px 28px;border-radius:12px;background:#ffffff;color:${ink};font:400 16px/1.55 system-ui,-apple-system,Segoe UI,sans-serif`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>${subject}</title>
</head>
<body style="margin:0;padding:24px 16px;background:#f4f1ea">
<main style="${card}">
<p style="${paragraph};color:${faint};font-weight:600">${name}</p>
<h1 style="${paragraph};font-size:22px;line-height:1.3">${subject}</h1>
<p style="${paragraph}">Hello,</p>
${parts.map(partOf)}
<p style="margin:24px 0 0;color:${faint};font-size:13px">${name}<br>${origin}</p>
</main>
</body>
</html>`;
}

function partOf(part: Part) {
  if (typeof part === "string") return html`<p style="${paragraph}">${part}</p>\n`;
  if ("facts" in part) {
    const lines = part.facts.map(([name, value]) => html`<b>${name}:</b> ${value}<br>`);
    return html`<p style="${paragraph}">${lines}</p>\n`;
  }
  const { label, link } = part;
  return html`<p style="margin:24px 0"><a href="${link}" style="${button}">${label}</a></p>
<p style="${paragraph};color:${faint};font-size:13px;word-break:break-all">If the button does nothing, open this address: ${link}</p>\n`;
}
