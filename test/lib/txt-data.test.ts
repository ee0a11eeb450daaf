import { expect, test } from "vitest";
import { textOfTxtData } from "#lib/txt-data.ts";

test("a TXT record's text is whole, however a resolver writes it", () => {
  const written: readonly [string, string][] = [
    ['"one text"', "one text"],
    ['"one " "text"', "one text"],
    ['"one ""text"', "one text"],
    ["one text", "one text"],
    ['"say \\"a\\" and \\\\"', 'say "a" and \\'],
    ['"a\\059b"', "a;b"],
    ['""', ""],
    ["", ""],
    ['"" "b"', "b"],
    ['"never closed', ""],
  ];
  for (const [data, text] of written) expect([data, textOfTxtData(data)]).toEqual([data, text]);
});
