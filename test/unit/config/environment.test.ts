// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration file, not of JavaScript
import { describe, expect, it } from 'vitest'
import { substitute } from '../../../src/config/environment.ts'
import { accepted, MINIMAL, problemsOf, shop, withShop } from './support.ts'

describe('variables', () => {
  it('are replaced inside a value, more than once', () => {
    expect(substitute('${A}:${B}', { A: 'x', B: 'y' }).text).toBe('x:y')
  })

  it('fall back to their default when not set or empty', () => {
    expect(substitute('${A:-d}', {}).text).toBe('d')
    expect(substitute('${A:-d}', { A: '' }).text).toBe('d')
    expect(substitute('${A:-}', {}).text).toBe('')
    expect(substitute('${A:-d}', { A: 'x' }).text).toBe('x')
  })

  it('may be set to nothing without a default', () => {
    expect(substitute('${A}', { A: '' })).toEqual({ text: '', names: ['A'], problems: [] })
  })

  it('are not looked for inside their own values', () => {
    expect(substitute('${A}', { A: '${B}' })).toMatchObject({ text: '${B}', problems: [] })
  })

  it('are not what every object inherits', () => {
    expect(substitute('${constructor}', {}).problems).toHaveLength(1)
  })

  it('can be written literally', () => {
    expect(substitute('$${A} $A $', { A: 'x' })).toEqual({ text: '${A} $A $', names: [], problems: [] })
  })

  it.each(['${', '${}', '${1A}', '${A-d}', '${A B}', 'x${A'])('are refused when malformed: %s', (text) => {
    expect(substitute(text, { A: 'x' }).problems).toEqual([expect.stringContaining('starts a variable')])
  })

  it('work in block text and in quotes', () => {
    const text = MINIMAL.replace('0.0.0.0:8080', '"${HOST}:${PORT:-80}"')
    expect(accepted(text, { HOST: '10.0.0.9' }).listeners.web?.listen).toEqual({
      kind: 'tcp',
      host: '10.0.0.9',
      port: 80,
      text: '10.0.0.9:80',
    })
    expect(shop('kind: ${KIND}', { KIND: 'singleWriter' }).kind).toBe('singleWriter')
  })

  it('that are missing are named with their place, once', () => {
    expect(problemsOf(withShop('hold:\n  time: ${HOLD_TIME}'))).toEqual([
      'u.yaml:9:13 pools.shop.hold.time the environment variable HOLD_TIME is not set; set it, or write ${HOLD_TIME:-default}',
    ])
  })

  it('that hold a wrong value are named', () => {
    expect(problemsOf(withShop('hold:\n  time: ${HOLD_TIME}'), { HOLD_TIME: 'long' })).toEqual([
      'u.yaml:9:13 pools.shop.hold.time expected a duration with its unit, such as 250ms, 5s, 2m or 1h (the value comes from ${HOLD_TIME})',
    ])
  })

  it('leave comments and keys alone', () => {
    expect(problemsOf(`# \${NOT_SET}\n${MINIMAL}`)).toEqual([])
    expect(problemsOf(`${MINIMAL}"\${A}": 1\n`, { A: 'log' })).toEqual([expect.stringContaining('unknown key `${A}`')])
  })
})
