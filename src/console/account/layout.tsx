import type { Child } from "hono/jsx";
import { Mark } from "#console/docs/layout.tsx";

interface LayoutProps {
  readonly title: string;
  readonly siteName: string;
  readonly here: string;
  readonly hasScript: boolean;
  /** Null where nobody has signed in. */
  readonly formToken: string | null;
  readonly children: Child;
}

const menu = [
  ["/home", "Businesses"],
  ["/sessions", "Sessions"],
  ["/second-factor", "Second factor"],
  ["/account", "Account"],
] as const;

// Five would be too many for a phone: the way to these is by the account.
const within: Readonly<Record<string, string>> = { "/password": "/account", "/programs": "/account" };

function currentOf(here: string, path: string): { readonly "aria-current"?: "page" | "true" } {
  if (here === path) return { "aria-current": "page" };
  return within[here] === path ? { "aria-current": "true" } : {};
}

export function Layout({ title, siteName, here, hasScript, formToken, children }: LayoutProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>{`${title} · ${siteName}`}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/account.css" />
        {hasScript ? <script type="module" src="/passkey.js" /> : null}
      </head>
      <body class={formToken === null ? "stranger" : "own"}>
        <header>
          <a class="brand" href={formToken === null ? "/sign-in" : "/home"}>
            <Mark /> {siteName}
          </a>
          {formToken === null ? null : (
            <>
              <nav aria-label="Your account">
                {menu.map(([path, label]) => (
                  <a href={path} {...currentOf(here, path)}>
                    {label}
                  </a>
                ))}
              </nav>
              <form method="post" action="/sign-out">
                <input type="hidden" name="form" value={formToken} />
                <button type="submit" class="quiet">
                  Sign out
                </button>
              </form>
            </>
          )}
        </header>
        <main>{children}</main>
      </body>
    </html>
  );
}
