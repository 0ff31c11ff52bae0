// Calls a Recsite site: SITE=https://recsite.example KEY=rs_... node example.js
// The types come from the site itself: npx openapi-typescript $SITE/api/schema -o schema.d.ts
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const client = createClient<paths>({
  baseUrl: process.env.SITE!,
  headers: { Authorization: `Bearer ${process.env.KEY}` },
});

const event = { event_id: crypto.randomUUID(), user_id: "a/da 🦉", item_id: "lighthouse", kind: "view" };
const item = { title: "The Lighthouse", categories: ["Sea"] };

const described = await client.PUT("/api/v1/items/{item_id}", {
  params: { path: { item_id: event.item_id } },
  body: { description: "", ...item },
});
const first = await client.POST("/api/v1/events", { body: { events: [event], sent_at: new Date().toISOString() } });
const again = await client.POST("/api/v1/events", { body: { events: [event] } });
const shown = await client.GET("/api/v1/users/{user_id}/recommendations", {
  params: { path: { user_id: event.user_id }, query: { n: 3 } },
});
const refused = await client.GET("/api/v1/popular", { params: { query: { n: 0 } } });

// What the schema does not know, the compiler refuses.
// @ts-expect-error: there is no such call
void (() => client.GET("/api/v1/nothing"));
// @ts-expect-error: n is a number
void (() => client.GET("/api/v1/popular", { params: { query: { n: "three" } } }));
// @ts-expect-error: an event names its item
void (() => client.POST("/api/v1/events", { body: { events: [{ event_id: "e", user_id: "u", kind: "view" }] } }));

const rank: number | undefined = shown.data?.items[0]?.rank;
const code: string | undefined = refused.error?.code;

console.log(
  JSON.stringify({
    title: described.data?.title,
    accepted: first.data?.accepted,
    duplicates: again.data?.duplicates,
    user_id: shown.data?.user_id,
    rank: rank ?? null,
    code,
  }),
);
