import { describe, expect, it } from 'vitest'
import { interleaved, sameAddresses } from '../../../src/wire/addresses.ts'

describe('the order in which addresses are tried', () => {
  it.each([
    [
      'families take turns',
      ['::1', '::2', '::3', '10.0.0.1', '10.0.0.2'],
      ['::1', '10.0.0.1', '::2', '10.0.0.2', '::3'],
    ],
    ['the first is the resolver’s first', ['10.0.0.1', '10.0.0.2', '::1'], ['10.0.0.1', '::1', '10.0.0.2']],
    ['what is left of the longer family comes last', ['10.0.0.1', '::1', '::2'], ['10.0.0.1', '::1', '::2']],
    ['one family keeps its order', ['10.0.0.2', '10.0.0.1'], ['10.0.0.2', '10.0.0.1']],
    ['each comes once', ['127.0.0.1', '::1', '127.0.0.1'], ['127.0.0.1', '::1']],
    ['link-local ones are IPv6', ['10.0.0.1', '10.0.0.2', 'fe80::1%eth0'], ['10.0.0.1', 'fe80::1%eth0', '10.0.0.2']],
    ['none are none', [], []],
  ])('%s', (_, given, expected) => {
    expect(interleaved(given)).toEqual(expected)
  })
})

it('the same addresses in another order are the same', () => {
  expect(sameAddresses(['10.0.0.1', '::1'], ['::1', '10.0.0.1'])).toBe(true)
  expect(sameAddresses(['10.0.0.1'], ['10.0.0.1', '::1'])).toBe(false)
  expect(sameAddresses(['10.0.0.1'], ['10.0.0.2'])).toBe(false)
})
