// Certificate files in a folder of their own, and a clock that tells when what it started is over.

import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Certificates, type CertificatesOptions } from '../../src/assembly/certificates.ts'
import type { Cancel } from '../../src/core/time.ts'
import { FakeClock } from './fake-clock.ts'
import type { Issued } from './test-authority.ts'

/** How often the files are looked at. */
export const INTERVAL = 2_000

export class PatientClock extends FakeClock {
  private begun: unknown[] = []

  override every(interval: number, task: () => unknown): Cancel {
    return super.every(interval, () => {
      this.begun.push(task())
    })
  }

  /** Time passes, and then whatever was begun comes to its end. */
  async pass(milliseconds: number): Promise<void> {
    this.advance(milliseconds)
    const begun = this.begun
    this.begun = []
    await Promise.all(begun)
  }
}

export class CertificateFolder {
  readonly clock = new PatientClock(Date.now())
  readonly problems: string[] = []
  current: Certificates | null = null
  #time = 1_000_000
  readonly #folder = mkdtempSync(join(tmpdir(), 'understudy-certificates-'))

  at(name: string): string {
    return join(this.#folder, name)
  }

  pair(into = '.'): { cert: string; key: string } {
    return { cert: this.at(join(into, 'cert.pem')), key: this.at(join(into, 'key.pem')) }
  }

  /** With a time of its own, however fast one change follows another: file systems count in steps of milliseconds. */
  put(path: string, text: string): void {
    writeFileSync(path, text)
    utimesSync(path, ++this.#time, this.#time)
  }

  write({ cert, key }: Issued, into = '.'): void {
    mkdirSync(this.at(into), { recursive: true })
    this.put(this.pair(into).cert, cert)
    this.put(this.pair(into).key, key)
  }

  /** Of the listener `web`, with the pair that lies at the top. */
  load(options: Partial<CertificatesOptions> = {}): Certificates {
    this.current = new Certificates({
      ticketKeys: null,
      listener: 'web',
      files: [this.pair()],
      clients: null,
      minVersion: 'TLSv1.2',
      alpn: [],
      clock: this.clock,
      report: (problem) => this.problems.push(problem),
      ...options,
    })
    this.current.watch()
    return this.current
  }

  remove(): void {
    this.current?.stop()
    rmSync(this.#folder, { recursive: true, force: true })
    this.clock.assertIdle()
  }
}
