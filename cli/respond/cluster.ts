import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
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
import { given } from '../usage.ts';

/** Entries written here are kept as long as those of the function are by default. */
const RETENTION_SECONDS = 400 * 86_400;

/** A client with the rights of whoever runs the command. @throws UsageError for a kubeconfig that cannot be used. */
export async function openCluster(kubeconfig: string, context?: string): Promise<KubeClient> {
  return createKubeClient({ endpoint: await given(() => readKubeconfig(kubeconfig, clock, context)), clock, random });
}

export function openJournal(tableName: string): Journal {
  return createDynamoDBJournal({ client: new DynamoDBClient({}), tableName, clock, retentionSeconds: RETENTION_SECONDS });
}

export function openModeSwitch(tableName: string): ModeSwitch {
  return createDynamoDBModeSwitch({ client: new DynamoDBClient({}), tableName });
}

/** The channels of a stage, with the rights of whoever runs the command. Without a stage file nobody is told from here: notices stay due. */
export function tellingFrom(stage: string | undefined): Pick<RespondDeps, 'channels' | 'stage'> {
  if (stage === undefined || !existsSync(resolve(import.meta.dirname, `../../infra/stages/${stage}.yml`))) return {};
  return { stage, channels: openChannels(readStage(stage).notify, awsChannelClients(clock)) };
}

/** What acting takes when a person does it: their rights in the cluster, the stage's journal, budgets and switch. */
export async function operatorDeps(
  set: PolicySet,
  client: KubeClient,
  tableName: string,
  beside: { readonly stage?: string | undefined; readonly evidenceFolder?: string | undefined } = {},
): Promise<RespondDeps> {
  const database = new DynamoDBClient({});
  return {
    ...respondInMemory(set, clock, {
      ceiling: 'enforce',
      clusters: { clientFor: async () => ({ client }) },
      principal: { username: await client.whoAmI({ auditId: 'tiercel/cli' }) },
    }),
    journal: openJournal(tableName),
    ...tellingFrom(beside.stage),
    ...(beside.evidenceFolder === undefined ? {} : { evidence: createFolderStore(resolve(beside.evidenceFolder)) }),
    budgets: createDynamoDBBudgets({ client: database, tableName, clock }),
    modeSwitch: openModeSwitch(tableName),
  };
}
