import { afterEach, expect, test, vi } from "vitest";
import { utf8 } from "#lib/utf8.ts";
import { auditSinks, sinkKeys } from "#platform/audit-sinks.ts";
import { putLocked } from "#platform/object-lock-store.ts";
import { envOf, newSink, type TestSink } from "#test/audit-sinks.ts";
import { signatureFault } from "#test/aws-signature.ts";
import { storesDomain } from "#test/store-server.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const welcome = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";

// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, its four examples.
const published: readonly (readonly [
  request: string,
  headers: Record<string, string>,
  body: string,
  signature: string,
])[] = [
  [
    "GET /test.txt",
    { range: "bytes=0-9", "x-amz-content-sha256": empty, "x-amz-date": "20130524T000000Z" },
    "",
    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  ],
  [
    "PUT /test$file.text",
    {
      date: "Fri, 24 May 2013 00:00:00 GMT",
      "x-amz-content-sha256": welcome,
      "x-amz-date": "20130524T000000Z",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
    },
    "Welcome to Amazon S3.",
    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  ],
  [
    "GET /?lifecycle",
    { "x-amz-content-sha256": empty, "x-amz-date": "20130524T000000Z" },
    "",
    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  ],
  [
    "GET /?prefix=J&max-keys=2",
    { "x-amz-content-sha256": empty, "x-amz-date": "20130524T000000Z" },
    "",
    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  ],
];

test.each(published)("the stand-in's reader of signatures takes Amazon's example %s", async (...example) => {
  const [request, headers, body, signature] = example;
  const fault = (of: string) => {
    const [method = "", path = ""] = of.split(" ");
    const names = ["host", ...Object.keys(headers)].toSorted((one, other) => (one < other ? -1 : 1));
    const authorization = `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=${names.join(";")},Signature=${signature}`;
    const url = `https://examplebucket.s3.amazonaws.com${path}`;
    return signatureFault(
      { method, url, headers: new Headers({ ...headers, authorization }), body: utf8(body) },
      {
        secrets: { AKIAIOSFODNN7EXAMPLE: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
        region: "us-east-1",
        nowMs: Date.parse("2013-05-24T00:00:00Z"),
      },
    );
  };
  expect(await fault(request)).toBeNull();
  expect(await fault(`${request}2`)).toBe("SignatureDoesNotMatch");
});

test("an object is put once, locked and summed, and again only as it is", async () => {
  const sink = await newSink();
  const before = Date.now();
  expect(await put(sink, "first")).toBeNull();
  expect(await put(sink, "first")).toBeNull();
  expect(await put(sink, "second")).toBe("holds-something-else");
  for (const other of ["firs", "first2", "", "First"])
    expect([other, await put(sink, other)]).toEqual([other, "holds-something-else"]);
  const { objects, refused } = await sink.told();
  expect(objects.map(({ key, base64 }) => [key, atob(base64)])).toEqual([
    ["acme-audit/keyline/ten_x/tile/0/000", "first"],
  ]);
  const retainedMs = Date.parse(objects[0]?.retainedUntil ?? "") - before;
  expect(Math.floor(retainedMs / 86_400_000)).toBe(3650);
  expect(new Set(refused)).toEqual(new Set(["PUT PreconditionFailed"]));
});

test("the store refuses what a thief of the bucket's address would try", async () => {
  const sink = await newSink();
  await put(sink, "first");
  const url = `https://${sink.name}${storesDomain}/acme-audit/keyline/ten_x/tile/0/000`;
  for (const method of ["PUT", "DELETE", "GET"])
    expect([method, (await fetch(url, { method })).status]).toEqual([method, 403]);
});

test("what a store answers is told by a closed list of faults", async () => {
  const sink = await newSink();
  const faults: unknown[] = [];
  for (const status of [301, 400, 401, 403, 404, 408, 429, 500, 503]) {
    await sink.behave({ fail: { times: 1, status } });
    faults.push([status, await put(sink, String(status))]);
  }
  expect(faults).toEqual([
    [301, "redirected"],
    [400, "rejected"],
    [401, "refused"],
    [403, "refused"],
    [404, "rejected"],
    [408, "failing"],
    [429, "failing"],
    [500, "failing"],
    [503, "failing"],
  ]);
  expect((await sink.told()).objects).toEqual([]);
  expect((await sink.told()).asked, "no redirect is followed").toBe(9);
});

test("a store whose other put is under way is asked again later, and another region's keys are refused", async () => {
  const sink = await newSink();
  await sink.behave({ fail: { times: 1, status: 409 } });
  expect(await put(sink, "first")).toBe("failing");
  await sink.behave({ region: "us-east-1" });
  expect(await put(sink, "first")).toBe("refused");
  await sink.behave({ secrets: { other: "x" } });
  expect(await put(sink, "first")).toBe("refused");
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no route")));
  expect(await put(sink, "first")).toBe("unreachable");
});

test("who does not answer in fifteen seconds is given up, in the middle of an answer too", async () => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  const sink = await newSink();
  let requests = 0;
  const hangs = (signal: AbortSignal) =>
    new ReadableStream({
      start: (controller) => signal.addEventListener("abort", () => controller.error(signal.reason)),
    });
  vi.stubGlobal("fetch", async (_url: URL, { method, signal }: { method: string; signal: AbortSignal }) => {
    requests += 1;
    return method === "PUT" ? new Response(null, { status: 412 }) : new Response(hangs(signal));
  });
  const outcome = put(sink, "first");
  let isOver = false;
  void outcome.then(() => {
    isOver = true;
  });
  await vi.advanceTimersByTimeAsync(14_999);
  expect([isOver, requests]).toEqual([false, 2]);
  await vi.advanceTimersByTimeAsync(1);
  expect(await outcome).toBe("timed-out");
});

test("of an object that is there no more is read than it should have", async () => {
  const sink = await newSink();
  let read = 0;
  const endless = new ReadableStream({
    pull(controller) {
      read += 5;
      controller.enqueue(utf8("first"));
    },
  });
  vi.stubGlobal("fetch", async (_url: URL, { method }: { method: string }) =>
    method === "PUT" ? new Response(null, { status: 412 }) : new Response(endless),
  );
  expect(await put(sink, "first")).toBe("holds-something-else");
  expect(read).toBeLessThan(50);
});

async function put(testSink: TestSink, text: string) {
  const { env } = envOf([testSink]);
  const [sink] = auditSinks(env);
  if (!sink) throw new Error("There is no sink.");
  return await putLocked(sink, sinkKeys(env, sink), "ten_x/tile/0/000", utf8(text));
}
