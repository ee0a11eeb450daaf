import { stripVTControlCharacters, styleText } from "node:util";
import type { Finding, Group } from "./finding.ts";

const marks = {
  green: styleText("green", "ok  ", { validateStream: false }),
  warning: styleText("yellow", "WARN", { validateStream: false }),
  red: styleText("red", "RED ", { validateStream: false }),
  unseen: styleText("yellow", "?   ", { validateStream: false }),
} as const;
const width = 100;

/** The findings as they are read: by group, each with its mark, and what to do right below what is not as it should be. */
export function report(groups: readonly Group[], isColoured: boolean): string {
  const blocks = groups.map(({ name, findings }) => [name, ...findings.flatMap(linesOf), ""].join("\n"));
  const text = [...blocks, summary(groups.flatMap(({ findings }) => findings))].join("\n");
  return isColoured ? text : stripVTControlCharacters(text);
}

function linesOf(finding: Finding): string[] {
  const mark = marks[finding.grade];
  if (finding.grade === "green") return folded(`  ${mark} `, finding.what);
  if (finding.grade !== "unseen")
    return [...folded(`  ${mark} `, finding.what), ...folded("       -> ", finding.todo)];
  return folded(`  ${mark} `, `${finding.what}: not looked at, because ${finding.because}`);
}

// Broken at blanks, each further line below the first one's words.
function folded(lead: string, text: string): string[] {
  const indent = stripVTControlCharacters(lead).length;
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && indent + last.length + 1 + word.length <= width)
      lines[lines.length - 1] += ` ${word}`;
    else lines.push(word);
  }
  return lines.map((line, at) => (at === 0 ? lead : " ".repeat(indent)) + line);
}

function summary(findings: readonly Finding[]): string {
  const count = (grade: Finding["grade"]) => findings.filter((finding) => finding.grade === grade).length;
  return `${count("green")} green, ${count("warning")} to see to, ${count("red")} red, ${count("unseen")} not looked at.`;
}
