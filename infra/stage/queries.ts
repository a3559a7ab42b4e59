import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { StageNames } from './names.ts';
import type { NamedStage } from './read.ts';
import { logicalId, type Resources } from './subscriptions.ts';

/** Which log groups a query is over. */
type Source = 'alerts' | 'ingest' | 'respond' | 'falco';

export interface SavedQuery {
  readonly name: string;
  readonly over: Source;
  /** CloudWatch Logs Insights. */
  readonly query: string;
}

/** Alerts of nodes, as FireLens brings them: a file of its own, because it serves without a stage, too. */
const FIRELENS = parse(readFileSync(join(import.meta.dirname, '../firelens/queries.yaml'), 'utf8')) as {
  readonly queries: readonly { readonly name: string; readonly query: string }[];
};

/** Every saved query. Fields are those of the functions' log lines and of the log group of alerts; a test compares them. */
export const QUERIES: readonly SavedQuery[] = [
  {
    name: 'Alerts, newest first',
    over: 'alerts',
    query: `fields @timestamp, cluster, priority, rule, user, verb, resource, namespace, name, pod
      | sort @timestamp desc
      | limit 100`,
  },
  {
    name: 'Loudest rules',
    over: 'alerts',
    query: `stats count_distinct(key) as alerts, count_distinct(user) as users, latest(@timestamp) as last by rule, priority, cluster
      | sort alerts desc
      | limit 50`,
  },
  {
    name: 'Loudest users',
    over: 'alerts',
    query: `stats count_distinct(key) as alerts, count_distinct(rule) as rules, latest(@timestamp) as last by user, cluster
      | sort alerts desc
      | limit 50`,
  },
  {
    name: 'What respond did',
    over: 'respond',
    query: `filter message in ["response decided", "response failed"] and status in ["done", "failed", "superseded", "undone", "awaiting-approval"]
      | sort @timestamp desc
      | display @timestamp, cluster, status, policy, intent, remark, id
      | limit 100`,
  },
  {
    name: 'What respond refused, and why',
    over: 'respond',
    query: `filter message = "response decided" and status = "refused"
      | sort @timestamp desc
      | display @timestamp, cluster, policy, intent, refusedBy.0, refusedBy.1, unknown.0, id
      | limit 100`,
  },
  {
    name: 'What respond would have done',
    over: 'respond',
    query: `filter message = "response decided" and status = "planned"
      | stats count(*) as times, latest(@timestamp) as last by policy, intent, cluster
      | sort times desc
      | limit 50`,
  },
  {
    name: 'Calls in our name that are not ours',
    over: 'respond',
    query: `filter ispresent(why) and ispresent(auditId)
      | sort @timestamp desc
      | display @timestamp, cluster, why, rule, auditId
      | limit 100`,
  },
  {
    name: 'Why events were quarantined',
    over: 'ingest',
    query: `filter message = "events were quarantined"
      | stats sum(events) as quarantined, latest(first) as example, latest(chunk) as object by reason, service
      | sort quarantined desc`,
  },
  {
    name: 'Why events were parked',
    over: 'ingest',
    query: `filter message = "events were parked in the spool"
      | stats sum(events) as parked, earliest(@timestamp) as since, latest(@timestamp) as until by why, cluster
      | sort parked desc`,
  },
  {
    name: 'Slow deliveries',
    over: 'ingest',
    query: `filter message = "delivery ingested"
      | sort lagMs desc
      | display @timestamp, cluster, lagMs, received, delivered, spooled, origin
      | limit 100`,
  },
  {
    name: 'Objects in trouble',
    over: 'ingest',
    query: `filter message in ["object poison", "object backed-up", "object gone", "an object could not be read", "a notification could not be read"]
      | sort @timestamp desc
      | display @timestamp, message, cluster, key, why, attempts, error.message
      | limit 100`,
  },
  ...FIRELENS.queries.map(({ name, query }) => ({ name: `Nodes: ${name}`, over: 'falco' as const, query })),
];

/** Names of the log groups a query is over; none, and there is no such query in the stage. */
export function logGroupsOf(over: Source, stage: NamedStage, names: StageNames): readonly string[] {
  const functionGroup = (name: string) => `/aws/lambda/${name}`;
  const groups: Readonly<Record<Source, readonly string[]>> = {
    alerts: [names.alertLogGroup],
    ingest: [functionGroup(names.auditStream), functionGroup(names.auditArchive)],
    respond: [functionGroup(names.respond)],
    falco: stage.alertLogGroups,
  };
  return groups[over];
}

/** The saved queries of a stage, in the folder `tiercel/<stage>` of Logs Insights. */
export function savedQueries(stage: NamedStage, names: StageNames): Resources {
  return Object.fromEntries(
    QUERIES.flatMap(({ name, over, query }) => {
      const groups = logGroupsOf(over, stage, names);
      if (groups.length === 0) return [];
      return [
        [
          `Query${logicalId(name)}`,
          {
            Type: 'AWS::Logs::QueryDefinition',
            Properties: { Name: `tiercel/${stage.name}/${name}`, QueryString: oneLinePerStep(query), LogGroupNames: groups },
          },
        ],
      ];
    }),
  );
}

/** Without the indentation of this file. */
export function oneLinePerStep(query: string): string {
  return query
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .join('\n');
}
