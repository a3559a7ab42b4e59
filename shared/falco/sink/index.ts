export { createFalcosidekickSink } from './falcosidekick.ts';
export type { AlertSink } from './sink.ts';
export { createQueueSink } from './sqs.ts';
export { createStdoutSink } from './stdout.ts';
