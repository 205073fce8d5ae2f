/** Other bridges of the host go on as they were: their frames are not ours to touch. */
import t from 'tap'
import { ADDRESS } from '../helpers/fabric.js'
import { addForeignBridge, foreignMatrix } from './support/foreign-bridge.js'
import { addPod, delPod, makeHost, OUR_PLUGINS, runtime } from './support/setup.js'
import { bridgeNetfilter, fetchTcp, fetchUdp, serve } from './support/traffic.js'

const portMappings = [
  { hostPort: 8080, containerPort: 80, protocol: 'tcp' as const },
  { hostPort: 8080, containerPort: 80, protocol: 'udp' as const },
]

for (const masquerade of [false, true]) {
  for (const filtered of [false, true]) {
    const how = `masquerade ${masquerade}, bridge-nf-call-iptables ${filtered}`
    t.test(`containers of another bridge: ${how}`, async (test) => {
      const host = await makeHost(test)
      await addForeignBridge(host)
      await bridgeNetfilter(host, filtered)
      const before = await foreignMatrix(host)
      test.notMatch(Object.values(before).join(), /none|false/, 'all is well before')
      const runner = runtime(host, { vnet: { masquerade } }, { cniPath: OUR_PLUGINS })
      const one = await addPod(runner, 'one', { portMappings })
      await addPod(runner, 'two')
      await serve(host, 'one')
      test.strictSame(await foreignMatrix(host), before, 'with pods')
      for (const from of ['c1', 'two', 'vm', 'secondVm']) {
        test.match(await fetchTcp(host, from, `${one}:80`), /^one /, `${from} → pod`)
        test.match(await fetchUdp(host, from, `${one}:80`), /^one /, `udp ${from} → pod`)
        const port = `${ADDRESS.primary}:8080`
        test.match(await fetchTcp(host, from, port), /^one /, `${from} → its port`)
        test.match(await fetchUdp(host, from, port), /^one /, `udp ${from} → its port`)
      }
      await delPod(runner, 'one')
      test.strictSame(await foreignMatrix(host), before, 'one pod less')
      await delPod(runner, 'two')
      test.strictSame(await foreignMatrix(host), before, 'after the last pod')
    })
  }
}
