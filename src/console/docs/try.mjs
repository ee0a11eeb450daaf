// Keeps the reader's key in this module's memory while they go from page to page, and sends what the forms say.

const credentials = document.querySelector("form.credentials");

function enliven() {
  for (const each of document.querySelectorAll("form.try, form.credentials, button.copy, input.find"))
    each.hidden = false;
  const menu = document.querySelector("details.menu");
  if (menu && matchMedia("(max-width: 60rem)").matches) menu.open = false;
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.target.matches("form.try")) send(event.target);
});

document.addEventListener("click", (event) => {
  const copy = event.target.closest("button.copy");
  if (copy) copyFrom(copy);
  const link = event.target.closest("a");
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
  if (link && isPlain && isPage(new URL(link.href))) {
    event.preventDefault();
    visit(new URL(link.href), true);
  }
});

document.addEventListener("input", (event) => {
  if (event.target.matches("input.find")) find(event.target.value);
});

document.addEventListener("keydown", (event) => {
  const field = document.querySelector("input.find");
  if (event.key === "/" && !event.target.matches("input, textarea")) {
    event.preventDefault();
    field.focus();
  }
  if (event.target !== field) return;
  if (event.key === "Escape") clearSearch(field);
  if (event.key === "Enter") document.querySelector(".operations li:not([hidden]) a")?.click();
});

// Every word must be somewhere in an operation's name or summary.
function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of document.querySelectorAll(".operations li"))
    item.hidden = !words.every((word) => item.dataset.words.includes(word));
  for (const item of document.querySelectorAll(".tags > li"))
    item.hidden = item.querySelector(".operations li:not([hidden])") === null;
  const { classList } = document.querySelector(".contents");
  classList.toggle("finding", words.length > 0);
  classList.toggle("empty", document.querySelector(".operations li:not([hidden])") === null);
}

function clearSearch(field) {
  field.value = "";
  find("");
}

addEventListener("popstate", () => visit(new URL(location.href), false));

function isPage(url) {
  return url.origin === location.origin && /^\/(docs(\/[a-z-]+)?|security)$/.test(url.pathname);
}

// A page is changed in place, because a new one would forget the key.
async function visit(url, isNew) {
  if (url.pathname !== shownPath) {
    const answer = await fetch(url.pathname);
    if (!answer.ok) {
      location.href = url.href;
      return;
    }
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = next.title;
    for (const part of ["main", "nav"]) document.querySelector(part).replaceWith(next.querySelector(part));
    shownPath = url.pathname;
    enliven();
  }
  if (isNew) history.pushState(null, "", url);
  const target = url.hash ? document.getElementById(decodeURIComponent(url.hash.slice(1))) : null;
  if (target) target.scrollIntoView();
  else if (isNew) scrollTo(0, 0);
}

let shownPath = location.pathname;

async function copyFrom(button) {
  await navigator.clipboard.writeText(button.closest("figure").querySelector("code").textContent);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

async function send(form) {
  const output = form.querySelector("output");
  const tenant = credentials.elements.tenant.value.trim();
  const key = credentials.elements.key.value.trim();
  const isOpen = "open" in form.dataset;
  if (!isOpen && !(tenant && key)) {
    show(output, "", "Fill in tenant and key at the top of the page.");
    credentials.elements[tenant ? "key" : "tenant"].focus();
    return;
  }
  const startedAt = performance.now();
  try {
    const answer = await fetch(...requestOf(form, tenant, isOpen ? null : key));
    const took = Math.round(performance.now() - startedAt);
    const text = await textOf(answer);
    const facts = [`${answer.status}`, `${took} ms`, answer.headers.get("X-Request-Id")];
    const rate = answer.headers.get("RateLimit");
    show(output, answer.ok ? "ok" : "refused", indented(text), [...facts, ...(rate ? [rate] : [])]);
  } catch (error) {
    show(output, "refused", String(error));
  }
}

function requestOf(form, tenant, key) {
  const { method, path } = form.dataset;
  let route = path.replace("{tenant}", encodeURIComponent(tenant));
  const query = new URLSearchParams();
  for (const input of form.querySelectorAll("input")) {
    if (input.dataset.in === "path")
      route = route.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.type !== "file" && input.value !== "") query.set(input.name, input.value);
  }
  const headers = new Headers();
  if (key) headers.set("Authorization", `Bearer ${key}`);
  const file = form.elements.bytes?.files[0];
  const body = file ?? form.elements.body?.value;
  if (body !== undefined) headers.set("Content-Type", file ? "application/octet-stream" : "application/json");
  if (key && method === "POST") headers.set("Idempotency-Key", crypto.randomUUID());
  return [query.size > 0 ? `${route}?${query}` : route, { method, headers, body }];
}

// Bytes are counted, not shown.
async function textOf(answer) {
  const type = answer.headers.get("Content-Type") ?? "";
  if (/json|^text\//.test(type)) return await answer.text();
  const { size } = await answer.blob();
  return size === 0 ? "" : `${size} bytes of ${type}`;
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function show(output, state, text, facts = []) {
  const head = document.createElement("p");
  for (const fact of facts) head.append(Object.assign(document.createElement("span"), { textContent: fact }));
  const body = Object.assign(document.createElement("pre"), { textContent: text });
  output.dataset.state = state;
  output.replaceChildren(...(facts.length > 0 ? [head] : []), body);
}

enliven();
