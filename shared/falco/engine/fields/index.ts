export { FIELDS, findField, isKnownField } from './catalogue.ts';
export { FieldReaders } from './readers.ts';
export type { Extracted, FieldRow, Reader, ValueType } from './row.ts';
export { timeTexts } from './time.ts';
