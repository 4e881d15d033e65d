// Which upstream target becomes of which path, and which path of nobody's.
import { understudy } from 'understudy-proxy'
import { afterEach, describe, expect, test } from 'vitest'
import { head, ShopApp, type ShopOptions } from './support/shop-app.ts'

let shop: ShopApp
const serve = async (options: ShopOptions = {}): Promise<ShopApp> => {
  shop = await ShopApp.build(options)
  await shop.listen()
  return shop
}
afterEach(() => shop.stop())

describe('a path', () => {
  test.each(['/api/../admin', '/api/%2e%2E/admin', '/api/..%2fadmin', '/api/..;/admin', '/api/..\\admin', '/api/.'])(
    '%s is for nobody to guess at',
    async (path) => {
      const { blue } = await serve()
      expect(await shop.send(head(`GET ${path} HTTP/1.1`))).toMatchObject({ status: 400 })
      expect(blue.arrived).toEqual([])
    },
  )

  test('that cannot be decoded is answered by Fastify, or by what the application says', async () => {
    const { blue } = await serve()
    expect(await shop.send(head('GET /%zz HTTP/1.1'))).toMatchObject({ status: 400 })
    expect(blue.arrived).toEqual([])
  })

  test('below a prefix is the prefix as well, and keeps it unless it is rewritten', async () => {
    const { blue, app } = await serve({ plugin: { prefix: '/shop' } })
    for (const path of ['/shop', '/shop?x', '/shop/', '/shop/a//b']) await shop.send(head(`GET ${path} HTTP/1.1`))
    expect(await shop.send(head('GET /shopping HTTP/1.1'))).toMatchObject({ status: 404 })
    expect(blue.arrived.map(({ target }) => target)).toEqual(['/shop', '/shop?x', '/shop/', '/shop/a//b'])
    expect(app.hasRoute({ method: 'PROPFIND', url: '/shop/*' })).toBe(true)
  })

  test('is rewritten behind the prefixes of everybody', async () => {
    shop = await ShopApp.build({
      plugin: {
        prefix: '/shop',
        routes: { '/*': { pool: 'shop', rewrite: '/' }, '/exact': { pool: 'shop', rewrite: '/e/' } },
      },
    })
    shop.app.register(async (scope) => scope.register(understudy, shop.settings), { prefix: '/all' })
    await shop.app.listen({ port: 0, host: '127.0.0.1' })
    for (const path of ['/all/shop', '/all/shop/a?b', '/all/shop/exact?c'])
      await shop.send(head(`GET ${path} HTTP/1.1`))
    expect(shop.blue.arrived.map(({ target }) => target)).toEqual(['/', '/a?b', '/e/?c'])
  })

  test('in absolute form is rewritten too, and must say what Host says', async () => {
    const { blue } = await serve({ plugin: { routes: { '/api/*': { pool: 'shop', rewrite: '/v1' } } } })
    expect(await shop.send(head('GET http://shop.test/api/x HTTP/1.1'))).toMatchObject({ status: 200 })
    expect(await shop.send(head('GET http://other.test/api/x HTTP/1.1'))).toMatchObject({ status: 400 })
    expect(blue.arrived.map(({ target }) => target)).toEqual(['/v1/x'])
  })
})
