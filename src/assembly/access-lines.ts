/** From what a finished request or session leaves behind to its line in the access log. */
import type { AccessSink } from '../http/access-log.ts'
import type { Logger } from '../logging.ts'
import type { TcpAccessSink } from '../tcp/access-log.ts'

export function httpAccess(pool: string, logger: Logger): AccessSink {
  return ({ client, head }, { duration, attempts, ...record }) =>
    logger.access({
      listener: client.listener,
      client: client.address,
      pool,
      method: head.method,
      path: head.target,
      duration,
      attempts,
      ...record,
    })
}

export function tcpAccess(logger: Logger): TcpAccessSink {
  return (record) => logger.access(record)
}
