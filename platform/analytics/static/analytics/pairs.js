export class PairsPane {
  constructor(element, { path, canEdit, reload }) {
    Object.assign(this, { element, path, canEdit, reload });
  }

  show(dataset) {}
}
