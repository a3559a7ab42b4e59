export { createDynamoDBJournal, LISTING_INDEX } from './dynamodb.ts';
export { type Entry, isSetBack, type Journal, JournalContentionError, type Step, type Summary } from './journal.ts';
export { createMemoryJournal } from './memory.ts';
