// A self-signed ECDSA P-256 certificate, made afresh for every run.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Certificate } from '../../contenders/front.ts'

const PROGRAM = 'openssl'
const REQUEST = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost'
const NAMES = 'subjectAltName=DNS:localhost,IP:127.0.0.1'

export const makeCertificate = (workDir: string): Certificate => {
  const [certFile, keyFile, bundleFile] = ['cert.pem', 'key.pem', 'bundle.pem'].map((name) => join(workDir, name)) as [
    string,
    string,
    string,
  ]
  const files = ['-addext', NAMES, '-keyout', keyFile, '-out', certFile]
  execFileSync(PROGRAM, [...REQUEST.split(' '), ...files], { stdio: 'pipe' })
  writeFileSync(bundleFile, readFileSync(certFile, 'utf8') + readFileSync(keyFile, 'utf8'), { mode: 0o600 })
  return { certFile, keyFile, bundleFile }
}
