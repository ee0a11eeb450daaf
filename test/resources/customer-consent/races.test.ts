import { expect, test } from "vitest";
import { type Answer, clientOf } from "#test/client.ts";
import { inParallel, tapEnv } from "#test/http/kit.ts";
import { as, newTenant, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
import {
  ask,
  auditOf,
  consenting,
  destroyed,
  give,
  type Known,
  knownAt,
  newAddress,
  ok,
  profilesOf,
  stateOf,
  tokenOf,
  toldBy,
  withdraw,
} from "./kit.ts";

const { call } = clientOf();

test("no venue tells anything after a withdrawal was answered, however many ask meanwhile", async () => {
  for (let round = 0; round < 4; round += 1) {
    const [ours, theirs] = await linked();
    const asking = inParallel(8, () => profilesOf(ours));
    const withdrawal = withdraw(theirs);
    const late = withdrawal.then(() => inParallel(2, () => profilesOf(ours)));
    const [answers, after, gone] = [await asking, await late, await withdrawal];
    expect(gone.status).toBe(204);
    expect(after.map(({ text }) => text)).toEqual(Array(2).fill('{"data":[]}'));
    const told = answers.filter(({ status, json }) => status === 200 && json.data.length > 0);
    expect(told.length + answers.filter(({ text }) => text === '{"data":[]}').length).toBe(8);
    // The tellings are one audit row at the venue that told, before that of the withdrawal.
    const actions = (await auditOf(theirs)).map(({ action }) => action);
    expect(actions).toEqual(["created", ...(told.length > 0 ? ["note"] : []), "deleted"]);
  }
});

/** What happens at the other venue after it was read, before the telling is noted there. */
const overtaken: Readonly<Record<string, (theirs: Known) => Promise<unknown>>> = {
  "the consent is withdrawn": (theirs) => ok(withdraw(theirs)),
  "the consent becomes one to other fields": (theirs) => ok(give(theirs, ["phone"])),
  "the customer is deleted": (theirs) => ok(ask(theirs, "customers.remove")),
  "the customer is erased": (theirs) => destroyed(theirs),
  "the venue is frozen": ({ tenant }) => stateOf(tenant, "frozen"),
};

for (const [what, happen] of Object.entries(overtaken)) {
  test(`where ${what} between the reading and its note, nothing is told or noted`, async () => {
    const [ours, theirs] = await linked();
    const env = beforeCommit(1, () => happen(theirs));
    const answer = await profilesOf(ours, { env });
    expect([answer.status, answer.text]).toEqual([200, '{"data":[]}']);
    expect(await toldBy(theirs)).toEqual([]);
  });

  test(`where ${what} between the reading and its note, nothing is told again within the hour`, async () => {
    const [ours, theirs] = await linked();
    expect((await profilesOf(ours)).json.data).toHaveLength(1);
    const env = beforeCommit(1, () => happen(theirs));
    const answer = await profilesOf(ours, { env });
    expect([answer.status, answer.text]).toEqual([200, '{"data":[]}']);
    expect(await toldBy(theirs)).toHaveLength(1);
  });
}

test("a venue that is frozen after it was found is not asked to commit anything", async () => {
  const [ours, theirs] = await linked();
  const commits: string[] = [];
  const env = beforeVisit(() => stateOf(theirs.tenant, "frozen"), commits);
  expect((await profilesOf(ours, { env })).text).toBe('{"data":[]}');
  expect(commits, "our own alone").toHaveLength(1);
});

test("what they agree to after they were found counts, and not what they did before", async () => {
  const [ours, theirs] = await linked();
  const env = beforeVisit(() => ok(give(theirs, ["email", "phone"])));
  expect((await profilesOf(ours, { env })).json.data).toMatchObject([{ fields: ["email"] }]);
  const none = beforeVisit(() => ok(give(theirs, ["phone"])));
  expect((await profilesOf(ours, { env: none })).text).toBe('{"data":[]}');
});

test("who consents anew under another address, after they were found, is somebody else", async () => {
  const [ours, theirs] = await linked();
  const env = beforeVisit(async () => {
    await ok(ask(theirs, "customers.update", { body: { email: newAddress() } }));
    await ok(give(theirs, ["name", "email"]));
  });
  expect((await profilesOf(ours, { env })).text).toBe('{"data":[]}');
  expect(await toldBy(theirs)).toEqual([]);
});

test("who withdraws here, after the other venue has told, is answered like a stranger", async () => {
  const [ours, theirs] = await linked();
  const env = beforeCommit(2, () => ok(withdraw(ours)));
  expect((await profilesOf(ours, { env })).text).toBe('{"data":[]}');
  // The other venue's audit says more than anybody learned, never less.
  expect(await toldBy(theirs)).toHaveLength(1);
  const [note] = (await auditOf(ours)).slice(-1);
  expect(note?.row).toBe('{"sharedBy":null,"fields":[]}');
});

test("an address that changes while consent is given is the one that is agreed to", async () => {
  const [before, after] = [newAddress(), newAddress()];
  const { tenant, strangers } = await venueAmong(before, after);
  const known = await knownAt(tenant, before);
  const change = () => ok(ask(known, "customers.update", { body: { email: after } }));
  expect((await give(known, ["name"], { env: beforeCommit(1, change) })).status).toBe(200);
  expect(await tokenOf(known)).toBe(await tokenOf(strangers[1]));
});

test("a customer who is deleted while consent is given has given none", async () => {
  const known = await knownAt(await newTenant(), newAddress());
  const env = beforeCommit(1, () => ok(ask(known, "customers.remove")));
  expect((await give(known, ["name"], { env })).json.type).toBe("/problems/customer-deleted");
  expect(await tokenOf(known)).toBeNull();
});

const endings = { "customers.update": { email: newAddress() }, "customers.remove": undefined };

for (const [name, body] of Object.entries(endings)) {
  test(`consent that is given while ${name} is under way ends with it`, async () => {
    const known = await knownAt(await newTenant(), newAddress());
    const env = beforeCommit(1, () => ok(give(known, ["name"])));
    await ok(ask(known, name, { env, ...(body && { body }) }));
    expect(await tokenOf(known)).toBeNull();
    expect((await auditOf(known)).map(({ action }) => action)).toEqual(["created", "deleted"]);
  });
}

test("consent given for two records of one address at once is given for one", async () => {
  const tenant = await newTenant();
  const address = newAddress();
  const both = [await knownAt(tenant, address), await knownAt(tenant, address)];
  const answers = await Promise.all(both.map((known) => give(known, ["name"])));
  expect(answers.map(outcome).toSorted()).toEqual(["/problems/address-has-consent", "200"]);
});

test("consent given many times at once is one row, and each that was answered is in the audit", async () => {
  const known = await knownAt(await newTenant(), newAddress());
  const answers = await inParallel(4, () => give(known, ["name"]));
  const outcomes = answers.map(outcome);
  for (const each of outcomes) expect(["200", "/problems/conflict"]).toContain(each);
  const given = outcomes.filter((each) => each === "200").length;
  expect(given).toBeGreaterThan(0);
  expect((await ask(known, "customer-consent.get")).json.version).toBe(given);
  expect(await auditOf(known)).toHaveLength(given);
});

test("a first consent that is overtaken by another's is given after it", async () => {
  const known = await knownAt(await newTenant(), newAddress());
  const env = beforeCommit(1, () => ok(give(known, ["phone"])));
  const answer = await give(known, ["name"], { env });
  expect(answer.json).toMatchObject({ fields: ["name"], version: 2 });
});

test("an address that stays the same asks nothing of the consent", async () => {
  const [ours] = await linked();
  const before = await written();
  await ok(
    call("customers.update", { ...as(ours.tenant), params: { customerId: ours.id }, body: { note: "Hm." } }),
  );
  expect(grown(before, await written())).toMatchObject({ "us1 audit_log": 1, "us1 events": 1 });
  expect(await tokenOf(ours)).not.toBeNull();
});

async function linked(): Promise<[Known, Known]> {
  const fields = ["name", "email"];
  const [ours, theirs] = await consenting(
    newAddress(),
    [await newTenant(), fields],
    [await newTenant(), fields],
  );
  if (!ours || !theirs) throw new Error("Nobody consented.");
  return [ours, theirs];
}

/** A venue, and who consented under each of these addresses at another. */
async function venueAmong(...addresses: readonly [string, string]) {
  const other = await newTenant();
  const [first] = await consenting(addresses[0], [other, ["name"]]);
  const [second] = await consenting(addresses[1], [other, ["name"]]);
  if (!first || !second) throw new Error("Nobody consented.");
  const tenant: TestTenant = await newTenant();
  return { tenant, strangers: [first, second] as const };
}

/** Something happens right before the request's n-th commit, whichever tenant's it is. */
function beforeCommit(nth: number, happen: () => Promise<unknown>) {
  return before((texts) => texts.some((text) => text.startsWith('insert into "commits"')), nth, happen);
}

/** … or before the other venue is visited, once its record has been found. Collects the commits that were tried. */
function beforeVisit(happen: () => Promise<unknown>, commits: string[] = []) {
  const isVisit = (texts: readonly string[]) =>
    texts.some((text) => text.startsWith('select "id", "wrapped" from "tenant_keys"'));
  return before(isVisit, 1, happen, commits);
}

function before(
  isIt: (texts: readonly string[]) => boolean,
  nth: number,
  happen: () => Promise<unknown>,
  commits: string[] = [],
) {
  let seen = 0;
  return tapEnv(async (texts, run) => {
    if (isIt(texts)) seen += 1;
    if (isIt(texts) && seen === nth) await happen();
    commits.push(...texts.filter((text) => text.startsWith('insert into "commits"')));
    return await run();
  });
}

function outcome({ status, json }: Answer): string {
  return status === 200 ? "200" : json.type;
}
