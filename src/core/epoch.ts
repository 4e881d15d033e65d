declare const brand: unique symbol

/** Counts the assignments of active: grows at every change of active (to nobody, too), and only then. */
export type Epoch = number & { readonly [brand]: 'epoch' }

export const epoch = (value: number): Epoch => value as Epoch
