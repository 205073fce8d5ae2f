// The HTTP servers of the simulated fabric. Started inside the fabric's namespace; everything that
// they answer is told to them.
import { rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { converse, tell } from './conversation.mjs'
import { endOccupants } from './occupants.mjs'

const WIRESERVER_URL = '/machine/plugins?comp=nmagent&type=getinterfaceinfov1'
const ENTITY_BOMB = [
  '<?xml version="1.0"?>',
  '<!DOCTYPE Interfaces [',
  '<!ENTITY a0 "10.0.0.5">',
  ...Array.from({ length: 12 }, (_, i) => {
    const previous = `&a${i};`
    return `<!ENTITY a${i + 1} "${previous.repeat(10)}">`
  }),
  ']>',
  '<Interfaces><Interface MacAddress="*" IsPrimary="true">&a12;</Interface></Interfaces>',
].join('\n')

const state = { mode: 'ok', xml: '', imds: '', forward: false }
const counts = { wireserver: 0, imds: 0, internet: 0 }
const waiting = new Map()
let nextRequest = 0

function reply(response, status, type, body, headers = {}) {
  response.writeHead(status, { 'content-type': type, ...headers })
  response.end(body)
}

function askParent(request, response) {
  const id = ++nextRequest
  waiting.set(id, response)
  tell({ type: 'request', id, method: request.method, url: request.url })
}

const byMode = {
  ok: (response) => reply(response, 200, 'text/xml', state.xml),
  status500: (response) => reply(response, 500, 'text/plain', 'Internal Server Error\n'),
  garbage: (response) => reply(response, 200, 'text/xml', '<Interfaces><Int\u0000erface'),
  entityBomb: (response) => reply(response, 200, 'text/xml', ENTITY_BOMB),
  hang: () => {},
}

const wireserver = createServer((request, response) => {
  counts.wireserver += 1
  if (state.mode !== 'ok') return byMode[state.mode](response)
  if (state.forward) return askParent(request, response)
  if (request.method !== 'GET' || request.url !== WIRESERVER_URL)
    return reply(response, 404, 'text/plain', 'Not Found\n')
  return byMode.ok(response)
})

const imds = createServer((request, response) => {
  counts.imds += 1
  const url = new URL(request.url, 'http://169.254.169.254')
  if (request.headers.metadata?.toLowerCase() !== 'true')
    return reply(response, 400, 'application/json', '{"error":"Bad request"}')
  if (
    url.pathname !== '/metadata/instance/network' ||
    !url.searchParams.has('api-version')
  )
    return reply(response, 404, 'application/json', '{"error":"Not found"}')
  return reply(response, 200, 'application/json', state.imds)
})

const internet = createServer((request, response) => {
  counts.internet += 1
  reply(response, 200, 'text/plain', request.socket.remoteAddress)
})

function listen(server, host) {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(80, host, resolve)
  })
}

function close(server) {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

async function setMode(mode) {
  if (mode === 'down' && wireserver.listening) await close(wireserver)
  if (mode !== 'down' && !wireserver.listening) await listen(wireserver, '168.63.129.16')
  // Requests that hang do so only while the mode lasts.
  if (state.mode === 'hang' && mode !== 'hang') wireserver.closeAllConnections()
  state.mode = mode
}

const commands = {
  set: async ({ documents }) => Object.assign(state, documents),
  mode: async ({ mode }) => setMode(mode),
  counts: async () => ({ ...counts }),
}

function answer(message) {
  const response = waiting.get(message.id)
  waiting.delete(message.id)
  if (response) reply(response, message.status, 'text/xml', message.body, message.headers)
}

// A test that is killed cannot clean up: these servers see it go and do it then.
async function cleanUp() {
  const [id, folder] = process.argv.slice(2)
  const { NetNs } = await import('../../../dist/esm/index.js')
  for (const name of NetNs.list().filter((one) => one.split('-')[1] === id)) {
    endOccupants(`/run/netns/${name}`)
    NetNs.delete(name)
  }
  rmSync(folder, { recursive: true, force: true })
}

converse(commands, { others: answer, atEnd: cleanUp })
await Promise.all([
  listen(wireserver, '168.63.129.16'),
  listen(imds, '169.254.169.254'),
  listen(internet, '203.0.113.10'),
])
tell({ type: 'ready', id: 0 })
