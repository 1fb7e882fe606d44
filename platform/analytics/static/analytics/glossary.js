import { attempt, toast } from "./frame.js";
import { button, make, tool } from "./dom.js";
import { patch, post, remove } from "./server.js";
import { sqlBlock } from "./sql.js";
import { t } from "./strings.js";

export class GlossaryPane {
  constructor(element, { path, canEdit, reload }) {
    Object.assign(this, { element, path, canEdit, reload });
  }

  show(dataset) {}
}
