import { utf8 } from "#lib/utf8.ts";
import { mostPartBytes } from "#resources/files/rules.ts";
import type { Call } from "#test/client.ts";
import type { Example } from "#test/examples.ts";
import type { TestTenant } from "#test/world.ts";

type Ask = (tenant: TestTenant, name: string, input: Call) => Promise<{ id: string }>;

const pdf = utf8("%PDF-1.7\n% an example\n");
const content = { name: "proof.pdf", mediaType: "application/pdf" };

/** Of files, each on an order of its own that everybody reaches who reaches anything. */
export function fileExamples(
  made: Ask,
  newOrder: (tenant: TestTenant) => Promise<string>,
): Readonly<Record<string, Example>> {
  const announced = async (tenant: TestTenant) => {
    const { id: fileId } = await made(tenant, "files.create", {
      body: { ...content, orderId: await newOrder(tenant) },
    });
    return { params: { fileId } };
  };
  const uploaded = async (tenant: TestTenant) => {
    const input = await announced(tenant);
    await made(tenant, "files.upload", { ...input, bytes: pdf });
    return input;
  };
  const begun = async (tenant: TestTenant) => {
    const input = await announced(tenant);
    await made(tenant, "files.begin", { ...input, body: { size: pdf.length, partSize: mostPartBytes } });
    return { params: { ...input.params, number: "1" } };
  };
  const sent = async (tenant: TestTenant) => {
    const input = await begun(tenant);
    await made(tenant, "files.uploadPart", { ...input, bytes: pdf });
    return { params: { fileId: input.params.fileId } };
  };
  return {
    "files.list": {
      needs: "files:read",
      queryIds: ["customerId", "orderId", "documentId"],
      make: ({ orderId }) => ({ query: { limit: "5", orderId } }),
    },
    "files.get": { needs: "files:read", make: announced },
    "files.create": {
      needs: "files:write",
      bodyIds: ["/customerId", "/orderId"],
      make: ({ orderId }) => ({ body: { ...content, orderId } }),
    },
    "files.update": {
      needs: "files:write",
      bodyIds: ["/orderId"],
      make: async (tenant) => ({
        ...(await announced(tenant)),
        body: { name: "proof 2.pdf", orderId: await newOrder(tenant) },
      }),
    },
    "files.revise": {
      needs: "files:write",
      make: async (tenant) => ({ ...(await uploaded(tenant)), body: { mediaType: "application/pdf" } }),
    },
    "files.upload": {
      needs: "files:write",
      make: async (tenant) => ({ ...(await announced(tenant)), bytes: pdf }),
    },
    "files.download": { needs: "files:read", make: uploaded },
    "files.begin": {
      needs: "files:write",
      make: async (tenant) => ({
        ...(await announced(tenant)),
        body: { size: pdf.length, partSize: mostPartBytes },
      }),
    },
    "files.uploadPart": {
      needs: "files:write",
      make: async (tenant) => ({ ...(await begun(tenant)), bytes: pdf }),
    },
    "files.parts": { needs: "files:read", make: sent },
    "files.complete": { needs: "files:write", make: sent },
    "files.remove": { needs: "files:write", make: uploaded },
    "files.restore": {
      needs: "files:write",
      async make(tenant) {
        const input = await uploaded(tenant);
        await made(tenant, "files.remove", input);
        return input;
      },
    },
  };
}
