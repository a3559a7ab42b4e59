import { describe, expect, it } from 'vitest';
import { createPreFilter } from '../../../../../../shared/falco/engine/prefilter/index.ts';
import { ruleOf } from '../../../../../support/pre-filter-soundness.ts';

const event = (members: string) =>
  Buffer.from(`{"kind":"Event","auditID":"1",${members},"requestObject":{"a":1},"stageTimestamp":"2026-01-02T03:04:05.000006Z"}`);

describe('pre-filter', () => {
  it('goes by what fields read, not by how they are called', () => {
    const filter = createPreFilter([ruleOf('jevt.value[/stage] = ResponseComplete and ka.verb = create and ka.resp.name = x')]);
    expect(filter.couldMatch(event('"stage":"ResponseComplete","verb":"create"'))).toBe(true);
    expect(filter.couldMatch(event('"stage":"RequestReceived","verb":"create"'))).toBe(false);
    expect(filter.couldMatch(event('"stage":"ResponseComplete","verb":"get"'))).toBe(false);
    expect(filter.stats).toMatchObject({ kept: 1, unclear: 0, dropped: { stage: 1, verb: 1 } });
  });

  it('says at which step an event was dropped', () => {
    const filter = createPreFilter([ruleOf('ka.user.name = alice and ka.target.resource = pods and ka.response.code = 200')]);
    filter.couldMatch(event('"user":{"username":"alice"},"objectRef":{"resource":"nodes"}'));
    filter.couldMatch(event('"user":{"username":"bob"},"objectRef":{"resource":"pods"}'));
    filter.couldMatch(event('"user":{"username":"alice"},"objectRef":{"resource":"pods"},"responseStatus":{"code":404}'));
    filter.couldMatch(Buffer.from('{"kind":"Event","verb":"get"}'));
    expect(filter.stats.dropped).toMatchObject({ resource: 2, user: 1, 'other fields': 1 });
  });

  it('asks about the time only when everything else is open', () => {
    const never = createPreFilter([ruleOf('ka.verb = create and jevt.rawtime = 0')]);
    expect(never.couldMatch(event('"verb":"create"'))).toBe(false);
    const text = (time: string, body = '{}') =>
      Buffer.from(`{"kind":"Event","auditID":"1","verb":"create","requestObject":${body},"stageTimestamp":${time}}`);
    expect(never.couldMatch(text('"1970-01-01T00:00:00Z"'))).toBe(true);
    expect(never.couldMatch(text('"1970-01-01T02:00:00+02:00"'))).toBe(true);
    expect(never.couldMatch(text('"\\u0031970-01-01T00:00:00Z"'))).toBe(true);
    // A time in the body is not the event's.
    expect(never.couldMatch(text('"1970-01-01T00:00:00Z"', '{"a":1,"stageTimestamp":"2026-01-01T00:00:00Z"}'))).toBe(true);
    expect(never.couldMatch(text('"2026-01-01T00:00:00Z"', '{"a":1,"stageTimestamp":"1970-01-01T00:00:00Z"}'))).toBe(false);
    // Of two the first counts.
    expect(never.couldMatch(text('"1970-01-01T00:00:00Z","stageTimestamp":"2026-01-01T00:00:00Z"'))).toBe(true);
  });

  it('keeps what is spelt so that its meaning depends on reading order', () => {
    const filter = createPreFilter([ruleOf('ka.verb = create')]);
    expect(filter.couldMatch(event('"v\\u0065rb":"get"'))).toBe(true);
    expect(filter.couldMatch(event('"verb":"get"'))).toBe(false);
    const resource = createPreFilter([ruleOf('ka.target.resource = pods')]);
    expect(resource.couldMatch(event('"objectRef":{"r\\u0065source":"nodes","resource":"nodes"}'))).toBe(true);
    expect(filter.couldMatch(Buffer.from('{"kind":"Event","auditID":"1","user":'))).toBe(true);
    expect(filter.stats.unclear).toBe(2);
  });

  it('remembers a bounded number of combinations and stays right beyond', () => {
    const filter = createPreFilter([ruleOf('ka.user.name = u9999 and ka.resp.name = x')]);
    for (let i = 0; i < 10_000; i++) expect(filter.couldMatch(event(`"user":{"username":"u${i}"}`))).toBe(i === 9999);
  });

  it('is off, and says why, where dropping would change what others see', () => {
    const numbered = createPreFilter([ruleOf('ka.verb = get'), ruleOf('ka.verb = create and not (evt.num = 3)', 'third')]);
    expect(numbered.active).toBe(false);
    expect(numbered.whyNot).toContain('rule third reads evt.num');
    expect(numbered.couldMatch(event('"verb":"list"'))).toBe(true);
    expect(createPreFilter([{ ...ruleOf('ka.verb = get'), output: 'took %evt.reltime.s s' }]).whyNot).toContain('evt.reltime.s');
    const addition = { tags: [], extraFields: [{ name: 'n', format: '%len(evt.source) %evt.num', raw: false }] };
    expect(createPreFilter([ruleOf('ka.verb = get')], [addition]).whyNot).toContain('append_output prints evt.num');
    expect(createPreFilter([ruleOf('len(ka.verb) = val(evt.num)')]).active).toBe(false);
    expect(createPreFilter([ruleOf('join(",", (ka.verb, evt.num)) = x')]).active).toBe(false);
  });

  it('drops everything when there is no rule', () => {
    expect(createPreFilter([]).couldMatch(event('"verb":"get"'))).toBe(false);
  });
});
