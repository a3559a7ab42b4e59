export { ABSENT, JsonDocument, type Value } from './document.ts';
export { equalsAt, MemberIndex } from './members.ts';
