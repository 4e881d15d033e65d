/** The page of the demo shop: shows who served it, and asks again twice a second, so that a failover can be watched. */

type Shop = Readonly<{ servedBy: string; pid: number; orders: number }>

export function shopPage(shop: Shop): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Demo shop</title>
<style>
  body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }
  #who { color: #fff; background: ${colourOf(shop.servedBy)}; border-radius: .5rem; padding: 1rem 1.5rem }
  #who b { font-size: 2rem }
  button { font: inherit; padding: .4rem 1rem }
</style>
<h1>Demo shop</h1>
<p id="who">Served by <b id="name">${shop.servedBy}</b> (pid <span id="pid">${shop.pid}</span>)</p>
<p><button id="order">Order a cup of tea</button> <span id="ordered"></span></p>
<p>Asked <span id="asked">1</span> times, <span id="failed">0</span> failed.
End this shop with <code>kill -9 <span id="victim">${shop.pid}</span></code> and watch the name change.</p>
<script>
  const show = (id, text) => { document.getElementById(id).textContent = text }
  const colours = ${JSON.stringify(COLOURS)}
  let asked = 1, failed = 0
  setInterval(async () => {
    try {
      show('asked', ++asked)
      const answer = await fetch('/', { headers: { accept: 'application/json' } })
      const { servedBy, pid } = await answer.json()
      show('name', servedBy); show('pid', pid); show('victim', pid)
      document.getElementById('who').style.background = colours[servedBy] || '${OTHER_COLOUR}'
    } catch { show('failed', ++failed) }
  }, 500)
  document.getElementById('order').onclick = async () => {
    const answer = await fetch('/orders', { method: 'POST', body: '{"item":"tea"}' })
    const { order, servedBy } = await answer.json()
    show('ordered', answer.ok ? 'Order ' + order + ' taken by ' + servedBy : 'The order failed')
  }
</script>
</html>
`
}

const OTHER_COLOUR = '#555'
const COLOURS: Readonly<Record<string, string>> = {
  blue: '#1d4ed8',
  green: '#15803d',
  primary: '#1d4ed8',
  standby: '#15803d',
}
const colourOf = (name: string): string => COLOURS[name] ?? OTHER_COLOUR
