import { z } from "zod";
import { isPersonal } from "./fields.ts";

const mask = "•••";

/**
 * An answer with what is marked as people's put out of sight, at whatever depth, and still of its shape: a text is three
 * dots, an address one that nobody has, a list is empty. On the way out alone: a handler reads what there is, so that it
 * writes no mask back.
 * @throws Error where the shape is of a kind that nobody has taught this: what cannot be masked is not answered
 */
export function masked(shape: z.ZodType, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (isPersonal(shape)) return standIn(shape, value);
  if (shape instanceof z.ZodObject) return maskedFields(shape, Object(value));
  if (shape instanceof z.ZodArray) {
    const item = asShape(shape.element);
    return Array.isArray(value) ? value.map((each) => masked(item, each)) : value;
  }
  if (shape instanceof z.ZodNullable || shape instanceof z.ZodOptional)
    return masked(asShape(shape.unwrap()), value);
  if (shape instanceof z.ZodRecord) {
    const entries = Object.entries(Object(value));
    return Object.fromEntries(entries.map(([key, each]) => [key, masked(asShape(shape.valueType), each)]));
  }
  if (shape instanceof z.ZodUnion) {
    const own = shape.options.map(asShape).find((option) => option.safeParse(value).success);
    if (!own) throw new Error("An answer is of none of its shapes.");
    return masked(own, value);
  }
  if (plain.some((kind) => shape instanceof kind)) return value;
  throw new Error(`Nobody knows how an answer of the kind ${shape.type} is masked.`);
}

// What holds nothing but itself, and was not marked.
const plain = [
  z.ZodString,
  z.ZodNumber,
  z.ZodBoolean,
  z.ZodEnum,
  z.ZodLiteral,
  z.ZodNull,
  z.ZodUnknown,
  z.ZodStringFormat,
] as const;

function maskedFields(shape: z.ZodObject, value: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      const field = shape.shape[key];
      return [key, field === undefined ? each : masked(asShape(field), each)];
    }),
  );
}

function standIn(shape: z.ZodType, value: unknown): unknown {
  if (Array.isArray(value)) return [];
  if (typeof value !== "string") throw new Error("Only texts and lists of them are masked.");
  return isPersonal(shape) === "email" ? "masked@masked.invalid" : mask;
}

// Zod's own containers hold shapes of its core, which are of its classes.
function asShape(inner: unknown): z.ZodType {
  return inner as z.ZodType;
}
