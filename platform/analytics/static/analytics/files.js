export class FilesPane {
  constructor(element, { path, canEdit, reload }) {
    Object.assign(this, { element, path, canEdit, reload });
    this.isBusy = false;
  }

  show(dataset) {}
}
