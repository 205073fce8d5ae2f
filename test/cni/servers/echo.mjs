// A server for pods: answers on a TCP and a UDP port with its name and who asks. Where there
// is more than one address, UDP needs to be told the one to answer from. A datagram that holds a number
// is answered with so many bytes.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'

const [name, port, address = '0.0.0.0'] = process.argv.slice(2)

createServer((request, response) => {
  response.setHeader('connection', 'close')
  response.end(`${name} ${request.socket.remoteAddress}`)
}).listen(Number(port), '0.0.0.0')

const socket = createSocket('udp4')
socket.on('message', (message, from) => {
  const length = Number(message.toString()) || 0
  socket.send(`${name} ${from.address}`.padEnd(length, '.'), from.port, from.address)
})
socket.bind(Number(port), address)
