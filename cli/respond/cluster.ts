import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { parseDocument } from 'yaml';
import { readStage } from '../../infra/stage/read.ts';
import { awsChannelClients } from '../../shared/flows/channel-clients.ts';
import type { RespondDeps } from '../../shared/flows/respond.ts';
import { respondInMemory } from '../../shared/flows/respond-in-memory.ts';
import { systemClock as clock, systemRandom as random } from '../../shared/platform/clock.ts';
import { createKubeClient, type KubeClient, readKubeconfig } from '../../shared/platform/kube/index.ts';
import { createFolderStore } from '../../shared/platform/object-store.ts';
import {
  createDynamoDBBudgets,
  createDynamoDBJournal,
  createDynamoDBModeSwitch,
  type Journal,
  type ModeSwitch,
  openChannels,
  type PolicySet,
} from '../../shared/respond/index.ts';
import { given, UsageError } from '../usage.ts';

/** Entries written here are kept as long as those of the function are by default. */
const RETENTION_SECONDS = 400 * 86_400;

/** A client with the rights of whoever runs the command. @throws UsageError for a kubeconfig that cannot be used. */
export async function openCluster(kubeconfig: string, context?: string): Promise<KubeClient> {
  return createKubeClient({ endpoint: await given(() => readKubeconfig(kubeconfig, clock, context)), clock, random });
}

/** The table with a stage's journal, budgets and run-time switch. */
export interface JournalTable {
  readonly tableName: string;
  /** Where the shell's own region must not count: two stages of one name may be in two regions. */
  readonly region?: string;
}

/** @throws UsageError when neither is named. */
export function journalTable({ stage, table }: { readonly stage?: string; readonly table?: string }): JournalTable {
  if (table !== undefined) return { tableName: table };
  if (stage === undefined) throw new UsageError('BAD_ARGUMENT', 'expected --stage NAME or --table NAME: whose journal is meant');
  if (!/^[a-z][a-z0-9]{0,11}$/.test(stage))
    throw new UsageError('BAD_ARGUMENT', `expected a stage name of at most 12 lower-case letters and digits, got ${JSON.stringify(stage)}`);
  const region = regionOf(stage);
  return { tableName: `tiercel-${stage}-journal`, ...(region === undefined ? {} : { region }) };
}

/** Nothing else in the file counts: who turns the switch in a hurry must not be kept by a setting that somebody is about to change. */
function regionOf(stage: string): string | undefined {
  if (!hasStageFile(stage)) return undefined;
  const region = parseDocument(readFileSync(stageFile(stage), 'utf8')).get('region');
  return typeof region === 'string' ? region : undefined;
}

function stageFile(stage: string): string {
  return resolve(import.meta.dirname, `../../infra/stages/${stage}.yml`);
}

function databaseOf({ region }: JournalTable): DynamoDBClient {
  return new DynamoDBClient(region === undefined ? {} : { region });
}

export function openJournal(table: JournalTable): Journal {
  return createDynamoDBJournal({ client: databaseOf(table), tableName: table.tableName, clock, retentionSeconds: RETENTION_SECONDS });
}

export function openModeSwitch(table: JournalTable): ModeSwitch {
  return createDynamoDBModeSwitch({ client: databaseOf(table), tableName: table.tableName });
}

function hasStageFile(stage: string): boolean {
  return existsSync(stageFile(stage));
}

/** The channels of a stage, with the rights of whoever runs the command. Without a stage file nobody is told from here: notices stay due. */
export function tellingFrom(stage: string | undefined): Pick<RespondDeps, 'channels' | 'stage'> {
  if (stage === undefined || !hasStageFile(stage)) return {};
  return { stage, channels: openChannels(readStage(stage).notify, awsChannelClients(clock)) };
}

/** What acting takes when a person does it: their rights in the cluster (none where nothing is done in it), the stage's journal, budgets and switch. */
export async function operatorDeps(
  set: PolicySet,
  client: KubeClient | undefined,
  table: JournalTable,
  beside: { readonly stage?: string | undefined; readonly evidenceFolder?: string | undefined } = {},
): Promise<RespondDeps> {
  return {
    ...respondInMemory(set, clock, {
      ceiling: 'enforce',
      ...(client && {
        clusters: { clientFor: async () => ({ client }) },
        principal: { username: await client.whoAmI({ auditId: 'tiercel/cli' }) },
      }),
    }),
    journal: openJournal(table),
    ...tellingFrom(beside.stage),
    ...(beside.evidenceFolder === undefined ? {} : { evidence: createFolderStore(resolve(beside.evidenceFolder)) }),
    budgets: createDynamoDBBudgets({ client: databaseOf(table), tableName: table.tableName, clock }),
    modeSwitch: openModeSwitch(table),
  };
}
