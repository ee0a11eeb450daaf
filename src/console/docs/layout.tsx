import type { Child } from "hono/jsx";
import type { OpenApi } from "#http/openapi/types.ts";
import { Method } from "./code.tsx";
import { isPublicTag, operationsOf } from "./model.ts";

interface LayoutProps {
  readonly title: string;
  readonly document: OpenApi;
  /** The path of the page. */
  readonly here: string;
  readonly children: Child;
}

const guideParts = [
  ["first-call", "A first call"],
  ["credentials", "Credentials"],
  ["limits", "Limits"],
  ["retries", "Safe retries"],
  ["problems", "Problems"],
  ["lists", "Lists"],
  ["reading", "Reading your writes"],
  ["browsers", "From a browser"],
  ["client", "TypeScript client"],
  ["growth", "What may change"],
] as const;

/** Navigation beside a page; the whole document, without a script, is readable. */
export function Layout({ title, document, here, children }: LayoutProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · Keyline`}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/docs/assets/style.css" />
        <script type="module" src="/docs/assets/try.js" />
      </head>
      <body>
        <a class="skip" href="#content">
          To the content
        </a>
        <header class="top">
          <a class="brand" href="/docs">
            <Mark /> Keyline <span>API</span>
          </a>
          <Credentials />
        </header>
        <div class="columns">
          <nav aria-label="Contents">
            <details class="menu" open>
              <summary>Contents</summary>
              <Contents document={document} here={here} />
            </details>
          </nav>
          <main id="content">{children}</main>
        </div>
      </body>
    </html>
  );
}

function Contents({ document, here }: Pick<LayoutProps, "document" | "here">) {
  const names = document.tags.map(({ name }) => name);
  return (
    <div class="contents">
      <input
        type="search"
        class="find"
        placeholder="Find an operation"
        aria-label="Find an operation"
        aria-keyshortcuts="/"
        hidden
      />
      <p class="nothing">No operation has all these words.</p>
      <h2>Guide</h2>
      <ul>
        {guideParts.map(([id, label]) => (
          <li>
            <a href={`/docs#${id}`}>{label}</a>
          </li>
        ))}
      </ul>
      <h2>Resources</h2>
      <Tags document={document} here={here} names={names.filter((name) => !isPublicTag(document, name))} />
      <h2>This deployment</h2>
      <Tags document={document} here={here} names={names.filter((name) => isPublicTag(document, name))} />
      <h2>Reference</h2>
      <ul>
        <li>
          <a href="/docs/problems" {...(here === "/docs/problems" ? { "aria-current": "page" } : {})}>
            All problems
          </a>
        </li>
        <li>
          <a href="/docs/protection" {...(here === "/docs/protection" ? { "aria-current": "page" } : {})}>
            What protects what
          </a>
        </li>
        <li>
          <a href="/openapi.json">OpenAPI 3.1</a>
        </li>
        <li>
          <a href="/openapi-3.0.json">OpenAPI 3.0.3</a>
        </li>
        <li>
          <a href="/security" {...(here === "/security" ? { "aria-current": "page" } : {})}>
            Security
          </a>
        </li>
      </ul>
    </div>
  );
}

function Tags({
  document,
  here,
  names,
}: Pick<LayoutProps, "document" | "here"> & { names: readonly string[] }) {
  return (
    <ul class="tags">
      {names.map((name) => (
        <li>
          <a href={`/docs/${name}`} {...(here === `/docs/${name}` ? { "aria-current": "page" } : {})}>
            {titleOf(name)}
          </a>
          <Operations document={document} tag={name} />
        </li>
      ))}
    </ul>
  );
}

function Operations({ document, tag }: { document: OpenApi; tag: string }) {
  return (
    <ul class="operations">
      {operationsOf(document, tag).map(({ id, method, operation }) => (
        <li data-words={`${id} ${operation.summary}`.toLowerCase()}>
          <a href={`/docs/${tag}#${id}`} title={operation.summary}>
            <Method method={method} /> {id.split(".")[1]}
          </a>
        </li>
      ))}
    </ul>
  );
}

function Credentials() {
  return (
    <form class="credentials" autocomplete="off" hidden>
      <label>
        Tenant <input name="tenant" placeholder="slug or id" spellcheck={false} autocomplete="off" />
      </label>
      <label>
        Key <input name="key" type="password" placeholder="kl_…" spellcheck={false} autocomplete="off" />
      </label>
      <small>Kept in this tab's memory only.</small>
    </form>
  );
}

export function Mark() {
  return (
    <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
      <path d="M3 8V3h5M16 3h5v5M21 16v5h-5M8 21H3v-5" fill="none" stroke="currentColor" stroke-width="1.5" />
      <circle cx="12" cy="12" r="4" fill="none" stroke="var(--accent)" stroke-width="2.5" />
    </svg>
  );
}

export function titleOf(tag: string): string {
  return tag === "api-keys" ? "API keys" : tag.charAt(0).toUpperCase() + tag.slice(1).replaceAll("-", " ");
}
