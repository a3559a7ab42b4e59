import { FalcoStandIn } from '../support/falco-stand-in.ts';

/** A receiver in a process of its own, so that it does not share the sender's core: tells its URL, lives until the sender hangs up. */
const receiver = await FalcoStandIn.start({ keep: false });
process.send?.({ url: receiver.url });
process.on('message', () => process.send?.(receiver.taken));
process.on('disconnect', () => void receiver.stop());
