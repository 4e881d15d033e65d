/** The configuration as it may be shown: same shape, no secrets. */
import type { Config, PoolConfig } from './schema.ts'

const HIDDEN = '[redacted]'
const USERINFO = /([a-z][a-z0-9+.-]*:\/\/)[^/@\s]*@/gi

/** For GET /config. Credentials in URLs are hidden wherever they occur, arguments of hooks included. */
export function redact(config: Config): Config {
  const { token, ...admin } = hideCredentials(config.admin)
  return {
    ...hideCredentials(config),
    admin: { ...admin, ...(token !== undefined && { token: HIDDEN }) },
    pools: Object.fromEntries(Object.entries(config.pools).map(([name, pool]) => [name, hideProbe(pool)])),
    // The whole URL of a webhook is a secret: the key is in its path.
    alerts: config.alerts.map((alert) => ({ ...alert, url: HIDDEN })),
  }
}

/** What a check sends may be a password (`AUTH …`). */
function hideProbe(pool: PoolConfig): PoolConfig {
  const { probe, ...rest } = hideCredentials(pool)
  return { ...rest, probe: 'send' in probe ? { ...probe, send: HIDDEN } : probe }
}

function hideCredentials<T>(value: T): T {
  if (typeof value === 'string') return value.replace(USERINFO, `$1${HIDDEN}@`) as T
  if (Array.isArray(value)) return value.map(hideCredentials) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, hideCredentials(each)])) as T
}
