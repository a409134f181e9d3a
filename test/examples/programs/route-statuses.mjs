// The statuses that examples/route.mjs answers with where the engine throws. Its path comes first,
// then the errors' codes.
import { SluiceError } from 'sluice'

const [route, ...codes] = process.argv.slice(2)
const { POST } = await import(route)
const statuses = {}
for (const code of codes) {
  const chat = () => {
    throw new SluiceError(code, 'as the test has it')
  }
  globalThis.engine = Promise.resolve({ chat })
  const request = new Request('http://localhost/', { method: 'POST', body: '{"messages": []}' })
  statuses[code] = (await POST(request)).status
}
console.log(JSON.stringify(statuses))
