import { expect, test } from "vitest";
import { commonPasswords } from "#identity/passwords/common-passwords.ts";
import {
  afterBreachCheck,
  faultsOf,
  type PasswordFault,
  type PasswordOwner,
} from "#identity/passwords/password-rules.ts";

const ada: PasswordOwner = {
  email: "ada.byron@engine-works.example",
  name: "Ada Lovelace",
  tenants: ["Brück & Söhne", "harbour-studio"],
  isPrivileged: false,
};
const owner = { ...ada, isPrivileged: true };

/** By hand: a password and the rules it breaks. */
function hold(cases: Readonly<Record<string, readonly PasswordFault[]>>, whose: PasswordOwner = ada): void {
  for (const [password, faults] of Object.entries(cases))
    expect([password, faultsOf(password, whose)]).toEqual([password, faults]);
}

test("12 to 128 characters are let in, counted as people count them after NFKC", () => {
  hold({
    "": ["too-short"],
    "quiet-river": ["too-short"],
    "quiet-rivers": [],
    [`${"🐎🦔".repeat(5)}🐎`]: ["too-short"],
    ["🐎🦔".repeat(6)]: [],
    ["🐎🦔".repeat(64)]: [],
    [`${"🐎🦔".repeat(64)}x`]: ["too-long"],
    // One character that NFKC makes eighteen of, and eleven that it makes of twenty-two.
    ﷺ: [],
    ["u\u0308".repeat(11)]: ["too-short"],
    ["u\u0308".repeat(128)]: [],
  });
});

test("a megabyte is too long, and nothing else is asked of it", () => {
  expect(faultsOf("1".repeat(2 ** 20), owner)).toEqual(["too-long"]);
});

test("who is privileged needs both cases, a number and a symbol; others do not", () => {
  const cases: Record<string, PasswordFault[]> = {
    "quiet rivers run": ["no-mixed-case", "no-number"],
    "QUIET RIVERS RUN 7": ["no-mixed-case"],
    QuietRiversRun: ["no-number", "no-symbol"],
    QuietRiversRun7: ["no-symbol"],
    "Quiet rivers run 7": [],
    "Quiet-Rivers-Run": ["no-number"],
    // Letters without case, and numbers of other scripts.
    静かな川が海へ流れる朝に: ["no-mixed-case", "no-number", "no-symbol"],
    "Тихие реки текут ٣": [],
    // A mark is of the letter before it.
    "Ṇoisẹriversrun7\u0323": ["no-symbol"],
  };
  hold(cases, owner);
  for (const password of Object.keys(cases)) expect(faultsOf(password, ada), password).toEqual([]);
});

test("the e-mail address and its words of four letters and more are refused, in any case and spelling", () => {
  hold({
    "ada.byron@engine-works.example": ["contains-email"],
    "my BYRON password": ["contains-email"],
    "my ｂｙｒｏｎ password": ["contains-email"],
    "my byrón password": ["contains-email"],
    "my 8yr0n password": ["contains-email"],
    xxenginexxxxx: ["contains-email"],
    "hard works only": ["contains-email"],
    // Three letters are in too many others.
    "canada geese fly": [],
  });
  const short = { ...ada, email: "Jo@a.io" };
  hold({ "tell jo@a.io hello": ["contains-email"], "tell jo of aio hello": [] }, short);
  hold({ "tell nobody hello": [] }, { ...ada, email: "", name: "", tenants: [] });
});

test("the words of the name and of the tenants are refused", () => {
  hold({
    xLOVELACExxxx: ["contains-name"],
    "l0v3lac3 forever": ["contains-name"],
    "1ove!ace forever": ["contains-name"],
    "x love lace xxx": [],
    "the brucks dance": ["contains-tenant"],
    "the BRÜCKs dance": ["contains-tenant"],
    "harbour lights": ["contains-tenant"],
    "my $tud10 is red": ["contains-tenant"],
    "lovelace byron harbour": ["contains-email", "contains-name", "contains-tenant"],
  });
});

test("a word that has numbers of its own is found as it is", () => {
  hold({ "all of studio54!": ["contains-tenant"] }, { ...ada, tenants: ["Studio54"] });
});

test("the commonest passwords are refused, with numbers and symbols around them and look-alikes in them", () => {
  hold({
    passwordpassword: ["common"],
    "1qaz2wsx3edc": ["common"],
    "1QAZ2WSX3EDC": ["common"],
    password1234: ["common"],
    "Password2026!": ["common"],
    "P@ssw0rd2026!": ["common"],
    "pa$$word!!!!": ["common"],
    "2026-password": ["common"],
    "!!Passw0rd!!": ["common"],
    "iloveyou-4711": ["common"],
    "1l0v3y0u-4711": ["common"],
    "1etmein-4711": ["common"],
    // A look-alike at its end belongs to it: chelsea.
    "Ch3ls34-2026": ["common"],
    mustang196869: ["common"],
    "123456789012": ["common"],
    "123456!!!!!!": ["common"],
    "111111111111": ["common"],
    unbelievable: ["common"],
    Unbelievable7: ["common"],
    password: ["too-short", "common"],
    // A word more is another password.
    "password hedgehog": [],
    "hedgehog password": [],
    "dragon-monkey": [],
    "9471 0386 5520": [],
  });
});

test("the list is whole: the first and the last of the 3,000, and every longer one", () => {
  const listed = commonPasswords.trim().split(/\s+/);
  expect(listed).toEqual(expect.arrayContaining(["123456", "warlord", "qazxswedc123"]));
  expect(new Set(listed).size).toBe(3300);
  expect(listed.filter((password) => password.length >= 12)).toHaveLength(308);
  for (const password of listed) expect(faultsOf(password, ada), password).toContain("common");
});

test("what was breached is refused; where nobody can tell, so is who is privileged, and others are asked about again", () => {
  for (const { isPrivileged } of [ada, owner]) {
    expect(afterBreachCheck("breached", { isPrivileged })).toEqual({ fault: "breached", mustRecheck: false });
    expect(afterBreachCheck("clear", { isPrivileged })).toEqual({ fault: null, mustRecheck: false });
  }
  expect(afterBreachCheck("unavailable", owner)).toEqual({ fault: "unchecked", mustRecheck: false });
  expect(afterBreachCheck("unavailable", ada)).toEqual({ fault: null, mustRecheck: true });
});
