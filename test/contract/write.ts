import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { document, generated } from "./generated.ts";

// `npm run client`; with `--reports`, what the linters of the contract read.

const files = process.argv.includes("--reports")
  ? {
      ".wrangler/reports/openapi.json": JSON.stringify(document("3.1"), null, 2),
      ".wrangler/reports/openapi-3.0.json": JSON.stringify(document("3.0"), null, 2),
    }
  : await generated();
for (const [path, text] of Object.entries(files)) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
