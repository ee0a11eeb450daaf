import {
  METHOD_NAME_ALL,
  type ParamIndexMap,
  type ParamStash,
  type Result,
  type Router,
  UnsupportedPathError,
} from "hono/router";

interface Route<T> {
  readonly handlers: [T, ParamIndexMap][];
}

interface Place<T> {
  readonly words: Map<string, Place<T>>;
  parameter: Place<T> | null;
  /** By method. */
  readonly routes: Map<string, Route<T>>;
}

/**
 * Finds an operation segment by segment: a word before a parameter. Hono's own fast router knows no word beside a
 * parameter (`customers/search`, `customers/{customerId}/restore`), and the one that it falls back to takes as long as
 * all of authentication. Paths are of words and whole parameters; a middleware surrounds every path and comes first.
 */
export class SegmentRouter<T> implements Router<T> {
  readonly name = "SegmentRouter";
  readonly #root = newPlace<T>();
  readonly #around: [T, ParamIndexMap][] = [];
  #hasRoutes = false;

  /** @throws UnsupportedPathError */
  add(method: string, path: string, handler: T): void {
    if (method === METHOD_NAME_ALL) this.#surround(path, handler);
    else this.#route(method, path, handler);
  }

  match(method: string, path: string): Result<T> {
    const values: ParamStash = [];
    const route = find(this.#root, method, path.split("/"), 0, values);
    return [route?.handlers ?? this.#around, values];
  }

  #surround(path: string, handler: T): void {
    if (this.#hasRoutes || !/^\/?\*$/.test(path)) throw new UnsupportedPathError(path);
    this.#around.push([handler, {}]);
  }

  #route(method: string, path: string, handler: T): void {
    this.#hasRoutes = true;
    const indexes: ParamIndexMap = {};
    let place = this.#root;
    for (const segment of path.split("/")) {
      if (/[*?{}]|.:/.test(segment)) throw new UnsupportedPathError(path);
      if (segment.startsWith(":")) indexes[segment.slice(1)] = Object.keys(indexes).length;
      place = next(place, segment);
    }
    const route = place.routes.get(method) ?? { handlers: [...this.#around] };
    place.routes.set(method, route);
    route.handlers.push([handler, indexes]);
  }
}

function newPlace<T>(): Place<T> {
  return { words: new Map(), parameter: null, routes: new Map() };
}

function next<T>(place: Place<T>, segment: string): Place<T> {
  if (segment.startsWith(":")) {
    place.parameter ??= newPlace();
    return place.parameter;
  }
  const known = place.words.get(segment) ?? newPlace();
  place.words.set(segment, known);
  return known;
}

function find<T>(
  place: Place<T>,
  method: string,
  segments: readonly string[],
  at: number,
  values: ParamStash,
): Route<T> | null {
  const segment = segments[at];
  if (segment === undefined) return place.routes.get(method) ?? null;
  const word = place.words.get(segment);
  const byWord = word ? find(word, method, segments, at + 1, values) : null;
  if (byWord || segment === "" || !place.parameter) return byWord;
  values.push(segment);
  const byParameter = find(place.parameter, method, segments, at + 1, values);
  if (!byParameter) values.pop();
  return byParameter;
}
