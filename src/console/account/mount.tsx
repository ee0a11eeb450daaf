import type { Hono } from "hono";
import { directoryKeys } from "#gate/directory-keys.ts";
import type { AppTypes, RequestContext } from "#http/request-state.ts";
import { respond } from "#http/respond.ts";
import { fromUtf8 } from "#lib/utf8.ts";
import { boundedBody } from "#platform/bounded-body.ts";
import { errorFields, log } from "#platform/log.ts";
import { siteName } from "#platform/mail/mailer.ts";
import { ask, Needed } from "./ask.ts";
import { type Browser, browserOf, isSameOrigin, sessionCookie } from "./cookies.ts";
import { flowCookie } from "./flow-cookie.ts";
import { Layout } from "./layout.tsx";
import { accountPages, type PagePath } from "./pages.ts";
import { Notice } from "./parts.tsx";
import script from "./passkey.mjs";
import style from "./style/account.css";
import { type AccountPage, destinationOf, type Handler, type Reply, shown } from "./visit.ts";

const mostFormBytes = 16 * 1024;
const pagePolicy = (formsTo: string) =>
  `default-src 'none'; style-src 'self'; img-src data:; form-action ${formsTo}; base-uri 'none'; frame-ancestors 'none'`;
const scriptPolicy = "; script-src 'self'; connect-src 'self'";
const assets = {
  "/account.css": [String(style), "text/css"],
  "/passkey.js": [String(script), "text/javascript"],
} as const;

/** Our own pages, beside the door and within its frame: each calls operations, and decides nothing by itself. */
export function mountAccountPages(app: Hono<AppTypes>): void {
  for (const [path, [text, type]] of Object.entries(assets))
    app.get(path, async (c) =>
      respond(c, 200, text, { "Content-Type": `${type}; charset=utf-8`, "Cache-Control": "no-cache" }),
    );
  for (const [path, page] of Object.entries(accountPages) as [PagePath, AccountPage][]) {
    app.get(path, async (c) => await served(app, c, page, page.get));
    const { post } = page;
    if (post) app.post(path, async (c) => await served(app, c, page, post));
  }
}

async function served(
  app: Hono<AppTypes>,
  c: RequestContext,
  page: AccountPage,
  handle: Handler,
): Promise<Response> {
  c.get("state").operation = `page ${c.req.path}`;
  const { ring } = await directoryKeys(c.env, () => true);
  const key = ring.indexKey();
  const browser = await browserOf(c, key);
  const reply = await replyOf(app, c, browser, page, handle);
  return await answer(c, browser, key, reply);
}

async function replyOf(
  app: Hono<AppTypes>,
  c: RequestContext,
  browser: Browser,
  page: AccountPage,
  handle: Handler,
): Promise<Reply> {
  const { user } = browser;
  try {
    const fields =
      c.req.method === "POST" ? await sentForm(c, browser, page) : new URL(c.req.url).searchParams;
    if (!(fields instanceof URLSearchParams)) return fields;
    if (page.isOwn && !user) throw new Needed("sign-in");
    return await handle({
      c,
      user,
      fields,
      formToken: browser.formToken,
      kept: browser.kept,
      siteName: siteName(c.env),
      ask: (...asked) => ask(c, (request) => app.fetch(request, c.env, c.executionCtx), user, asked),
    });
  } catch (error) {
    if (error instanceof Needed) return sentOn(c, error);
    log("error", "unexpected error", { requestId: c.get("state").requestId, ...errorFields(error) });
    const content = (
      <Notice title="Something went wrong">
        <p>It is our fault, and we have been told. Please try again in a moment.</p>
        <p class="aside">Request {c.get("state").requestId}</p>
      </Notice>
    );
    return { ...shown("Something went wrong", content), status: 500 };
  }
}

/** The form, once it is known that a page of ours sent it, made for this very browser. */
async function sentForm(
  c: RequestContext,
  browser: Browser,
  { isFromElsewhere }: AccountPage,
): Promise<URLSearchParams | Reply> {
  const type = c.req.header("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded(?:;|$)/i.test(type)) return refused(415);
  const bytes = await boundedBody(new Response(c.req.raw.body), mostFormBytes).catch(() => null);
  if (bytes === null) return refused(413);
  const form = new URLSearchParams(fromUtf8(bytes) ?? "");
  if (isFromElsewhere) return form;
  return isSameOrigin(c) && (await browser.sent(form)) ? form : refused(403);
}

function refused(status: number): Reply {
  const content = (
    <Notice title="Please try that again">
      <p>
        This form was open for too long, or was not sent by our own page, so nothing was done. Open the page
        anew and send it from there.
      </p>
      <a class="button" href="/home">
        Go on
      </a>
    </Notice>
  );
  return { ...shown("Please try that again", content), status };
}

function sentOn(c: RequestContext, { what }: Needed): Reply {
  const { search } = new URL(c.req.url);
  // Of all pages these alone are nothing without what stands in their address.
  const here = ["/oauth/authorize", "/join"].includes(c.req.path) ? `${c.req.path}${search}` : c.req.path;
  const asked = new URLSearchParams({ continue: here });
  const to = `continue=${encodeURIComponent(destinationOf(asked))}`;
  return what === "proof" ? { to: `/prove?${to}` } : { to: `/sign-in?${to}`, session: null };
}

async function answer(c: RequestContext, browser: Browser, key: CryptoKey, reply: Reply): Promise<Response> {
  const { page, to, session, hasScript = false } = reply;
  const user = session === undefined ? browser.user : session;
  const html = page && (
    <Layout
      title={page.title}
      siteName={siteName(c.env)}
      here={c.req.path}
      hasScript={hasScript}
      {...menuOf(browser, user)}
    >
      {page.content}
    </Layout>
  );
  const made = html
    ? respond(c, reply.status ?? 200, `<!doctype html>${html.toString()}`, {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": `${pagePolicy(formsTo(reply))}${hasScript ? scriptPolicy : ""}`,
        "Cross-Origin-Opener-Policy": "same-origin",
      })
    : respond(c, 303, null, { Location: reply.away ?? to ?? "/home" });
  if (session !== undefined) made.headers.append("Set-Cookie", await sessionCookie(key, session));
  if (reply.flow !== undefined) made.headers.append("Set-Cookie", flowCookie(reply.flow, reply.isFormPost));
  if (browser.visit !== null) made.headers.append("Set-Cookie", browser.visit);
  return made;
}

// The origin alone of an https address; of another scheme, which a policy cannot say more of, the scheme.
function formsTo({ formTo }: Reply): string {
  if (formTo === undefined || !URL.canParse(formTo)) return "'self'";
  const { protocol, origin } = new URL(formTo);
  return `'self' ${protocol === "https:" ? origin : protocol}`;
}

// The form that signs out is made for the session as it was: a page that begins another shows no menu yet.
function menuOf({ user, formToken }: Browser, now: Browser["user"]): { formToken: string | null } {
  return { formToken: user !== null && user === now ? formToken : null };
}
