import { type Finding, lineAt } from "./source.ts";
import { limitProblems, masked } from "./sql.ts";

/** Remote D1 splits a migration on `;` with little understanding of SQL, so ours are written for a naive reader. */
export function checkMigration(path: string, text: string): Finding[] {
  const bare = masked(text);
  const findings: Finding[] = [];
  const report = (offset: number, message: string) =>
    findings.push({ path, line: lineAt(text, offset), message });

  if (!/\/\d{4}_[a-z0-9_]+\.sql$/.test(path))
    report(0, "migrations are named 0001_what_it_does.sql, as wrangler numbers them");
  if (text.includes("\r"))
    report(
      text.indexOf("\r"),
      "CR line ending: remote migrations need LF; .gitattributes sets it, run `git add --renormalize .`",
    );
  if (!text.endsWith("\n")) report(text.length, "ends without a line feed: add one");

  const ends = statementEnds(bare);
  const naiveEnds = statementEnds(text);
  const odd = naiveEnds.find((end) => !ends.includes(end)) ?? ends.find((end) => !naiveEnds.includes(end));
  if (odd !== undefined)
    report(
      odd,
      "a naive split on `;` outside BEGIN…END goes wrong here: keep `;`, BEGIN and END out of comments and strings",
    );

  let start = 0;
  for (const end of [...ends, text.length]) {
    const statement = bare.slice(start, end);
    const offset = start + (/\S/.exec(statement)?.index ?? 0);
    const problem = statement.trim() === "" ? null : statementProblem(statement.trim());
    if (problem) report(offset, problem);
    if (end === text.length && statement.trim() !== "")
      report(offset, "the last statement has no `;`, or a BEGIN has no END: close it");
    start = end + 1;
  }
  for (const { offset, message } of limitProblems(text)) report(offset, message);
  return findings;
}

/** Offsets of the semicolons outside BEGIN…END, found as naively as the remote splitter does. */
function statementEnds(sql: string): number[] {
  const ends: number[] = [];
  let depth = 0;
  for (const { 0: word, index } of sql.matchAll(/\bbegin\b|\bend\b|;/gi)) {
    if (/begin/i.test(word)) depth += 1;
    else if (/end/i.test(word)) depth = Math.max(0, depth - 1);
    else if (depth === 0) ends.push(index);
  }
  return ends;
}

function statementProblem(statement: string): string | null {
  const trigger = /^create\s+trigger\b[\s\S]*?\bbegin\b([\s\S]*)\bend\b/i.exec(statement);
  if (trigger) return triggerProblem(trigger[1] ?? "", statement);
  if (/^create\s+(temp\s+)?table\b/i.test(statement) && !/\)[^()]*\bstrict\b[^()]*$/i.test(statement)) {
    const name = /table\s+(?:if\s+not\s+exists\s+)?(\w+)/i.exec(statement)?.[1];
    return `table ${name} is not STRICT: end it with \`) strict;\`, so that a column holds only its type`;
  }
  if (/^(begin|commit|rollback|savepoint)\b/i.test(statement))
    return "D1 refuses transactions in SQL: a migration file is one by itself";
  return null;
}

function triggerProblem(body: string, statement: string): string | null {
  if (/\bcase\b/i.test(statement))
    return "CASE in a trigger: its END ends the trigger for the remote splitter; put the predicate in WHEN";
  const statements = body.split(";").filter((part) => part.trim() !== "").length;
  if (statements !== 1) return `a trigger body of ${statements} statements: write one trigger per statement`;
  return null;
}
