"use strict";

// Shows /api/openapi.json: every operation with its parameters, body and answers, and a form to call it.
// Everything is made as elements and text, never as HTML, so words in the document stay words.

const VERBS = ["get", "post", "put", "delete", "patch"];

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function resolve(api, node) {
  if (!node || !node.$ref) return node;
  return node.$ref.slice(2).split("/").reduce((found, word) => found[word], api);
}

function kindOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.type === "array") return `${kindOf(schema.items)}[]`;
  if (schema.additionalProperties && schema.additionalProperties !== true) {
    return `map of ${kindOf(schema.additionalProperties)}`;
  }
  return schema.format ? `${schema.type} (${schema.format})` : schema.type || "";
}

// An example value; `seen` ends messages that hold themselves.
function example(api, schema, seen = []) {
  if (!schema) return null;
  if (schema.$ref) {
    if (seen.includes(schema.$ref)) return {};
    return example(api, resolve(api, schema), [...seen, schema.$ref]);
  }
  if (schema.enum) return schema.enum[schema.enum.length > 1 ? 1 : 0];
  if (schema.type === "array") return [example(api, schema.items, seen)];
  if (schema.type === "object") {
    const filled = {};
    for (const [name, inner] of Object.entries(schema.properties || {})) filled[name] = example(api, inner, seen);
    return filled;
  }
  if (schema.type === "boolean") return false;
  if (schema.type === "integer" || schema.type === "number") return 0;
  if (schema.format === "int64") return "0";
  if (schema.format === "date-time") return "2026-01-31T08:00:00Z";
  return "";
}

function fieldTable(api, schema) {
  const resolved = resolve(api, schema);
  const rows = Object.entries((resolved && resolved.properties) || {}).map(([name, inner]) =>
    make("tr", {}, make("td", {}, make("code", {}, name)), make("td", {}, kindOf(inner)),
      make("td", {}, inner.description || (resolve(api, inner) || {}).description || "")));
  return rows.length ? make("table", {}, make("tbody", {}, ...rows)) : make("p", {}, "No fields.");
}

function parameterRow(operation, parameter, inputs) {
  const id = `${operation.operationId}-${parameter.in}-${parameter.name}`;
  const input = make("input", { id, placeholder: parameter.required ? "required" : "" });
  inputs.push({ parameter, input });
  return make("tr", {},
    make("td", {}, make("label", { for: id }, make("code", {}, parameter.name))),
    make("td", {}, `${parameter.in}, ${kindOf(parameter.schema)}`),
    make("td", {}, input),
    make("td", {}, parameter.description || parameter.schema.description || ""));
}

async function send(verb, path, inputs, body, output) {
  const headers = {};
  const query = new URLSearchParams();
  let target = path;
  for (const { parameter, input } of inputs) {
    if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value === "") continue;
    else if (parameter.in === "header") headers[parameter.name] = input.value;
    else if (parameter.schema.type === "array") {
      for (const item of input.value.split(",")) query.append(parameter.name, item.trim());
    } else query.append(parameter.name, input.value);
  }
  const token = document.getElementById("token").value.trim();
  if (token) headers.authorization = `Bearer ${token}`;
  if (body) headers["content-type"] = "application/json";
  output.hidden = false;
  try {
    const text = query.toString();
    const answer = await fetch(text ? `${target}?${text}` : target, {
      method: verb.toUpperCase(), headers, body: body ? body.value : undefined,
    });
    const raw = await answer.text();
    const kind = answer.headers.get("content-type") || "";
    const shown = kind.startsWith("application/json") && raw ? JSON.stringify(JSON.parse(raw), null, 2) : raw;
    const position = answer.headers.get("x-warpdrive-position");
    output.textContent = `${answer.status}${position ? `, position ${position}` : ""}\n${shown}`;
  } catch (error) {
    output.textContent = String(error);
  }
}

function operationSection(api, verb, path, operation) {
  const inputs = [];
  const parts = [make("h3", {}, make("span", { class: "verb" }, verb.toUpperCase()),
    make("span", { class: "path" }, path)),
  make("p", {}, [operation.summary, operation.description].filter(Boolean).join(". "))];
  if ((operation.parameters || []).length) {
    parts.push(make("table", {}, make("tbody", {},
      ...operation.parameters.map((parameter) => parameterRow(operation, parameter, inputs)))));
  }
  let body = null;
  if (operation.requestBody) {
    const schema = operation.requestBody.content["application/json"].schema;
    body = make("textarea", { "aria-label": `Body of ${operation.operationId}`, spellcheck: "false" });
    body.value = JSON.stringify(example(api, schema), null, 2);
    parts.push(make("details", {}, make("summary", {}, "Body"), fieldTable(api, schema), body));
  }
  const answers = Object.entries(operation.responses).map(([status, answer]) => {
    const resolved = resolve(api, answer);
    return make("tr", {}, make("td", {}, make("code", {}, status)), make("td", {}, resolved.description),
      make("td", {}, Object.entries(resolved.content || {})
        .map(([kind, media]) => `${kind}: ${kindOf(media.schema)}`).join("; ")));
  });
  parts.push(make("details", {}, make("summary", {}, "Answers"),
    make("table", {}, make("tbody", {}, ...answers))));
  const output = make("pre", { hidden: "hidden", "aria-live": "polite" });
  parts.push(make("button", { type: "button", onclick: () => send(verb, path, inputs, body, output) }, "Send"), output);
  return make("section", { class: "operation", id: operation.operationId }, ...parts);
}

function schemaSection(api, name, schema) {
  const words = schema.enum ? [make("p", {}, schema.enum.join(", "))] : [fieldTable(api, schema)];
  return make("section", { class: "operation", id: `schema-${name}` }, make("h3", {}, name),
    make("p", {}, schema.description || ""), ...words);
}

function show(api) {
  const content = document.getElementById("content");
  const index = document.getElementById("index");
  document.getElementById("title").textContent = `${api.info.title} ${api.info.version}`;
  content.replaceChildren(make("p", { class: "about" }, api.info.description));
  for (const tag of api.tags) {
    content.append(make("h2", {}, tag.name), make("p", {}, tag.description || ""));
    index.append(make("h2", {}, tag.name));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const verb of VERBS) {
        const operation = item[verb];
        if (!operation || !operation.tags.includes(tag.name)) continue;
        const section = operationSection(api, verb, path, operation);
        const link = make("a", { href: `#${operation.operationId}` }, operation.summary);
        content.append(section);
        index.append(link);
        section.dataset.words = `${verb} ${path} ${operation.summary}`.toLowerCase();
        link.dataset.words = section.dataset.words;
      }
    }
  }
  content.append(make("h2", {}, "Messages"));
  for (const [name, schema] of Object.entries(api.components.schemas)) content.append(schemaSection(api, name, schema));
}

function filter() {
  const wanted = document.getElementById("filter").value.trim().toLowerCase();
  for (const element of document.querySelectorAll("[data-words]")) {
    element.hidden = wanted !== "" && !element.dataset.words.includes(wanted);
  }
}

document.getElementById("filter").addEventListener("input", filter);
fetch("/api/openapi.json")
  .then((answer) => answer.json())
  .then(show)
  .catch((error) => {
    document.getElementById("content").textContent = `The document cannot be read: ${error}`;
  });
