import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';

/**
 * Takes the plain samples out of a recording of a real API server (1.34, EKS-like audit policy) that lies beside the checkout, byte for byte:
 * `node events/record.ts`. Needed only to add a sample; everything else in this folder follows from them by generate.ts.
 */

/** Sample → auditID and stage in the recording. */
const EVENTS: Readonly<Record<string, readonly [auditID: string, stage: string]>> = {
  'list-services': ['d55baacc-351c-4913-a3f4-4a721cd9defe', 'ResponseComplete'],
  'exec-started': ['558eb56a-cb87-42d7-8ab5-91621bffb321', 'ResponseStarted'],
  'exec-complete': ['558eb56a-cb87-42d7-8ab5-91621bffb321', 'ResponseComplete'],
  'exec-forbidden': ['39788e8a-9d84-4a91-b117-96d748c72156', 'ResponseStarted'],
  'secret-get': ['643be93f-4667-48ed-89ef-484ef5c398b6', 'ResponseComplete'],
  'secret-list-cluster': ['48ae6a77-fdc3-4172-89b9-ef072eaab937', 'ResponseComplete'],
  'bind-cluster-admin': ['f60d7af0-96b5-40b8-a8ac-456fc6ef7e75', 'ResponseComplete'],
  'bind-cluster-admin-forbidden': ['59585936-dc1f-4533-9bcf-2d4692788504', 'ResponseComplete'],
  'privileged-pod': ['34232898-03ee-4f9d-bbb1-25ac97a355b8', 'ResponseComplete'],
  'hostpath-log-pod': ['98a9077c-fd8a-46b7-8830-c211054a3452', 'ResponseComplete'],
  'ephemeral-container': ['1a5148b7-17ad-4fcb-a771-0ef542abddc0', 'ResponseComplete'],
  'anonymous-list-secrets': ['6f1534fd-551a-43b2-b5a5-b33abec35f1d', 'ResponseComplete'],
  'invalid-token': ['3ffde3d8-948c-44b5-babb-cd47aae4e273', 'ResponseStarted'],
  'impersonate-masters': ['a73e3d08-bbe5-451d-b93f-f372e7a0eeb2', 'ResponseComplete'],
  'aws-auth-modified': ['721c86a5-b755-4917-baa1-a5699b31c025', 'ResponseComplete'],
  'create-mutating-webhook': ['8245208d-c756-4959-aa15-852fa25c5a66', 'ResponseComplete'],
  'delete-namespace': ['76a4b71b-2160-4499-b5d2-c64c655bf6f8', 'ResponseComplete'],
};

/** Sample → the event that raised the alert, and the rule. */
const ALERTS: Readonly<Record<string, readonly [event: string, rule: string]>> = {
  'attach-to-cluster-admin': ['bind-cluster-admin', 'Attach to cluster-admin Role'],
  'create-privileged-pod': ['privileged-pod', 'Create Privileged Pod'],
  'exec-pod': ['exec-started', 'Attach/Exec Pod'],
  'exec-pod-forbidden': ['exec-forbidden', 'Attach/Exec Pod'],
};

const folder = import.meta.dirname;

function recorded(path: string): string[] {
  const file = resolve(folder, '../../shared', path);
  if (!existsSync(file)) throw new Error(`Expected the recording at ${file}. The samples in the tree are complete without it.`);
  return gunzipSync(readFileSync(file)).toString().trimEnd().split('\n');
}

const events = recorded('audit/eks.ndjson.gz');
for (const [name, [auditID, stage]] of Object.entries(EVENTS)) {
  const text = events.find((line) => line.includes(`"auditID":"${auditID}","stage":"${stage}"`));
  if (text === undefined) throw new Error(`Expected an event ${auditID} ${stage} in the recording for the sample ${name}.`);
  writeFileSync(join(folder, 'audit', `${name}.json`), `${text}\n`);
}
const alerts = recorded('conformance/eks.alerts.all.appended.ndjson.gz');
for (const [name, [event, rule]] of Object.entries(ALERTS)) {
  const [auditID, stage] = EVENTS[event]!;
  const text = alerts.find(
    (line) => line.includes(`"${auditID}"`) && line.includes(`"ka.stage":"${stage}"`) && line.includes(`"rule":"${rule}"`),
  );
  if (text === undefined) throw new Error(`Expected an alert of rule ${rule} for ${auditID} in the recording for the sample ${name}.`);
  writeFileSync(join(folder, 'falco', `${name}.json`), `${text}\n`);
}
