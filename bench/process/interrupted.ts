// The end of a load program by a signal says nothing about the contender that was being measured: the whole run ends.

export class Interrupted extends Error {
  constructor(name: string) {
    super(`${name} was ended from outside`)
  }
}
