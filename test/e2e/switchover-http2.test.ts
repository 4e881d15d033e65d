// The same with clients that speak HTTP/2 over TLS, from a load generator that checks the certificate.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { makeTemporaryFolder } from '../../bench/process/temporary-folder.ts'
import { certificate, key } from '../support/self-signed.ts'
import { describeSwitchover } from './support/switchover-suite.ts'

const folder = makeTemporaryFolder()
afterAll(() => folder.remove())

const write = (name: string, text: string): string => {
  const file = join(folder.path, name)
  writeFileSync(file, text)
  return file
}

describeSwitchover({
  name: 'HTTP/2 over TLS',
  contender: 'understudy',
  front: {
    protocol: 'tls',
    certificate: {
      certFile: write('cert.pem', certificate),
      keyFile: write('key.pem', key),
      bundleFile: write('bundle.pem', certificate + key),
    },
  },
  scenarios: ['killed', 'planned-switchover'],
})
