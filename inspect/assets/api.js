// The API, and what it says when it refuses.

export async function ask(path, options) {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw new Error(body.error);
  return body;
}

export function tell(path, body) {
  return ask(path, { method: "POST", body });
}
