/** Every metric this project emits (CloudWatch namespace `Tiercel`), with its unit in the name where it has one. */
export const METRIC = {
  eventsReceived: 'EventsReceived',
  eventsDelivered: 'EventsDelivered',
  eventsDropped: 'EventsDropped',
  eventsSpooled: 'EventsSpooled',
  eventsQuarantined: 'EventsQuarantined',
  eventsSkipped: 'EventsSkipped',
  eventsReduced: 'EventsReduced',
  eventsSalvaged: 'EventsSalvaged',
  eventsResent: 'EventsResent',
  duplicateChunks: 'DuplicateChunks',
  objectsDone: 'ObjectsDone',
  objectsGone: 'ObjectsGone',
  objectsUnfinished: 'ObjectsUnfinished',
  objectsBackedUp: 'ObjectsBackedUp',
  objectsPoison: 'ObjectsPoison',
} as const;
