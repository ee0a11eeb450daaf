import type { Child } from "hono/jsx";

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
  const page = <Page subject={subject} parts={parts} site={site} />;
  return { subject, text: textOf(parts, site), html: `<!doctype html>${page.toString()}` };
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
const paragraph = "margin:0 0 16px";
const button = `display:inline-block;padding:12px 20px;border-radius:8px;background:#c2410c;color:#ffffff;font-weight:600;text-decoration:none`;

function Page({ subject, parts, site }: Letter & { site: Site }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light" />
        <title>{subject}</title>
      </head>
      <body style="margin:0;padding:24px 16px;background:#f4f1ea">
        <div
          style={`max-width:520px;margin:0 auto;padding:32px 28px;border-radius:12px;background:#ffffff;color:${ink};font:400 16px/1.55 system-ui,-apple-system,Segoe UI,sans-serif`}
        >
          <p style={`${paragraph};font-weight:600`}>{site.name}</p>
          <p style={paragraph}>Hello,</p>
          {parts.map((part) => (
            <PartOf part={part} />
          ))}
          <p style="margin:24px 0 0;color:#635d54;font-size:13px">
            {site.name}
            <br />
            {site.origin}
          </p>
        </div>
      </body>
    </html>
  );
}

function PartOf({ part }: { part: Part }): Child {
  if (typeof part === "string") return <p style={paragraph}>{part}</p>;
  if ("facts" in part)
    return (
      <p style={paragraph}>
        {part.facts.map(([name, value]) => (
          <>
            <b>{name}:</b> {value}
            <br />
          </>
        ))}
      </p>
    );
  return (
    <>
      <p style="margin:24px 0">
        <a href={part.link} style={button}>
          {part.label}
        </a>
      </p>
      <p style={`${paragraph};color:#635d54;font-size:13px;word-break:break-all`}>
        If the button does nothing, open this address: {part.link}
      </p>
    </>
  );
}
