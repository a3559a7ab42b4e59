import { decodeStream } from '../../../../../shared/audit/index.ts';

/** `node decode-object.ts`: decodes standard input, and prints what came out and by how many MiB the process grew over what it was before. */
const base = process.memoryUsage.rss();
let rise = 0;
let records = 0;
let rejects = 0;
for await (const items of decodeStream(process.stdin, { kind: 'file', path: '-' })) {
  for (const item of items) {
    if (item.kind === 'record') records++;
    else if (item.kind === 'rejected') rejects++;
  }
  rise = Math.max(rise, process.memoryUsage.rss() - base);
}
rise = Math.max(rise, process.memoryUsage.rss() - base);
console.log(JSON.stringify({ records, rejects, riseMiB: Math.round(rise / 2 ** 20) }));
