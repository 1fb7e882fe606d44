/** The views of the API, as all pages of members ask them. `settings()`: {base, can_edit, has_model, routes_url, dataset?, question?}. */
export * from "../members/server.js";
