// Changes of a text at places that are known from its syntax tree.

/** Collects replacements of ranges, which must not overlap, and makes them all at once. */
export class Edits {
  #text
  #list = []

  constructor(text) {
    this.#text = text
  }

  replace(start, end, text) {
    this.#list.push({ start, end, text })
  }

  apply() {
    const sorted = [...this.#list].sort((a, b) => a.start - b.start || a.end - b.end)
    let result = ''
    let at = 0
    for (const { start, end, text } of sorted) {
      if (start < at) throw new Error(`two changes of one place: ${text}`)
      result += this.#text.slice(at, start) + text
      at = end
    }
    return result + this.#text.slice(at)
  }
}
