/** One thing that was graded, or that could not be; what was not looked at is never green. */
export type Finding =
  | { readonly grade: "green"; readonly what: string }
  | { readonly grade: "warning"; readonly what: string; readonly todo: string }
  | { readonly grade: "red"; readonly what: string; readonly todo: string }
  | { readonly grade: "unseen"; readonly what: string; readonly because: string };

export interface Group {
  readonly name: string;
  readonly findings: readonly Finding[];
}

export function green(what: string): Finding {
  return { grade: "green", what };
}

export function red(what: string, todo: string): Finding {
  return { grade: "red", what, todo };
}

/** What a deployment's operator can hardly mend, so that it fails no check. */
export function warning(what: string, todo: string): Finding {
  return { grade: "warning", what, todo };
}

export function unseen(what: string, because: string): Finding {
  return { grade: "unseen", what, because };
}

/** Green where it holds; else red, with what is so instead and what to do about it. */
export function graded(holds: boolean, good: string, bad: string, todo: string): Finding {
  return holds ? green(good) : red(bad, todo);
}

/** How many there are at least, as reads across tenants are bounded: `1 tenant with events`, `25 or more tenants with …`. */
export function counted(count: number, most: number, noun: string): string {
  const [first = "", ...rest] = noun.split(" ");
  const words = [count === 1 ? first : `${first}s`, ...rest].join(" ");
  return `${count}${count >= most ? " or more" : ""} ${words}`;
}
