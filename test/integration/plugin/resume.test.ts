// Behind the routes of an application, large answers go on from another upstream like anywhere else.
import { afterEach, expect, test } from 'vitest'
import { content, digest, download, files, MEBIBYTE } from '../http/support/downloads.ts'
import { ShopApp } from './support/shop-app.ts'

let shop: ShopApp
afterEach(() => shop.stop())

test('a download that is cut off goes on from the other one', async () => {
  const file = content(4 * MEBIBYTE)
  shop = await ShopApp.build({ pool: { replay: { resume: true } } })
  shop.blue.serve = files({ file, cut: 2 * MEBIBYTE })
  shop.green.serve = files({ file })
  await shop.listen()
  const { status, body, whole } = await download(shop.port)
  expect([status, digest(body), whole]).toEqual([200, digest(file), true])
  expect(shop.green.arrived.length).toBe(1)
})
