// Writes TAP: a line for each check, and at the end the summary that count-tap.mjs reads.

export class Tap {
  #passed = 0
  #failed = 0

  /** Whether nothing has failed. */
  get ok() {
    return this.#failed === 0
  }

  /** Does what is to be checked; it fails by throwing. */
  async check(name, action) {
    try {
      await action()
      this.#passed += 1
      this.#line(`ok ${this.#count} - ${name}`)
    } catch (error) {
      this.#failed += 1
      this.#line(`not ok ${this.#count} - ${name}`)
      const text = [error.message, error.stdout, error.stderr].filter(Boolean).join('\n')
      for (const line of text.trim().split('\n')) this.#line(`# ${line}`)
    }
  }

  /** Ends the run; answers whether nothing has failed. */
  end() {
    this.#line(`1..${this.#count}`)
    const failed = this.ok ? '' : `, fail: ${this.#failed}`
    this.#line(`# { total: ${this.#count}, pass: ${this.#passed}${failed} }`)
    return this.ok
  }

  get #count() {
    return this.#passed + this.#failed
  }

  #line(text) {
    process.stdout.write(`${text}\n`)
  }
}
