import { typeid } from "typeid-js";

/** A new TypeID, `cus_01j…`: a prefix and a UUIDv7, so ids of one kind sort by their time. */
export function newId(prefix: string): string {
  return typeid(prefix).toString();
}
