import type { ValueType } from '../fields/index.ts';

/** Bytes Falco can store of a constant. */
const MAX_CONSTANT = 255;
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;

/** A constant in the type of what it is compared with, or why it cannot be. */
export function readConstant(type: ValueType, text: string): { readonly value: string | bigint | boolean } | { readonly error: string } {
  if (text.includes('\0')) return { error: 'a constant cannot hold a NUL' };
  if (type === 'bool') {
    return text === 'true' || text === 'false' ? { value: text === 'true' } : { error: `expected true or false, got '${text}'` };
  }
  if (type === 'string') {
    if (text.length > MAX_CONSTANT) return { error: `a constant holds at most ${MAX_CONSTANT} bytes, this one has ${text.length}` };
    return { value: text };
  }
  const match = /^[ \t\n\v\f\r]*([+-]?)([0-9]+)$/.exec(text);
  if (!match) return { error: `expected an unsigned decimal number, got '${text}'` };
  const magnitude = match[2]!.length > 32 && !/^0+/.test(match[2]!) ? MAX_UINT64 + 1n : BigInt(match[2]!);
  if (magnitude > MAX_UINT64) return { value: MAX_UINT64 };
  return { value: match[1] === '-' ? BigInt.asUintN(64, -magnitude) : magnitude };
}
