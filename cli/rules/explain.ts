import { text as readStream } from 'node:stream/consumers';
import { type Explanation, explainRule, loadRules, renderDiagnostic, splitPayload } from '../../shared/falco/engine/index.ts';
import { type Out, type Palette, paletteFor, visible } from '../print/terminal.ts';
import { readText, UsageError } from '../usage.ts';
import { OWN_RULES, readRulesFiles } from './files.ts';

/** Longest value shown. */
const SHOWN = 100;

/** Prints the condition of a rule with what each event of a file makes of it. False: there is no such rule to explain. */
export async function explainEvents(
  path: string,
  name: string,
  rules: readonly string[] | undefined,
  { out, log }: { readonly out: Out; readonly log: Out },
): Promise<boolean> {
  const loaded = loadRules(await readRulesFiles(rules ?? OWN_RULES));
  if (!loaded.loads) {
    for (const diagnostic of loaded.diagnostics) log.write(`${visible(renderDiagnostic(diagnostic))}\n`);
    return false;
  }
  const rule = loaded.defined.find((one) => one.name === name);
  if (!rule) {
    const near = loaded.defined.filter((one) => one.name.toLowerCase().includes(name.toLowerCase())).map((one) => one.name);
    log.write(`there is no rule '${name}'${near.length > 0 ? `; is one of these meant: ${near.slice(0, 5).join(', ')}?` : ''}\n`);
    return false;
  }
  const palette = paletteFor(out);
  const { file, line } = rule.place;
  out.write(`${palette.bold(rule.name)}  ${palette.dim(`${file}:${line}`)}${loaded.rules.includes(rule) ? '' : ' (disabled)'}\n`);
  for (const event of eventsOf(path === '-' ? await readStream(process.stdin) : await readText(path), path)) {
    out.write(`\n${palette.dim(visible(titleOf(event)))}\n`);
    const result = explainRule(rule, event, loaded.macroOf);
    if ('rejection' in result) out.write(`Falco would not take this event: ${result.rejection.reason}\n`);
    else {
      out.write(`${result.explanation.result ? palette.green('fires') : palette.yellow('does not fire')}\n`);
      print(result.explanation, 1, out, palette);
    }
  }
  return true;
}

/** One payload, or one a line. */
function eventsOf(content: string, path: string): readonly Uint8Array[] {
  const whole = splitPayload(Buffer.from(content));
  if (whole) return whole;
  const lines = content.split('\n').filter((line) => line.trim() !== '');
  const events = lines.flatMap((line) => splitPayload(Buffer.from(line)) ?? []);
  if (events.length === 0)
    throw new UsageError('NO_EVENT', `${path} holds no audit event: expected JSON with kind Event or EventList, whole or one a line`);
  return events;
}

function titleOf(event: Uint8Array): string {
  try {
    const { auditID, verb, requestURI, stage } = JSON.parse(Buffer.from(event).toString('utf8')) as Record<string, unknown>;
    return [auditID, stage, verb, requestURI].filter((part) => typeof part === 'string').join(' ');
  } catch {
    return `event of ${event.length} bytes`;
  }
}

function print({ text: condition, macro, result, reached, value, children }: Explanation, depth: number, out: Out, palette: Palette): void {
  const text = visible(condition);
  const mark = result ? '✓' : '✗';
  const paint = reached ? (result ? palette.green : palette.red) : palette.dim;
  const name = macro === undefined ? '' : `${palette.cyan(macro)}: `;
  const shown = value ? `   ${palette.dim('is')} ${value.left === undefined ? palette.dim('missing') : shorten(value.left)}` : '';
  out.write(`${'  '.repeat(depth)}${paint(reached ? mark : '·')} ${name}${text.length > 200 ? `${text.slice(0, 200)}…` : text}${shown}\n`);
  for (const child of children) print(child, depth + 1, out, palette);
}

/** Values are byte strings. */
function shorten(value: NonNullable<NonNullable<Explanation['value']>['left']>): string {
  const plain = JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? Number(part) : typeof part === 'string' ? Buffer.from(part, 'latin1').toString('utf8') : part,
  );
  return visible(plain.length > SHOWN ? `${plain.slice(0, SHOWN)}…` : plain);
}
