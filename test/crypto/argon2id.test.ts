import { afterEach, expect, test, vi } from "vitest";
import { argon2id, HashersBusy, hashPassword, verifyDecoy, verifyPassword } from "#crypto/argon2id.ts";

const now = Date.now();
const password = "correct horse battery staple";
const ofToday = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/;

afterEach(() => void vi.restoreAllMocks());

test("the test vector of RFC 9106 section 5.3", async () => {
  const of = (bytes: number, value: number) => new Uint8Array(bytes).fill(value);
  const given = { password: of(32, 1), salt: of(16, 2), secret: of(8, 3), ad: of(12, 4) };
  const tag = await argon2id({ ...given, parallelism: 4, passes: 3, memorySize: 32, tagLength: 32 }, now);
  expect(tag.toHex()).toBe("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
});

// The first three are of the reference implementation's own test.c, the others of OpenSSL by way of Node.
const known: readonly (readonly [string, string])[] = [
  ["password", "m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"],
  ["password", "m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"],
  ["password", "m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"],
  [password, "m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU"],
  [
    "zażółć gęślą jaźń 🐎",
    "m=19456,t=2,p=1$8PHy8/T19vf4+fr7/P3+/w$o70IJcJuemK6TT3z3QT94qK57a/rByn98uJW2iYSmlQ",
  ],
  [password, "m=12288,t=3,p=1$AAECAwQFBgcICQoLDA0ODw$zCibVAF529as+ScNsZ6sL/H9D4iI00ajMEqLvRaQY2E"],
  [
    password,
    "m=65536,t=3,p=4$AAECAwQFBgcICQoLDA0ODw$e0/lzgCghzWxlhNWCg+YNMlRwsodMm7cV51qRTu0u4WnTR+U3YJYpIs1NbN3yf1GULfGf+uCe/etwTjnx0dgjQ",
  ],
];
for (const [text, parameters] of known) {
  test(`a hash that others made (${parameters.slice(0, 20)}…) is verified, and no other password passes`, async () => {
    const phc = `$argon2id$v=19$${parameters}`;
    const needsRehash = !parameters.startsWith("m=19456,t=2,p=1$");
    expect(await verifyPassword(text, phc, now)).toEqual({ isMatch: true, needsRehash });
    expect(await verifyPassword(`${text}!`, phc, now)).toEqual({ isMatch: false, needsRehash: false });
  });
}

test("a password is hashed with a salt of its own, and verified by its hash only", async () => {
  const [one, other] = [await hashPassword(password, now), await hashPassword(password, now)];
  for (const phc of [one, other]) {
    expect(phc).toMatch(ofToday);
    expect(await verifyPassword(password, phc, now)).toEqual({ isMatch: true, needsRehash: false });
    for (const wrong of [password.toUpperCase(), `${password} `, password.slice(0, -1)])
      expect(await verifyPassword(wrong, phc, now), wrong).toEqual({ isMatch: false, needsRehash: false });
  }
  expect(one).not.toBe(other);
});

test("nothing of a long password is cut off", async () => {
  const long = "🐎".repeat(127);
  const phc = await hashPassword(`${long}a`, now);
  expect((await verifyPassword(`${long}a`, phc, now)).isMatch).toBe(true);
  expect((await verifyPassword(`${long}b`, phc, now)).isMatch).toBe(false);
});

test("however a keyboard composes a password, it is the same", async () => {
  const phc = await hashPassword("ﬁancée Ｗörld １２３", now);
  for (const same of ["fiancée Wörld 123", "fiance\u0301e Wo\u0308rld 123", "ﬁancée\u00a0Wörld 123"])
    expect((await verifyPassword(same, phc, now)).isMatch, same).toBe(true);
});

test("what can be no password is not hashed, and matches nothing at the cost of a hash", async () => {
  const phc = await hashPassword(password, now);
  for (const odd of ["", "\u0001", "7 bytes", "x".repeat(513)]) {
    await expect(hashPassword(odd, now), odd).rejects.toThrow(RangeError);
    const asked = vi.spyOn(WebAssembly.Memory.prototype, "grow");
    expect(await verifyPassword(odd, phc, now), odd).toEqual({ isMatch: false, needsRehash: false });
    expect(await verifyDecoy(odd, now), odd).toBe(false);
    expect(asked.mock.calls).toEqual([[0], [0]]);
    asked.mockRestore();
  }
});

test("who does not exist costs what a wrong password costs, and so does a row that was tampered with", async () => {
  const phc = await hashPassword(password, now);
  const instances = vi.spyOn(WebAssembly, "Instance");
  const attempts = {
    wrong: async () => (await verifyPassword("another horse", phc, now)).isMatch,
    unknown: () => verifyDecoy("another horse", now),
    gigabytes: async () => (await verifyPassword(password, phc.replace("m=19456", "m=4194304"), now)).isMatch,
    garbage: async () => (await verifyPassword(password, "hunter2", now)).isMatch,
  };
  for (const [what, attempt] of Object.entries(attempts)) {
    const asked = vi.spyOn(WebAssembly.Memory.prototype, "grow");
    expect(await attempt(), what).toBe(false);
    expect(asked.mock.calls, what).toEqual([[0]]);
    asked.mockRestore();
  }
  expect(instances).not.toHaveBeenCalled();
});

test("of ten at once nine are served, all of them right, and one is told to come again", async () => {
  const phc = await hashPassword(password, now);
  const texts = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? password : `wrong ${index}`));
  const outcomes = await Promise.allSettled(texts.map((text) => verifyPassword(text, phc, now)));
  expect(
    outcomes.slice(0, 9).map((outcome) => outcome.status === "fulfilled" && outcome.value.isMatch),
  ).toEqual(texts.slice(0, 9).map((text) => text === password));
  expect(outcomes[9]).toMatchObject({ status: "rejected", reason: expect.any(HashersBusy) });
  expect(outcomes[9]).toMatchObject({ reason: { retryAfterSeconds: 1 } });
  expect((await verifyPassword(password, phc, now)).isMatch).toBe(true);
});

test("who is refused is so for an account that does not exist as well, and before anything is computed", async () => {
  const waiting = Array.from({ length: 9 }, () => verifyDecoy(password, now));
  const asked = vi.spyOn(WebAssembly.Memory.prototype, "grow");
  await expect(verifyDecoy(password, now)).rejects.toBeInstanceOf(HashersBusy);
  await expect(hashPassword(password, now)).rejects.toBeInstanceOf(HashersBusy);
  expect(asked).not.toHaveBeenCalled();
  expect(await Promise.all(waiting)).toEqual(Array(9).fill(false));
});

test("forty in a row are one instance's work, which asks for no more memory than it began with", async () => {
  const phc = await hashPassword(password, now);
  const asked = vi.spyOn(WebAssembly.Memory.prototype, "grow");
  const instances = vi.spyOn(WebAssembly, "Instance");
  for (let count = 0; count < 40; count++)
    expect(await verifyPassword(count % 2 ? password : "another horse", phc, now)).toMatchObject({
      isMatch: count % 2 === 1,
    });
  expect(asked.mock.calls).toEqual(Array(40).fill([0]));
  expect(instances).not.toHaveBeenCalled();
});

test("after a computation that broke off the next one has an instance of its own", async () => {
  const phc = await hashPassword(password, now);
  const instances = vi.spyOn(WebAssembly, "Instance");
  const salt = new Uint8Array(16);
  // Four gigabytes are more than the instance can ever have.
  const tooMuch = { password: salt, salt, parallelism: 1, passes: 1, memorySize: 2 ** 22, tagLength: 32 };
  await expect(argon2id(tooMuch, now)).rejects.toThrow();
  expect(instances).not.toHaveBeenCalled();
  for (let count = 0; count < 2; count++)
    expect((await verifyPassword(password, phc, now)).isMatch).toBe(true);
  expect(instances).toHaveBeenCalledTimes(1);
});
