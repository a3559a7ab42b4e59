/** Something that comes back to a response when its time is over. */
export interface Expiry {
  /** Sends `Response Expired` at that time; a response may have several. Scheduling the same again changes nothing. */
  schedule(id: string, atMs: number): Promise<void>;
}
