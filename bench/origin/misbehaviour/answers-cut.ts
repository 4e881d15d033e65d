// Every answer stops half way through its body: a full disk behind a cache, a crashing renderer. Status and head look fine.
import type { Behaviour } from '../behaviour.ts'

export const answersCut: Behaviour = {
  send: (response, payload) => {
    response.setHeader('Content-Length', payload.length)
    response.write(payload.subarray(0, payload.length >> 1), () => response.socket?.destroy())
  },
}
