/**
 * What is written during one turn of the event loop goes out at its end: everything that has arrived is dealt with first.
 * Between writes that follow each other at once a receiver stays awake; to wake it anew for each costs the sender more than
 * the write itself. And what is for one socket becomes one write.
 */

/** Who has something to send. */
export interface Sender {
  flush(): void
}

let waiting: Sender[] = []

export function sendAtEndOfTurn(sender: Sender): void {
  if (waiting.push(sender) === 1) setImmediate(sendAll)
}

function sendAll(): void {
  const senders = waiting
  // First: should one of them throw, the next turn must not find the door shut for good.
  waiting = []
  for (const sender of senders) sender.flush()
}
