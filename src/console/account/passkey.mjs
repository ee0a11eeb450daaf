// Asks the browser for a passkey, and sends what it answers as a field of the page's own form.

/** A challenge is good for five minutes. */
const renewedEveryMs = 4 * 60 * 1000;
const suggestion = { stop: null, renewal: 0 };

if (window.PublicKeyCredential?.parseCreationOptionsFromJSON && "toJSON" in PublicKeyCredential.prototype)
  enliven();

function enliven() {
  for (const each of document.querySelectorAll(".passkey")) each.hidden = false;
  for (const each of document.querySelectorAll(".without-passkey")) each.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]"))
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form);
    });
  suggest();
}

async function send(form) {
  const said = form.querySelector("[role=alert]");
  const button = form.querySelector("button");
  said.hidden = true;
  button.disabled = true;
  stopSuggesting();
  try {
    await (form.dataset.options ? register(form) : prove(form));
  } catch {
    // Not allowed, none there, or no answer in time: browsers do not tell which, so as to tell nothing of who has one.
    said.hidden = false;
    button.disabled = false;
    suggest();
  }
}

async function register(form) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(form.dataset.options));
  answer(form, await navigator.credentials.create({ publicKey }));
}

async function prove(form, more = {}) {
  const answered = await fetch("/v1/passkey-challenges", { method: "POST", signal: more.signal });
  if (!answered.ok) throw new Error(`no challenge: ${answered.status}`);
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await answered.json());
  answer(form, await navigator.credentials.get({ publicKey, ...more }));
}

// What a script submits raises no event, so that it is sent this time.
function answer(form, credential) {
  form.elements.response.value = JSON.stringify(credential);
  form.submit();
}

/** Where the page says so, passkeys stand among what the browser fills in for the address. */
async function suggest() {
  const form = document.querySelector("form[data-passkey]");
  if (!form || !document.querySelector("input[autocomplete~=webauthn]")) return;
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  stopSuggesting();
  suggestion.stop = new AbortController();
  suggestion.renewal = setTimeout(suggest, renewedEveryMs);
  prove(form, { mediation: "conditional", signal: suggestion.stop.signal }).catch(() => {});
}

function stopSuggesting() {
  clearTimeout(suggestion.renewal);
  suggestion.stop?.abort();
}
