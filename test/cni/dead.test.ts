/** Namespaces that end without a DEL, as when a node crashes or a kubelet gives up. */
import t from 'tap'
import { addPod, leases, logLines, makeHost, runtime } from './support/setup.js'

t.test('a pool full of dead containers serves the next one', async (test) => {
  const pods = ['a', 'b', 'c']
  const host = await makeHost(test, { pods: pods.length })
  for (const lifetime of ['node', 'pods'] as const) {
    const runner = runtime(host, { lifetime })
    const options = { portMappings: [{ hostPort: 8080, containerPort: 80 }] }
    for (const pod of pods) await addPod(runner, pod, pod === 'a' ? options : {})
    test.equal(Object.keys(leases(host)).length, pods.length)
    for (const pod of pods) await host.removePodNetns(pod)
    await addPod(runner, 'next', options)
    test.strictSame(Object.keys(leases(host)), ['next/eth0'])
    test.ok(await host.ping('next', '10.0.0.1'), 'it has its network')
    const proofs = logLines(host, 'azure-vnet').flatMap(({ proof }) => proof ?? [])
    test.match(
      proofs,
      /azv\w+ is gone, and there is no namespace \/run\/netns\/pod-.*-[abc]/,
    )
    // What a runtime remembers at last.
    for (const pod of [...pods, 'next']) await runner.del(pod, '')
    test.strictSame(leases(host), {})
    await host.removePodNetns('next')
  }
})
