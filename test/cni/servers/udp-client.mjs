// Sends one datagram at a time from a fixed port, if one is given, until one is answered or
// the tries are used up, and prints the answer.
import { createSocket } from 'node:dgram'

const [address, port, sourcePort = '0', tries = '10', message = 'hello'] =
  process.argv.slice(2)
const socket = createSocket('udp4')
let left = Number(tries)

function send() {
  if (left-- === 0) {
    process.stderr.write('no answer\n')
    process.exit(1)
  }
  socket.send(message, Number(port), address)
}

socket.on('message', (answer) => {
  process.stdout.write(answer.toString())
  process.exit(0)
})
// A refusal may come as an error of the socket: the next try is due all the same.
socket.on('error', () => {})
socket.bind(Number(sourcePort), () => {
  send()
  setInterval(send, 150)
})
