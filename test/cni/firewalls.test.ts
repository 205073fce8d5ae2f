/** Firewalls that do not fit containers are named beforehand, with the cure; others are not. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import {
  addPod,
  assertSame,
  logLines,
  makeHost,
  nodeRecords,
  OUR_PLUGINS,
  refuses,
  runtime,
  seedList,
  vnetCni,
  type Changes,
} from './support/setup.js'

const chain = (hook: string, policy: string, ...rules: string[]) =>
  `table inet filter { chain ${hook} { type filter hook ${hook} priority 0; policy ${policy};
  ${rules.join('\n')}
}
}`
const forward = (...rules: string[]) => chain('forward', 'drop', ...rules)
const input = (...rules: string[]) => chain('input', 'drop', ...rules)
const ESTABLISHED = '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'

const DROPS_IP =
  /chain FORWARD of table ip filter drops what azure0 forwards.*iptables -I/
const DROPS =
  /chain forward of table inet filter drops .*nft insert rule inet filter forward/
const MAY = /chain forward of table inet filter may drop what azure0 forwards/
const NAMES = /chain input of table inet filter has (a rule|2 rules) for eth0 .*azure0/

/** Rules of iptables, or a file of nft, and what is found. */
const CASES: [string, string | string[], RegExp[]][] = [
  ['no firewall', '', []],
  ['FORWARD DROP', ['-P FORWARD DROP'], [DROPS_IP]],
  ['and what is established', ['-P FORWARD DROP', ESTABLISHED], [DROPS_IP]],
  [
    'and what is new as well',
    ['-P FORWARD DROP', '-A FORWARD -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT'],
    [],
  ],
  [
    'and the bridge',
    ['-P FORWARD DROP', ESTABLISHED, '-A FORWARD -i azure0 -o azure0 -j ACCEPT'],
    [],
  ],
  ['and links like it', ['-P FORWARD DROP', '-A FORWARD -i azure+ -j ACCEPT'], []],
  ['and everything', ['-P FORWARD DROP', '-A FORWARD -j ACCEPT'], []],
  [
    'and another bridge',
    ['-P FORWARD DROP', '-A FORWARD -i docker0 -j ACCEPT'],
    [DROPS_IP],
  ],
  [
    'and addresses',
    ['-P FORWARD DROP', '-A FORWARD -s 10.0.0.0/24 -j ACCEPT'],
    [/table ip filter may drop/],
  ],
  [
    'REJECT at the end',
    ['-A FORWARD -p icmp -j ACCEPT', '-A FORWARD -j REJECT'],
    [DROPS_IP],
  ],
  [
    'by a chain of its own',
    ['-P FORWARD DROP', '-N mine', '-A mine -i azure0 -j ACCEPT', '-A FORWARD -j mine'],
    [],
  ],
  [
    'ufw',
    ['-P FORWARD DROP', '-N ufw-before-forward', '-A FORWARD -j ufw-before-forward'],
    [/drops .*ufw route allow in on azure0 out on azure0/],
  ],
  [
    'Docker, which has a place for us',
    ['-P FORWARD DROP', '-N DOCKER-USER', '-A FORWARD -j DOCKER-USER'],
    [],
  ],
  ['nft drop', forward(), [DROPS]],
  [
    'nft drop, by states',
    forward('ct state vmap { established : accept, related : accept, invalid : drop }'),
    [DROPS],
  ],
  [
    'nft drop, by states in a set',
    forward('ct state { established, related } accept'),
    [DROPS],
  ],
  ['nft drop, new too', forward('ct state { established, new } accept'), []],
  ['nft drop, an address', forward('ip saddr 10.0.0.0/24 accept'), [MAY]],
  ['nft drop, links of a set', forward('iifname { "docker0", "azure0" } accept'), []],
  ['nft drop, others of a set', forward('iifname { "docker0", "cni0" } accept'), [DROPS]],
  ['nft drop, all but one', forward('iifname != "wg0" accept'), []],
  ['nft reject', chain('forward', 'accept', 'meta l4proto tcp reject'), [DROPS]],
  [
    'firewalld',
    'table inet firewalld { chain filter_FORWARD { type filter hook forward priority 10; ct state { established, related } accept; reject;}\n}',
    [/table inet firewalld drops .*firewall-cmd --permanent --zone=trusted/],
  ],
  [
    'what is translated passes',
    forward('ct status dnat accept'),
    [/drops what azure0 forwards: Internet SNAT of containers, and all/],
  ],
  [
    'what is not passes',
    chain('forward', 'accept', 'ct status dnat drop'),
    [/drops what azure0 forwards: host ports of containers; Run/],
  ],
  ['the NIC by name', input('iifname "eth0" accept'), [NAMES]],
  ['the NIC by its index', input('iif "eth0" tcp dport 22 accept'), [NAMES]],
  ['the NIC by the beginning', input('iifname "eth*" accept'), [NAMES]],
  ['the NIC in a set', input('iifname { "lo", "eth0" } accept'), [NAMES]],
  ['the NIC, and the bridge too', input('iifname { "eth0", "azure0" } accept'), []],
  [
    'the NIC and the bridge apart',
    input('iifname "eth0" accept', 'iifname "azure0" accept'),
    [],
  ],
  ['another link', input('iifname "lo" accept', 'iifname != "docker0" accept'), []],
  [
    'NAT by the NIC',
    'table ip nat { chain out { type nat hook postrouting priority srcnat; oifname "eth0" masquerade;}\n}',
    [/chain out of table ip nat has a rule for eth0/],
  ],
]

async function apply(host: AzureHost, rules: string | string[]): Promise<void> {
  const { stderr } =
    typeof rules === 'string'
      ? await host.exec('nft', ['-f', '-'], { input: `flush ruleset\n${rules}` })
      : await iptables(host, rules)
  if (stderr) throw new Error(stderr)
}

async function iptables(host: AzureHost, rules: string[]): Promise<{ stderr: string }> {
  await host.exec('nft', ['flush', 'ruleset'])
  for (const rule of rules) {
    const { stderr } = await host.exec('iptables-nft', rule.split(' '))
    if (stderr) return { stderr }
  }
  return { stderr: '' }
}

function listFile(host: AzureHost, changes: Changes = {}): string {
  const file = join(host.folder, '10-azure.conflist')
  writeFileSync(file, JSON.stringify(seedList(changes)))
  return file
}

t.test('what is found, and what is not', async (test) => {
  const host = await makeHost(test)
  const file = listFile(host, { vnet: { bridge: 'azure0' } })
  for (const [name, rules, expected] of CASES) {
    await apply(host, rules)
    const { stdout } = await vnetCni(host, 'validate', file, '--json')
    const { warnings } = JSON.parse(stdout) as { warnings: string[] }
    const found = warnings.filter((text) => text.startsWith('firewall'))
    test.match(found, expected, name)
    test.equal(found.length, expected.length, `${name}: ${found.join()}`)
  }
})

const warned = (host: AzureHost) =>
  logLines(host, 'azure-vnet').filter(({ msg }) => String(msg).startsWith('firewall'))

async function refused(
  test: Test,
  host: AzureHost,
  rules: string | string[],
  word: RegExp,
) {
  await apply(host, rules)
  const before = await host.snapshot({ state: false })
  const path = await host.addPodNetns(`strict${Math.random().toString(36).slice(2, 8)}`)
  const strict = runtime(host, { vnet: { strictHost: true } })
  await refuses(test, strict.add('strict', path), 108, word)
  await assertSame(test, host, before, { state: false })
  test.strictSame(nodeRecords(host).networks, {})
}

t.test('strictHost refuses before anything is changed', async (test) => {
  const host = await makeHost(test)
  await refused(test, host, ['-P FORWARD DROP'], DROPS_IP)
  await refused(test, host, input('iifname "eth0" accept'), NAMES)
  await apply(host, forward('ip saddr 10.0.0.0/24 accept'))
  const strict = runtime(host, { vnet: { strictHost: true } })
  await addPod(strict, 'one')
  test.match(warned(host), [{ level: 'info', msg: MAY }], 'what is not certain is named')
})

t.test('a line a finding, not a call', async (test) => {
  const host = await makeHost(test)
  await apply(host, ['-P FORWARD DROP'])
  const runner = runtime(host)
  for (const pod of ['one', 'two']) await addPod(runner, pod)
  test.match(warned(host), [{ level: 'warn', msg: /FORWARD of table ip filter drops/ }])
  await host.exec('nft', ['-f', '-'], { input: input('iifname "eth0" accept') })
  for (const pod of ['three', 'four']) await addPod(runner, pod)
  test.equal(warned(host).length, 2, 'a firewall that came while pods run')
  test.match(warned(host)[1], {
    msg: /chain input of table inet filter has a rule for eth0/,
  })
})

t.test('attach says it on stderr', async (test) => {
  const host = await makeHost(test)
  await apply(host, ['-P FORWARD DROP'])
  for (const pod of ['one', 'two']) {
    const netns = await host.addPodNetns(pod)
    const args = ['--container', pod, '--netns', netns, '--conflist', listFile(host)]
    const { code, stderr } = await vnetCni(
      host,
      'attach',
      ...args,
      '--cni-path',
      OUR_PLUGINS,
    )
    test.equal(code, 0, stderr)
    test.match(stderr, /warning: firewall: chain FORWARD of table ip filter drops/)
  }
})
