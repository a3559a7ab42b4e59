export { ABSENT, JsonDocument, type Value } from './document.ts';
export { readBytes } from './intern.ts';
export { equalsAt, MemberIndex } from './members.ts';
