import { spawnSync } from "node:child_process";
import { openApi } from "#http/openapi/document.ts";
import type { OpenApi, Version } from "#http/openapi/types.ts";
import { abouts } from "#resources/abouts.ts";
import { registry } from "#resources/index.ts";
import { clientTypes } from "./client-types.ts";
import { commonPasswordsModule } from "./common-passwords.ts";
import { schemaDigestsModule } from "./schema-digests.ts";

/** The contract as it would be published by a deployment at that address. */
export function document(version: Version = "3.1"): OpenApi {
  return openApi(registry, abouts, "https://api.keyline.example", version);
}

/** What is committed because of what operations declare, migrations make and a package lists. `npm run client` writes it; a check holds it current. */
export async function generated(): Promise<Readonly<Record<string, string>>> {
  const contract = document();
  return {
    "test/openapi.snapshot.json": `${JSON.stringify(contract, null, 2)}\n`,
    "src/db/schema-digests.ts": formatted("src/db/schema-digests.ts", await schemaDigestsModule()),
    "src/identity/passwords/common-passwords.ts": formatted(
      "src/identity/passwords/common-passwords.ts",
      commonPasswordsModule(),
    ),
    "src/client/operations.ts": formatted("src/client/operations.ts", clientTypes(contract)),
  };
}

function formatted(path: string, text: string): string {
  const args = ["format", "--config-path", ".config", `--stdin-file-path=${path}`];
  const { status, stdout, stderr } = spawnSync("biome", args, { input: text, encoding: "utf8" });
  if (status !== 0) throw new Error(`Biome refuses the generated ${path}:\n${stderr}`);
  return stdout;
}
