/** The first whose mark stands in the text is meant: many name the others as well, to be served alike. */
type Marks = readonly (readonly [mark: string, name: string])[];

const programs: Marks = [
  ["keyline-cli/", "Keyline CLI"],
  ["curl/", "curl"],
  ["wget/", "Wget"],
  ["httpie/", "HTTPie"],
  ["postmanruntime/", "Postman"],
  ["insomnia/", "Insomnia"],
  ["python-requests/", "Python"],
  ["python-urllib/", "Python"],
  ["aiohttp/", "Python"],
  ["go-http-client/", "Go"],
  ["undici", "Node.js"],
  ["node-fetch", "Node.js"],
  ["deno/", "Deno"],
  ["bun/", "Bun"],
  ["okhttp/", "Android app"],
  ["cfnetwork/", "Apple app"],
];

const browsers: Marks = [
  ["edg/", "Edge"],
  ["edga/", "Edge"],
  ["edgios/", "Edge"],
  ["edge/", "Edge"],
  ["opr/", "Opera"],
  ["vivaldi/", "Vivaldi"],
  ["samsungbrowser/", "Samsung Internet"],
  ["fxios/", "Firefox"],
  ["firefox/", "Firefox"],
  ["crios/", "Chrome"],
  ["chromium/", "Chromium"],
  ["chrome/", "Chrome"],
  ["safari/", "Safari"],
];

const systems: Marks = [
  ["iphone", "iPhone"],
  ["ipad", "iPad"],
  ["android", "Android"],
  ["windows", "Windows"],
  ["cros ", "ChromeOS"],
  ["macintosh", "Mac"],
  ["linux", "Linux"],
];

const longestRead = 512;

/**
 * A session's device as its owner would call it. A hint for people, never for decisions: whoever asks may send what they
 * like. So only names of this file are shown, and nothing of what was sent.
 */
export function deviceOf(userAgent: string | null): string {
  const text = (userAgent ?? "").slice(0, longestRead).toLowerCase();
  // A program's whole text, as Node sends it.
  const program = text === "node" ? "Node.js" : nameIn(programs, text);
  if (program) return program;
  const browser = nameIn(browsers, text);
  const system = nameIn(systems, text);
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? system ?? "Unknown device";
}

function nameIn(marks: Marks, text: string): string | null {
  return marks.find(([mark]) => text.includes(mark))?.[1] ?? null;
}
