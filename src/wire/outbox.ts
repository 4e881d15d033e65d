/**
 * What is written during one turn of the event loop goes out at its end: everything that has arrived is dealt with first.
 * Between writes that follow each other at once a receiver stays awake; to wake it anew for each costs the sender more than
 * the write itself. And what is for one socket becomes one write.
 */

/** Who has something to send. */
export interface Sender {
  flush(): void
}

const waiting: Sender[] = []

export function sendAtEndOfTurn(sender: Sender): void {
  if (waiting.push(sender) === 1) setImmediate(sendAll)
}

function sendAll(): void {
  // Whoever is told meanwhile that it may write on is served in this turn, too.
  for (let next = 0; next < waiting.length; next++) waiting[next]?.flush()
  waiting.length = 0
}
