import { type FalcoAlert, PRIORITIES } from '../../shared/falco/alert.ts';
import { table } from '../print/table.ts';
import { type Out, type Palette, paletteFor } from '../print/terminal.ts';
import type { DemoResult } from './demo.ts';

/** The demo's result for people. */
export function demoAsText({ samples, rules, ingest, alerts, responses, tookMs }: DemoResult, out: Out): string {
  const colour = paletteFor(out);
  const shown = alerts.filter(({ priority }) => PRIORITIES.indexOf(priority) <= PRIORITIES.indexOf('Notice'));
  const lines = [
    `${colour.bold('audit-stream')} took a CloudWatch Logs delivery of ${ingest.received} audit events (${samples}/*.json)`,
    `${colour.bold('falco')}        evaluated ${rules} rules, embedded, and raised ${alerts.length} alerts, ${shown.length} of them NOTICE or more urgent:`,
    '',
    table(
      shown.map((alert) => [urgency(alert, colour), alert.rule, colour.dim(who(alert)), colour.dim(what(alert))]),
      { indent: 2 },
    ),
    '',
    `${colour.bold('respond')}      is in shadow: it plans, asks every guard, writes its journal, and changes nothing:`,
    '',
    ...responses.flatMap(({ status, intent, against }) => [
      `  ${status}: ${intent}`,
      ...against.map((guard) => colour.dim(`    ${guard}`)),
    ]),
    '',
    `${(tookMs / 1000).toFixed(1)} s, no network. Next: npm run -s tiercel -- --help, docs/concepts.md`,
    '',
  ];
  return lines.join('\n');
}

function urgency({ priority }: FalcoAlert, colour: Palette): string {
  if (priority === 'Emergency' || priority === 'Alert' || priority === 'Critical' || priority === 'Error') return colour.red(priority);
  return priority === 'Warning' ? colour.yellow(priority) : priority;
}

function who({ output_fields: fields }: FalcoAlert): string {
  return String(fields['ka.user.name'] ?? 'nobody');
}

function what({ output_fields: fields }: FalcoAlert): string {
  const {
    'ka.verb': verb,
    'ka.target.resource': resource,
    'ka.target.subresource': subresource,
    'ka.target.namespace': namespace,
    'ka.target.name': name,
  } = fields;
  const kind = [resource, subresource].filter(Boolean).join('/');
  const object = [namespace, name].filter(Boolean).join('/');
  return [verb, kind, object].filter(Boolean).join(' ') || String(fields['ka.uri'] ?? '');
}
