import { globSync, readFileSync } from "node:fs";
import { imports } from "./imports.ts";
import { checkMigration } from "./migrations.ts";
import { bindings, chance, clock, output } from "./ports.ts";
import { production } from "./production.ts";
import { check, type Finding, type Rule } from "./source.ts";
import { sqlStrings } from "./sql-strings.ts";
import { style } from "./style.ts";

export const rules: readonly Rule[] = [
  imports,
  clock,
  chance,
  output,
  bindings,
  production,
  sqlStrings,
  style,
];

if (import.meta.main) {
  const findings = checkTree();
  for (const { path, line, message } of findings) console.error(`${path}:${line}  ${message}`);
  console.log(
    findings.length === 0
      ? "The house is in order."
      : `\n${findings.length} against the house's rules (test/lint).`,
  );
  process.exitCode = findings.length === 0 ? 0 : 1;
}

function checkTree(): Finding[] {
  const files = globSync(["src/**/*.{ts,tsx}", "test/**/*.{ts,tsx}", "migrations/*/*"]).map((path) =>
    path.replaceAll("\\", "/"),
  );
  return files.sort().flatMap((path) => {
    const text = readFileSync(path, "utf8");
    return path.startsWith("migrations/") ? checkMigration(path, text) : check(path, text, rules);
  });
}
