import { z } from "zod";
import { writtenAs } from "#http/media.ts";
import { openApi } from "#http/openapi/document.ts";
import type { OpenApi, Version } from "#http/openapi/types.ts";
import { effectOperation, readOperation } from "#http/operation.ts";
import { abouts } from "#resources/abouts.ts";
import { registry } from "#resources/index.ts";

// A contract with bytes in both directions, declared as any other.

const declared = { mount: "tenant", can: "files:read", store: "cell" } as const;
const mostBytes = 95_000_000;
const nobodyCalls = () => Promise.reject(new Error("It is only told of."));

const photos = {
  download: readOperation({
    ...declared,
    method: "get",
    path: "/photos/{photo}",
    summary: "Download a photo",
    params: z.object({ photo: z.string().max(9).meta({ pattern: "^[a-z]+$" }) }),
    returns: writtenAs(z.object({}), { kind: "bytes", type: "*/*", mostBytes }),
    problems: ["not-found", "precondition-failed"],
    run: nobodyCalls,
  }),
  upload: effectOperation({
    ...declared,
    method: "put",
    path: "/photos/{photo}",
    summary: "Upload a photo",
    params: z.object({ photo: z.string().max(9).meta({ pattern: "^[a-z]+$" }) }),
    body: writtenAs(z.object({ size: z.int() }), {
      kind: "bytes",
      type: "application/octet-stream",
      mostBytes,
    }),
    returns: z.object({ size: z.int().min(0).max(mostBytes) }).meta({ id: "Photo" }),
    problems: ["not-found"],
    intent: z.object({}),
    resumeAfterSeconds: 60,
    intend: nobodyCalls,
    perform: nobodyCalls,
    settle: nobodyCalls,
  }),
};

export function photoContract(version: Version): OpenApi {
  const { system } = registry;
  return openApi(
    { photos, system },
    { ...abouts, photos: "Photos." },
    "https://api.keyline.example",
    version,
  );
}
