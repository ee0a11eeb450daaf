export const twilioHost = "api.twilio.test";
const accountSid = `AC${"0a".repeat(16)}`;
/** What a deployment needs to send by it. */
export const twilioBindings = {
  TWILIO_URL: `https://${twilioHost}`,
  TWILIO_ACCOUNT_SID: accountSid,
  TWILIO_AUTH_TOKEN: "an account's token",
  SMS_FROM: "+15005550006",
} as const;

const taken = new Map<string, Record<string, string>[]>();

/** Twilio's Messages API as far as we call it; how it takes a text follows from the last digits of the number. */
export async function twilioServer(request: Request): Promise<Response> {
  const url = new URL(request.url);
  if (url.pathname === "/taken") return Response.json(taken.get(url.searchParams.get("to") ?? "") ?? []);
  if (request.method !== "POST" || url.pathname !== `/2010-04-01/Accounts/${accountSid}/Messages.json`)
    return Response.json({ code: 20404, message: "not here", status: 404 }, { status: 404 });
  const expected = `Basic ${btoa(`${accountSid}:${twilioBindings.TWILIO_AUTH_TOKEN}`)}`;
  if (request.headers.get("authorization") !== expected)
    return Response.json({ code: 20003, message: "Authenticate", status: 401 }, { status: 401 });
  const message = Object.fromEntries(new URLSearchParams(await request.text()));
  const to = message.To ?? "";
  taken.set(to, [...(taken.get(to) ?? []), message]);
  return await answerTo(to);
}

async function answerTo(to: string): Promise<Response> {
  const refused = (code: number, status: number, headers = {}) =>
    Response.json({ code, message: `No: ${to}`, status }, { status, headers });
  switch (to.slice(-3)) {
    case "211":
      return refused(21211, 400);
    case "610":
      return refused(21610, 400);
    case "429":
      return refused(20429, 429, { "Retry-After": "60" });
    case "503":
      return new Response("<h1>We are down</h1>", { status: 503 });
    case "400":
      return new Response("<h1>A proxy of nobody's</h1>", { status: 400 });
    case "201":
      return new Response('{"sid":', { status: 201 });
    case "302":
      return new Response(null, { status: 302, headers: { Location: "https://elsewhere.example/" } });
    case "000":
      return await new Promise(() => undefined);
    default:
      return Response.json({ sid: `SM${"1b".repeat(16)}`, status: "queued", to }, { status: 201 });
  }
}
