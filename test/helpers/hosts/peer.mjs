// One of those who talk to each other on a host of the zoo: answers who it is by TCP and UDP, asks
// others, and keeps connections open.
//
//   node peer.mjs NAME
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { get } from 'node:http'
import { connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { converse, tell } from '../servers/conversation.mjs'

// The echo service's, by UDP and TCP (RFC 862).
const ECHO = 7
const PAUSE_MS = 100

const [name] = process.argv.slice(2)

/** Tries until it goes well or the patience is over: what is being moved refuses for a moment. */
async function insist(patience, attempt) {
  const signal = AbortSignal.timeout(patience)
  for (;;) {
    try {
      return await attempt(signal)
    } catch (error) {
      if (signal.aborted) throw new Error(reasonOf(error), { cause: error })
      await setTimeout(PAUSE_MS)
    }
  }
}

function reasonOf(error) {
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'no answer'
  return error.code ?? error.message
}

// An answer by TCP is a line with the name and the address that is seen; what comes after is echoed.
function answerTcp(socket) {
  socket.on('error', () => {})
  socket.write(`${JSON.stringify({ name, seen: socket.remoteAddress })}\n`)
  socket.pipe(socket)
}

/** A connection's lines as they come; rejects when it ends or the signal says so. */
class Lines {
  #text = ''

  constructor(socket) {
    this.socket = socket
    socket.setEncoding('utf8')
  }

  async next(signal) {
    while (!this.#text.includes('\n')) {
      const data = once(this.socket, 'data', { signal })
      const closed = once(this.socket, 'close', { signal }).then(() => {
        throw new Error('the connection broke')
      })
      closed.catch(() => {})
      const [more] = await Promise.race([data, closed])
      this.#text += more
    }
    const at = this.#text.indexOf('\n')
    const line = this.#text.slice(0, at)
    this.#text = this.#text.slice(at + 1)
    return line
  }
}

async function open({ address, port, local }, signal) {
  const socket = connect({ host: address, port, ...(local && { localAddress: local }) })
  try {
    await once(socket, 'connect', { signal })
    socket.on('error', () => {})
    const lines = new Lines(socket)
    return { socket, lines, answer: JSON.parse(await lines.next(signal)) }
  } catch (error) {
    socket.destroy()
    throw error
  }
}

// Sends a line of that size over a new connection, and wants it back.
function askTcp({ size, patience, ...target }) {
  return insist(patience, async (signal) => {
    const { socket, lines, answer } = await open(target, signal)
    try {
      socket.write(`${'x'.repeat(size)}\n`)
      const { length } = await lines.next(signal)
      if (length !== size) throw new Error(`${length} of ${size} bytes came back`)
      return answer
    } finally {
      socket.destroy()
    }
  })
}

const pad = (answer, size) => Buffer.from(answer.padEnd(size, ' '))

// Only an answer from the very address that was asked counts.
async function askUdp({ address, port, size, patience }) {
  const socket = createSocket('udp4')
  // A refusal by ICMP may be of a moment: the next datagram is due all the same.
  socket.on('error', () => {})
  socket.connect(port, address)
  await once(socket, 'connect')
  const send = () => socket.send(pad('who?', size), () => {})
  const timer = setInterval(send, PAUSE_MS)
  send()
  try {
    const signal = AbortSignal.timeout(patience)
    const [answer] = await once(socket, 'message', { signal })
    if (answer.length < size) throw new Error(`${answer.length} of ${size} bytes came`)
    return JSON.parse(answer)
  } catch (error) {
    throw new Error(reasonOf(error), { cause: error })
  } finally {
    clearInterval(timer)
    socket.close()
  }
}

function answerUdp(socket) {
  socket.on('message', ({ length }, { address, port }) =>
    socket.send(pad(JSON.stringify({ name, seen: address }), length), port, address),
  )
}

async function serve({ protocol, port, address = '0.0.0.0' }) {
  if (protocol === 'tcp') {
    const server = createServer(answerTcp).listen(port, address)
    return void (await once(server, 'listening'))
  }
  // A socket for one address answers from that, beside the one for any.
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  answerUdp(socket)
  socket.bind(port, address)
  await once(socket, 'listening')
}

const held = new Map()

async function hold({ key, patience, ...target }) {
  held.get(key)?.socket.destroy()
  held.set(key, await insist(patience, (signal) => open(target, signal)))
}

// A line goes over the connection and comes back, whatever happened since it was opened.
async function isHeld({ key, patience }) {
  const { socket, lines } = held.get(key)
  if (socket.destroyed) throw new Error('the connection broke')
  const line = String(Math.random())
  socket.write(`${line}\n`)
  const signal = AbortSignal.timeout(patience)
  for (;;) {
    const back = await lines.next(signal).catch((error) => {
      throw new Error(reasonOf(error), { cause: error })
    })
    if (back === line) return
  }
}

// A name server that knows one address for every name.
function answerNames(socket, address) {
  socket.on('message', (question, { address: to, port }) => {
    const end = question.indexOf(0, 12) + 5
    const answer = Buffer.concat([
      question.subarray(0, 2),
      Buffer.from([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]),
      question.subarray(12, end),
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]),
      Buffer.from(address.split('.').map(Number)),
    ])
    socket.send(answer, port, to)
  })
}

async function serveNames({ at, address }) {
  const socket = createSocket('udp4')
  answerNames(socket, address)
  socket.bind(53, at)
  await once(socket, 'listening')
}

function resolve({ server, host, patience }) {
  return insist(patience, async () => {
    const resolver = new Resolver({ timeout: 1000, tries: 1 })
    resolver.setServers([server])
    return (await resolver.resolve4(host))[0]
  })
}

function fetchPage({ url, patience }) {
  return insist(patience, async (signal) => {
    const request = get(url, { agent: false, signal })
    const [response] = await once(request, 'response')
    return text(response)
  })
}

await serve({ protocol: 'tcp', port: ECHO })
await serve({ protocol: 'udp', port: ECHO })
converse({
  ...{ askTcp, askUdp, serve, hold, isHeld },
  ...{ serveNames, resolve, fetch: fetchPage },
})
tell({ type: 'ready', id: 0 })
