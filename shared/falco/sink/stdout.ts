import type { AlertSink } from './sink.ts';
import { alertText } from './sink.ts';

/** One JSON line per alert, as Falco prints them with `json_output: true`. In Lambda, standard output is the function's log. */
export function createStdoutSink(write: (line: string) => void): AlertSink {
  return {
    async publish(alerts) {
      for (const alert of alerts) write(`${alertText(alert)}\n`);
    },
  };
}
