// The command of OpenSSL, where it is installed: another implementation to compare with.

import { execFileSync } from 'node:child_process'

export const OPENSSL = 'openssl'

export const hasOpenssl = ((): boolean => {
  try {
    return execFileSync(OPENSSL, ['version']).length > 0
  } catch {
    return false
  }
})()
