/** Where tests say what DNS has: `PUT https://zone.test/?name=…` with a JSON array of texts. */
export const zoneHost = "zone.test";

const texts = new Map<string, readonly string[]>();

export async function zoneServer(request: Request): Promise<Response> {
  const name = new URL(request.url).searchParams.get("name") ?? "";
  texts.set(name, (await request.json()) as string[]);
  return new Response(null, { status: 204 });
}

/** The TXT records of a name, as a resolver has them in JSON. */
export function txtAnswer(name: string): object {
  const found = texts.get(name);
  const records = (found ?? []).map((text) => ({ name, type: 16, TTL: 60, data: JSON.stringify(text) }));
  return { Status: found ? 0 : 3, TC: false, Answer: records };
}
