/** Any value JSON can hold; integers beyond 2^53 are bigint, so that nanosecond times keep every digit. */
export type Json = string | number | bigint | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

interface ReviverContext {
  readonly source?: string;
}

const parseWithSource = JSON.parse as (text: string, reviver: (key: string, value: Json, context: ReviverContext) => Json) => Json;

/** @throws SyntaxError that says nothing of the text: `JSON.parse` quotes it, and what an alert holds must not get into a log. */
export function parseJson(text: string): Json {
  try {
    return parseWithSource(text, (_key, value, context) => {
      if (typeof value !== 'number' || Number.isSafeInteger(value) || context.source === undefined) return value;
      return /^-?\d{1,40}$/.test(context.source) ? BigInt(context.source) : value;
    });
  } catch {
    throw new SyntaxError(`${text.length} characters that are not JSON`);
  }
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
