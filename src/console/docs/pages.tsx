import type { Child } from "hono/jsx";
import type { OpenApi } from "#http/openapi/types.ts";
import { TextAnswer } from "#http/text-answer.ts";
import { Guide } from "./guide.tsx";
import { Layout, titleOf } from "./layout.tsx";
import { ProblemsPage } from "./problems.tsx";
import { ProtectionPage } from "./protection.tsx";
import { ResourcePage } from "./resource.tsx";
import { SecurityPage } from "./security.tsx";
import { style } from "./style.ts";
import script from "./try.mjs";

export interface Source {
  readonly document: OpenApi;
  readonly origin: string;
  readonly contacts: readonly string[];
}

// Everything a page loads or calls is of its own origin, and nothing stands inline.
const headers = {
  "Content-Security-Policy":
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Cross-Origin-Opener-Policy": "same-origin",
};

/** The page of this path; null where there is none. */
export function docsPage(path: string, source: Source): TextAnswer | null {
  if (path === "/docs/assets/style.css") return new TextAnswer(style);
  if (path === "/docs/assets/try.js") return new TextAnswer(script);
  const found = contentOf(path, source);
  if (!found) return null;
  const page = (
    <Layout title={found.title} document={source.document} here={path}>
      {found.content}
    </Layout>
  );
  return new TextAnswer(`<!doctype html>${page.toString()}`, headers);
}

function contentOf(
  path: string,
  { document, origin, contacts }: Source,
): { title: string; content: Child } | null {
  if (path === "/docs") return { title: "Guide", content: <Guide document={document} origin={origin} /> };
  if (path === "/docs/problems") return { title: "Problems", content: <ProblemsPage /> };
  if (path === "/docs/protection") return { title: "What protects what", content: <ProtectionPage /> };
  if (path === "/security")
    return { title: "Security", content: <SecurityPage contacts={contacts} origin={origin} /> };
  const tag = path.replace("/docs/", "");
  if (!document.tags.some(({ name }) => name === tag)) return null;
  return {
    title: titleOf(tag),
    content: <ResourcePage document={document} tag={tag} origin={origin} />,
  };
}
