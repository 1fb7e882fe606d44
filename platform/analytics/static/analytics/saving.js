import { make } from "./dom.js";
export function saveQuestion(question) {}
