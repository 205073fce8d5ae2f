// A member of the demo's network: answers who it is, and finds out whom it can reach.
//
//   node peer.mjs NAME
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { converse, tell } from '../servers/conversation.mjs'

// The echo service's, by UDP and TCP (RFC 862).
const ECHO = 7
const ANYWHERE = '0.0.0.0'
// How long somebody may be silent before that counts as an answer. Whoever answers does it at once.
const PATIENCE_MS = 10_000
const PAUSE_MS = 20

const [name] = process.argv.slice(2)

// Sends datagrams until one is answered. Only an answer from the very address that was asked counts.
async function reach({ address }) {
  const socket = createSocket('udp4')
  // A refusal by ICMP may be of a moment: the next datagram is due all the same.
  socket.on('error', () => {})
  socket.connect(ECHO, address)
  await once(socket, 'connect')
  const send = () => socket.send('who are you?', () => {})
  const timer = setInterval(send, 10 * PAUSE_MS)
  send()
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const [answer] = await once(socket, 'message', { signal }).catch((error) => {
      throw signal.aborted ? new Error(`no answer from ${address}`) : error
    })
    return JSON.parse(answer)
  } finally {
    clearInterval(timer)
    socket.close()
  }
}

async function serve({ port, page }) {
  const server = createServer((_, response) => {
    response.setHeader('connection', 'close')
    response.end(page)
  }).listen(port, ANYWHERE)
  await once(server, 'listening')
}

async function fetchPage({ url }) {
  const request = get(url, { agent: false, timeout: PATIENCE_MS })
  request.on('timeout', () => request.destroy(new Error(`no answer from ${url}`)))
  const [response] = await once(request, 'response')
  return text(response)
}

let held

// Opens a connection and sends numbered lines over it from now on.
async function hold({ address }) {
  const socket = connect(ECHO, address).setTimeout(3 * PATIENCE_MS)
  const failed = once(socket, 'close').then(() => {
    throw new Error(`the connection to ${address} broke`)
  })
  failed.catch(() => {})
  socket.on('error', () => {})
  socket.on('timeout', () => socket.destroy())
  await Promise.race([once(socket, 'connect'), failed])
  held = { socket, failed, sent: 0, echoed: 0 }
  createInterface({ input: socket }).on('line', (line) => {
    if (Number(line) === held.echoed + 1) held.echoed += 1
  })
  held.timer = setInterval(() => socket.write(`${++held.sent}\n`), PAUSE_MS)
}

// Stops sending and waits for the last echo; rejects when the connection broke.
async function release() {
  clearInterval(held.timer)
  const { socket, failed } = held
  const all = async () => {
    while (held.echoed < held.sent) await once(socket, 'data')
  }
  await Promise.race([all(), failed])
  socket.destroy()
  return { sent: held.sent }
}

const udp = createSocket('udp4')
udp.on('message', (_, { address, port }) =>
  udp.send(JSON.stringify({ name, seen: address }), port, address),
)
udp.bind(ECHO, ANYWHERE)
const tcp = createTcpServer((socket) => socket.on('error', () => {}).pipe(socket))
tcp.listen(ECHO, ANYWHERE)
await Promise.all([once(udp, 'listening'), once(tcp, 'listening')])
converse({ reach, serve, fetch: fetchPage, hold, release })
tell({ type: 'ready', id: 0 })
