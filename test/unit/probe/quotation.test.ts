import { describe, expect, it } from 'vitest'
import { quotation } from '../../../src/probe/quotation.ts'

describe('what an upstream said', () => {
  it('is shown on one line, without what a terminal would obey', () => {
    expect(quotation(' no\r\n\tquorum\u001b[31m\u0007\u0000 here ')).toBe('no quorum [31m here')
    expect(quotation('abc\u202edef\u200f')).toBe('abc def')
  })

  it('is cut short, however it is written', () => {
    expect(quotation('x'.repeat(200))).toBe('x'.repeat(200))
    expect(quotation('x'.repeat(1_000_000))).toBe(`${'x'.repeat(200)}…`)
    expect(quotation(Buffer.alloc(1_000_000, 'ä'))).toBe(`${'ä'.repeat(200)}…`)
  })

  it('may be no text at all', () => {
    expect(quotation(Buffer.of(0xff, 0xfe, 0x00))).toBe('\ufffd\ufffd')
    expect(quotation('')).toBe('')
  })
})
