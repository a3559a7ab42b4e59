export { createDynamoDBJournal, LISTING_INDEX } from './dynamodb.ts';
export { type Entry, type Journal, JournalContentionError, type Summary } from './journal.ts';
export { createMemoryJournal } from './memory.ts';
