/** Kinds of calls into the addon, each a function that does one turn of them. */
export function makeKinds(
  addon: object,
  namespace: object,
  lock: string,
): { [kind: string]: () => unknown }
