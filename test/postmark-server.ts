export const postmarkHost = "api.postmark.test";
/** What a deployment needs to send by it, and what its webhooks bring. */
export const postmarkBindings = {
  POSTMARK_URL: `https://${postmarkHost}`,
  POSTMARK_SERVER_TOKEN: "a server's token",
  POSTMARK_WEBHOOK_PASSWORD: "a password of 32 characters, or so",
} as const;
export const postmarkAuthorization = `Basic ${btoa(`postmark:${postmarkBindings.POSTMARK_WEBHOOK_PASSWORD}`)}`;

const taken = new Map<string, { headers: Record<string, string>; mail: Record<string, unknown> }[]>();

/** Postmark's API as far as we call it; how it takes a mail follows from the word before the recipient's first dash. */
export async function postmarkServer(request: Request): Promise<Response> {
  const url = new URL(request.url);
  if (url.pathname === "/taken") return Response.json(taken.get(url.searchParams.get("to") ?? "") ?? []);
  if (request.method !== "POST" || url.pathname !== "/email")
    return new Response("not here", { status: 404 });
  if (request.headers.get("x-postmark-server-token") !== postmarkBindings.POSTMARK_SERVER_TOKEN)
    return Response.json({ ErrorCode: 10, Message: "Bad or missing API token" }, { status: 401 });
  const mail = (await request.json()) as Record<string, unknown>;
  const to = String(mail.To);
  taken.set(to, [...(taken.get(to) ?? []), { headers: Object.fromEntries(request.headers), mail }]);
  return await answerTo(to);
}

async function answerTo(to: string): Promise<Response> {
  const refused = (ErrorCode: number) => Response.json({ ErrorCode, Message: `No: ${to}` }, { status: 422 });
  switch (to.split("-")[0]) {
    case "inactive":
      return refused(406);
    case "invalid":
      return refused(300);
    case "unapproved":
      return refused(412);
    case "busy":
      return new Response("later", { status: 429, headers: { "Retry-After": "600" } });
    case "down":
      return new Response("<h1>We are down</h1>", { status: 503 });
    case "broken":
      return new Response('{"ErrorCode":', { status: 200 });
    case "captive":
      return new Response("<html>Welcome to the airport</html>", { status: 200 });
    case "huge":
      return Response.json({ ErrorCode: 0, MessageID: "1", Message: " ".repeat(100_000) });
    case "elsewhere":
      return new Response(null, { status: 302, headers: { Location: "https://elsewhere.example/" } });
    case "slow":
      return await new Promise(() => undefined);
    default:
      return Response.json({ ErrorCode: 0, Message: "OK", To: to, MessageID: crypto.randomUUID() });
  }
}
