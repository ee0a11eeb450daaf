import { utf8 } from "#lib/utf8.ts";

/** A POST of JSON whose body is read only after whoever sends it was let in, and after `meanwhile`. */
export function slowPost(path: string, as: string, body: unknown, meanwhile: () => void): Request {
  const slow = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        meanwhile();
        controller.enqueue(utf8(JSON.stringify(body)));
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${as}` };
  return new Request(new URL(path, "http://localhost:8787"), { method: "POST", headers, body: slow });
}
